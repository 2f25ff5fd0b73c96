// SPDX-License-Identifier: BSD-3-Clause
// token_bucket.hpp - lets through a burst and then a rate; what ICMP errors are limited by.
//
// Thread:  one; a value each worker has its own of.
// Memory:  32 bytes.
// Limits:  rate 1..1,000,000,000 a second, burst 1..1,000,000. Time comes in, in nanoseconds, and
//          should not go back: if it does, no credit is added.
// Errors:  CHECK for a rate or burst out of range.
// Spec:    RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tables/base/check.hpp"

namespace twinplane::dataplane {

struct TokenBucketLimits {
  std::uint64_t rate_per_s{};
  std::uint64_t burst{};
};

class TokenBucket {
 public:
  // Starts full.
  TokenBucket(TokenBucketLimits limits, std::uint64_t now_ns) noexcept : last_ns_(now_ns) {
    TWINPLANE_CHECK(limits.rate_per_s - 1, <, kNsPerS);
    TWINPLANE_CHECK(limits.burst - 1, <, 1'000'000U);
    token_ns_ = kNsPerS / limits.rate_per_s;
    credit_max_ns_ = limits.burst * token_ns_;
    credit_ns_ = credit_max_ns_;
  }

  // Takes one token, or answers false.
  [[nodiscard]] bool try_take(std::uint64_t now_ns) noexcept {
    if (now_ns > last_ns_) {
      credit_ns_ =
          std::min(credit_max_ns_, credit_ns_ + std::min(now_ns - last_ns_, credit_max_ns_));
      last_ns_ = now_ns;
    }
    if (credit_ns_ < token_ns_) return false;
    credit_ns_ -= token_ns_;
    return true;
  }

 private:
  static constexpr std::uint64_t kNsPerS = 1'000'000'000;

  std::uint64_t token_ns_ = 0;  // what one token costs
  std::uint64_t credit_max_ns_ = 0;
  std::uint64_t credit_ns_ = 0;
  std::uint64_t last_ns_ = 0;
};

}  // namespace twinplane::dataplane
