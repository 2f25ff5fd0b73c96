// SPDX-License-Identifier: BSD-3-Clause
// syn_cookie.hpp - answers a SYN without remembering it: the server's first sequence number says
// what would have to be remembered, and nobody else can make one.
//
//      31    28 27   26  24 23                                    0
//     +--------+----+------+---------------------------------------+
//     | time   | S  | MSS  | SipHash of ends, ports, client's      |
//     | mod 16 | A  | one  | sequence number, time, SACK and MSS   |
//     |        | CK | of 8 |                                       |
//     +--------+----+------+---------------------------------------+
//
// A cookie is good in the period it was made in and in the next one. One forged acknowledgement in
// 16,777,216 passes.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  periods of kPeriodS seconds, a cookie lives 64 to 128 s. Of the client's options are
//          kept the MSS, rounded down to one of eight, and whether it takes SACK; no window scale.
//          Boxes that are to know each other's cookies need the same key, and the same period (wall
//          clock).
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

// What of a SYN's options a cookie holds.
struct KeptOptions {
  std::uint16_t mss = 0;
  bool has_sack = false;
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
  KeptOptions kept;  // kGood; an MSS of at most what the client's SYN said
};

// The MSS is from the SYN, or what the protocol takes for granted (536, 1220). One below the least
// of the eight is taken for it: 216 (IPv4), 536 (IPv6).
template <class Address>
std::uint32_t make_syn_cookie(const SipKey& key, const CookieFlow<Address>& flow,
                              const KeptOptions& kept, CookieTime now) noexcept;

// For an acknowledgement without a session: `cookie` is what it acknowledges less one, and
// flow.client_sequence its sequence number less one.
template <class Address>
[[nodiscard]] CookieAnswer check_syn_cookie(const SipKey& key, const CookieFlow<Address>& flow,
                                            std::uint32_t cookie, CookieTime now) noexcept;

}  // namespace twinplane::dataplane
