// SPDX-License-Identifier: BSD-3-Clause
// syn_cookie.hpp - answers a SYN without remembering it: the server's first sequence number says
// what would have to be remembered, and nobody else can make one.
//
//      31    27 26  24 23                                     0
//     +--------+------+----------------------------------------+
//     | time   | MSS  | SipHash of ends, ports, client's       |
//     | mod 32 | one  | sequence number, time and MSS          |
//     |        | of 8 |                                        |
//     +--------+------+----------------------------------------+
//
// A cookie is good in the period it was made in and in the next one. Which of the two keys it was
// made with follows from its period, so the former key helps nobody to guess: one forged
// acknowledgement in 16,777,216 passes.
//
// Thread:  any; pure. Keys are replaced between two packets.
// Memory:  none; 40 bytes of keys.
// Limits:  periods of kPeriodS seconds, a cookie lives 64 to 128 s. Of the client's options only
//          the MSS is kept, rounded down to one of eight; no window scale, no SACK. Boxes that are
//          to know each other's cookies need the same keys, and the same period (wall clock).
// Errors:  named refusals.
// Spec:    RFC 4987 section 3.6; RFC 9293 section 3.7.1 (MSS).
#pragma once

#include <cstdint>

#include "dataplane/sip_hash.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

// Counts periods, not seconds.
struct CookieTime {
  static constexpr std::uint64_t kPeriodS = 64;

  std::uint64_t period = 0;
};

constexpr CookieTime cookie_time(std::uint64_t wall_s) noexcept {
  return {wall_s / CookieTime::kPeriodS};
}

class CookieKeys {
 public:
  explicit CookieKeys(const SipKey& key) noexcept : current_(key), former_(key) {}

  // `key` makes cookies from the next period on. Not again before two periods have passed, or
  // cookies that are still good are refused.
  void replace(const SipKey& key, CookieTime now) noexcept {
    former_ = current_;
    current_ = key;
    current_from_ = now.period + 1;
  }

  const SipKey& of(CookieTime made) const noexcept {
    return made.period >= current_from_ ? current_ : former_;
  }

 private:
  SipKey current_;
  SipKey former_;
  std::uint64_t current_from_ = 0;
};

// A SYN as it came: ports and addresses as they stand in the packet, the sequence number in host
// order.
template <class Address>
struct CookieFlow {
  tables::Endpoint<Address> client;
  tables::Endpoint<Address> server;
  std::uint32_t client_sequence = 0;
};

enum class CookieVerdict : std::uint8_t {
  kGood,
  kTooOld,  // or from a time that is yet to come
  kForged,
};

struct CookieAnswer {
  CookieVerdict verdict;
  std::uint16_t mss;  // at most what the client's SYN said; 0 unless kGood
};

// `mss` from the SYN, or what the protocol takes for granted (536, 1220). One below the least of
// the eight is taken for it: 216 (IPv4), 536 (IPv6).
template <class Address>
std::uint32_t make_syn_cookie(const CookieKeys& keys, const CookieFlow<Address>& flow,
                              std::uint16_t mss, CookieTime now) noexcept;

// For an acknowledgement without a session: `cookie` is what it acknowledges less one, and
// flow.client_sequence its sequence number less one.
template <class Address>
[[nodiscard]] CookieAnswer check_syn_cookie(const CookieKeys& keys, const CookieFlow<Address>& flow,
                                            std::uint32_t cookie, CookieTime now) noexcept;

}  // namespace twinplane::dataplane
