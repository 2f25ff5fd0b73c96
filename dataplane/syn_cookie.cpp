// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/syn_cookie.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>

namespace twinplane::dataplane {

namespace {

constexpr unsigned kHashBits = 24;
constexpr unsigned kMssBits = 3;
constexpr std::uint32_t kHashMask = (1U << kHashBits) - 1;
constexpr std::uint32_t kMssMask = (1U << kMssBits) - 1;
constexpr unsigned kOptionBits = kMssBits + 1;  // SACK above the MSS
constexpr std::uint32_t kOptionMask = (1U << kOptionBits) - 1;
constexpr std::uint32_t kSackBit = 1U << kMssBits;
constexpr std::uint32_t kTimeMask = 15;
constexpr std::uint64_t kPeriodsGood = 2;

using MssTable = std::array<std::uint16_t, 1U << kMssBits>;

// What links and tunnels leave of 576, 1280, 1500 and 9000 bytes.
template <class Address>
constexpr MssTable kMssTable = std::is_same_v<Address, tables::Address4>
                                   ? MssTable{216, 536, 1220, 1300, 1400, 1440, 1460, 8960}
                                   : MssTable{536, 1024, 1220, 1300, 1380, 1420, 1440, 8940};

// No padding: every byte is hashed. IPv4 and IPv6 differ in length, and so in their hash.
template <class Address>
struct CookieText {
  Address client;
  Address server;
  std::uint16_t client_port_be;
  std::uint16_t server_port_be;
  std::uint32_t client_sequence;
  std::uint64_t period;
  std::uint64_t options;
};

template <class Address>
std::uint32_t cookie_of(const SipKey& key, const CookieFlow<Address>& flow, std::uint32_t options,
                        CookieTime made) noexcept {
  const CookieText<Address> text{.client = flow.client.address,
                                 .server = flow.server.address,
                                 .client_port_be = flow.client.port_be,
                                 .server_port_be = flow.server.port_be,
                                 .client_sequence = flow.client_sequence,
                                 .period = made.period,
                                 .options = options};
  static_assert(std::has_unique_object_representations_v<CookieText<Address>>);
  const std::uint64_t hash = sip_hash(key, std::as_bytes(std::span(&text, 1)));
  return (static_cast<std::uint32_t>(made.period) & kTimeMask) << (kHashBits + kOptionBits) |
         options << kHashBits | (static_cast<std::uint32_t>(hash) & kHashMask);
}

}  // namespace

template <class Address>
std::uint32_t make_syn_cookie(const SipKey& key, const CookieFlow<Address>& flow,
                              const KeptOptions& kept, CookieTime now) noexcept {
  const MssTable& table = kMssTable<Address>;
  const auto above = std::upper_bound(table.begin() + 1, table.end(), kept.mss);
  const auto mss_index = static_cast<std::uint32_t>(above - table.begin() - 1);
  return cookie_of(key, flow, mss_index | (kept.has_sack ? kSackBit : 0U), now);
}

template <class Address>
CookieAnswer check_syn_cookie(const SipKey& key, const CookieFlow<Address>& flow,
                              std::uint32_t cookie, CookieTime now) noexcept {
  const std::uint32_t time = cookie >> (kHashBits + kOptionBits);
  const std::uint64_t age = (now.period - time) & kTimeMask;
  if (age >= kPeriodsGood || age > now.period) return {CookieVerdict::kTooOld, {}};
  const std::uint32_t options = cookie >> kHashBits & kOptionMask;
  if (cookie_of(key, flow, options, {now.period - age}) != cookie)
    return {CookieVerdict::kForged, {}};
  return {CookieVerdict::kGood,
          {kMssTable<Address>[options & kMssMask], (options & kSackBit) != 0}};
}

template std::uint32_t make_syn_cookie(const SipKey&, const CookieFlow<tables::Address4>&,
                                       const KeptOptions&, CookieTime) noexcept;
template std::uint32_t make_syn_cookie(const SipKey&, const CookieFlow<tables::Address6>&,
                                       const KeptOptions&, CookieTime) noexcept;
template CookieAnswer check_syn_cookie(const SipKey&, const CookieFlow<tables::Address4>&,
                                       std::uint32_t, CookieTime) noexcept;
template CookieAnswer check_syn_cookie(const SipKey&, const CookieFlow<tables::Address6>&,
                                       std::uint32_t, CookieTime) noexcept;

}  // namespace twinplane::dataplane
