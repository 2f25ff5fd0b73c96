// SPDX-License-Identifier: BSD-3-Clause
// sequence_space.hpp - the numbers of ESP packets: 32 bits on the wire, and 32 or 64 bits counted.
//
// Thread:  any; pure functions.
// Memory:  none.
// Limits:  numbers run from 1 to last_sequence(); 0 is no packet's number and stands for "none".
// Errors:  none: what cannot be a number is 0.
// Spec:    RFC 4303 sections 2.2.1, 3.3.3 and appendix A2.1.
#pragma once

#include <cstdint>

namespace twinplane::tables {

// What an SA counts in: 32 bits, or 64 of which the lower half travels (ESN).
enum class SequenceSpace : std::uint8_t { k32, k64 };

// A box that would have to leave out more numbers than this asks for a new SA instead. A receiver
// with ESN loses its place for good at 2^32 less its window; a quarter of that is far from it, and
// without ESN a quarter of all numbers there are.
inline constexpr std::uint64_t kSequenceJumpMax = std::uint64_t{1} << 30U;

constexpr std::uint64_t last_sequence(SequenceSpace space) noexcept {
  return space == SequenceSpace::k32 ? 0xFFFF'FFFFU : ~std::uint64_t{0};
}

// Not beyond the last number, however far it is.
constexpr std::uint64_t add_sequences(std::uint64_t sequence, std::uint64_t count,
                                      SequenceSpace space) noexcept {
  const std::uint64_t last = last_sequence(space);
  return sequence >= last || count >= last - sequence ? last : sequence + count;
}

// The number whose lower kWireBits are `wire`, for a window of `width` numbers that ends with
// `top`: the lowest one that is not below the window, which is both cases of appendix A2.1 in one.
// 0 when that one is before the first or behind the last number. kWireBits is 32 but in tests.
template <unsigned kWireBits = 32>
constexpr std::uint64_t infer_sequence(std::uint64_t top, std::uint32_t wire,
                                       std::uint32_t width) noexcept {
  constexpr std::uint64_t kWireMask = (std::uint64_t{1} << kWireBits) - 1;
  const std::uint64_t bottom = top - (width - 1);  // modulo 2^64
  const std::uint64_t sequence = bottom + ((wire - bottom) & kWireMask);
  const bool is_bottom_below_zero = top < width - 1;
  const bool is_carried = sequence < bottom;
  return is_carried == is_bottom_below_zero ? sequence : 0;
}

}  // namespace twinplane::tables
