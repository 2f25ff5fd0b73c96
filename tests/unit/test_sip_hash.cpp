// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/sip_hash.hpp"

namespace twinplane::dataplane {
namespace {

// Key 00 01 .. 0f.
constexpr SipKey kKey{0x0706050403020100, 0x0F0E0D0C0B0A0908};

std::vector<std::byte> counting_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

// From vectors_sip64 of the reference code, read as little-endian words; 15 bytes are the example
// of the paper's appendix A.
TEST(SipHash, AnswersAsTheReferenceCodeDoes) {
  struct Vector {
    std::size_t bytes;
    std::uint64_t answer;
  };

  for (const Vector& vector : {
           Vector{0, 0x726FDB47DD0E0E31},
           Vector{1, 0x74F839C593DC67FD},
           Vector{2, 0x0D6C8009D9A94F5A},
           Vector{3, 0x85676696D7FB7E2D},
           Vector{4, 0xCF2794E0277187B7},
           Vector{5, 0x18765564CD99A68D},
           Vector{6, 0xCBC9466E58FEE3CE},
           Vector{7, 0xAB0200F58B01D137},
           Vector{8, 0x93F5F5799A932462},
           Vector{9, 0x9E0082DF0BA9E4B0},
           Vector{15, 0xA129CA6149BE45E5},
           Vector{63, 0x958A324CEB064572},
       })
    EXPECT_EQ(sip_hash(kKey, counting_bytes(vector.bytes)), vector.answer) << vector.bytes;
}

TEST(SipHash, TellsLengthsOfZerosApart) {
  std::vector<std::uint64_t> answers;
  for (std::size_t count = 0; count < 20; ++count)
    answers.push_back(sip_hash(kKey, std::vector<std::byte>(count)));
  for (std::size_t i = 1; i < answers.size(); ++i) EXPECT_NE(answers[i], answers[i - 1]);
}

}  // namespace
}  // namespace twinplane::dataplane
