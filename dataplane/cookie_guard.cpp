// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/cookie_guard.hpp"

#include <algorithm>

#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

template <class Address>
CookieFlow<Address> flow_of(const PacketView& view, std::uint32_t client_sequence) noexcept {
  return {.client = view.source<Address>(),
          .server = view.target<Address>(),
          .client_sequence = client_sequence};
}

}  // namespace

CookieGuard::CookieGuard(const Config& config, const SipKey& key) noexcept : key_(key) {
  for (const ZoneProtectionConfig& protection : config.zone_protections)
    if (protection.thresholds[static_cast<std::size_t>(FloodKind::kSyn)].has_cookies)
      zones_ |= std::uint64_t{1} << protection.zone_index;
  std::uint16_t mtu_bytes = 0xFFFF;
  for (const PortConfig& port : config.ports) mtu_bytes = std::min(mtu_bytes, port.mtu_bytes);
  mss4_ = static_cast<std::uint16_t>(mtu_bytes - kIp4Bytes - kTcpBytes);
  mss6_ = static_cast<std::uint16_t>(mtu_bytes - kIp6Bytes - kTcpBytes);
}

std::uint32_t CookieGuard::make(const PacketView& syn, const SynOffer& offer) const noexcept {
  const KeptOptions kept{offer.mss, offer.has_sack};
  return syn.kind == PacketKind::kIp4
             ? make_syn_cookie(key_, flow_of<tables::Address4>(syn, syn.tcp.sequence), kept, now_)
             : make_syn_cookie(key_, flow_of<tables::Address6>(syn, syn.tcp.sequence), kept, now_);
}

std::optional<KnownSyn> CookieGuard::try_know(const PacketView& view) const noexcept {
  if ((view.tcp.flags & (kTcpAck | kTcpSyn | kTcpRst | kTcpFin)) != kTcpAck) return std::nullopt;
  const std::uint32_t cookie = view.tcp.acknowledgement - 1;
  for (const std::uint32_t sequence : {view.tcp.sequence - 1, view.tcp.sequence}) {
    const CookieAnswer answer =
        view.kind == PacketKind::kIp4
            ? check_syn_cookie(key_, flow_of<tables::Address4>(view, sequence), cookie, now_)
            : check_syn_cookie(key_, flow_of<tables::Address6>(view, sequence), cookie, now_);
    if (answer.verdict == CookieVerdict::kGood)
      return KnownSyn{sequence, cookie, {answer.kept.mss, answer.kept.has_sack}};
    if (answer.verdict == CookieVerdict::kTooOld) break;
  }
  return std::nullopt;
}

}  // namespace twinplane::dataplane
