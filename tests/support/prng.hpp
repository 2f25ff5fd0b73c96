// SPDX-License-Identifier: BSD-3-Clause
// prng.hpp - the random numbers of the tests: one seed gives the same run on every machine.
//
// Thread:  one; a value.
// Memory:  32 bytes.
// Limits:  not for secrets.
// Errors:  none.
// Spec:    xoshiro256** 1.0, seeded by splitmix64 (Blackman and Vigna, 2018; public domain).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace twinplane::tests {

class Prng {
 public:
  explicit Prng(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15U;
      std::uint64_t mixed = (seed ^ (seed >> 30U)) * 0xBF58476D1CE4E5B9U;
      mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
      word = mixed ^ (mixed >> 31U);
    }
  }

  std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // In [0, limit). Requires limit > 0; the bias is below 2^-32 for limits below 2^32.
  std::uint32_t below(std::uint32_t limit) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32U) * limit) >> 32U);
  }

  // In [first, last].
  std::uint32_t between(std::uint32_t first, std::uint32_t last) noexcept {
    return first + below(last - first + 1);
  }

  bool chance(std::uint32_t permille) noexcept { return below(1000) < permille; }

  bool coin() noexcept { return (next() >> 63U) != 0; }

  template <class Value, std::size_t kSize>
  Value pick(const std::array<Value, kSize>& values) noexcept {
    return values[below(static_cast<std::uint32_t>(kSize))];
  }

  void fill(std::span<std::byte> bytes) noexcept {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(next() >> 56U);
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace twinplane::tests
