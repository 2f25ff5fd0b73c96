// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tables/sequence_space.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint64_t kLast32 = 0xFFFF'FFFF;
constexpr std::uint64_t kLast64 = ~std::uint64_t{0};

// RFC 4303 appendix A2.1, word for word, for a window whose high half has a lower neighbor.
std::uint64_t inferred_by_the_rfc(std::uint64_t top, std::uint32_t wire, std::uint32_t width) {
  const auto low = static_cast<std::uint32_t>(top);
  const auto high = static_cast<std::uint32_t>(top >> 32U);
  const std::uint32_t bottom = low - width + 1;
  std::uint32_t wire_high = high;
  if (low >= width - 1)
    wire_high = wire >= bottom ? high : high + 1;
  else
    wire_high = wire >= bottom ? high - 1 : high;
  return std::uint64_t{wire_high} << 32U | wire;
}

TEST(SequenceSpace, InfersEveryNumberThatCanBeMeantInASmallSpace) {
  constexpr unsigned kWireBits = 4;
  constexpr std::uint64_t kPeriod = 16;
  for (std::uint32_t width = 1; width <= kPeriod; ++width) {
    for (std::uint64_t top = 0; top < 6 * kPeriod; ++top) {
      const std::uint64_t lowest = top >= width ? top - width + 1 : 1;
      for (std::uint64_t meant = lowest; meant + width <= top + kPeriod; ++meant) {
        ASSERT_EQ(infer_sequence<kWireBits>(top, meant % kPeriod, width), meant)
            << "top " << top << " width " << width;
      }
    }
  }
}

TEST(SequenceSpace, NothingIsBeforeTheFirstNumberInASmallSpace) {
  constexpr unsigned kWireBits = 4;
  for (std::uint32_t width = 1; width <= 16; ++width) {
    for (std::uint64_t top = 0; top + 1 < width; ++top) {
      const std::uint64_t below_zero = width - 1 - top;  // of the window's numbers
      for (std::uint32_t wire = 0; wire < 16; ++wire) {
        const std::uint64_t expected = wire >= 16 - below_zero ? 0 : wire;
        ASSERT_EQ(infer_sequence<kWireBits>(top, wire, width), expected);
      }
    }
  }
}

TEST(SequenceSpace, InfersAsTheRfcDoesAroundEveryEdgeOf32Bits) {
  for (const std::uint32_t width : {64U, 448U, 1024U}) {
    for (const std::uint64_t high : {1ULL, 2ULL, 0x7FFF'FFFFULL, 0xFFFF'FFFEULL}) {
      for (std::uint64_t low_step = 0; low_step < 2 * width + 8; low_step += 7) {
        const auto low = static_cast<std::uint32_t>(low_step - width);  // from below 2^32 to above
        const std::uint64_t top = high << 32U | low;
        for (const std::uint32_t wire :
             {0U, 1U, low - width, low - width + 1, low - width + 2, low - 1, low, low + 1,
              0x7FFF'FFFFU, 0x8000'0000U, 0xFFFF'FFFEU, 0xFFFF'FFFFU}) {
          ASSERT_EQ(infer_sequence(top, wire, width), inferred_by_the_rfc(top, wire, width))
              << std::hex << top << " " << wire << " width " << std::dec << width;
        }
      }
    }
  }
}

TEST(SequenceSpace, NothingIsBehindTheLastNumber) {
  EXPECT_EQ(infer_sequence(kLast64, 0xFFFF'FFFF, 64), kLast64);
  EXPECT_EQ(infer_sequence(kLast64, 0xFFFF'FFFF - 63, 64), kLast64 - 63);
  EXPECT_EQ(infer_sequence(kLast64, 0xFFFF'FFFF - 64, 64), 0U);
  EXPECT_EQ(infer_sequence(kLast64, 0, 64), 0U);
  EXPECT_EQ(infer_sequence(kLast64 - 1, 0xFFFF'FFFF, 64), kLast64);
}

TEST(SequenceSpace, AddingEndsWithTheLastNumber) {
  for (const SequenceSpace space : {SequenceSpace::k32, SequenceSpace::k64}) {
    const std::uint64_t last = last_sequence(space);
    EXPECT_EQ(add_sequences(0, 0, space), 0U);
    EXPECT_EQ(add_sequences(5, 7, space), 12U);
    EXPECT_EQ(add_sequences(last - 1, 0, space), last - 1);
    EXPECT_EQ(add_sequences(last - 1, 1, space), last);
    EXPECT_EQ(add_sequences(last - 1, 2, space), last);
    EXPECT_EQ(add_sequences(last, 0, space), last);
    EXPECT_EQ(add_sequences(last, kLast64, space), last);
    EXPECT_EQ(add_sequences(0, kLast64, space), last);
  }
  EXPECT_EQ(add_sequences(kLast32, 1, SequenceSpace::k64), kLast32 + 1);
}

}  // namespace
}  // namespace twinplane::tables
