// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/bridge_intake.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kNsPerS = 1'000'000'000;

}  // namespace

std::optional<BridgeOutcome> BridgeIntake::refuse(std::span<const std::byte> bytes,
                                                  std::uint8_t domain_index,
                                                  BridgeFrame& frame) const noexcept {
  const BridgeDomain& domain = bridging_.domains[domain_index];
  switch (read_bridge_frame(bytes, frame)) {
    case BridgeFrameFault::kMalformed:
      return BridgeOutcome::kMalformed;
    case BridgeFrameFault::kWrongTag:
      return BridgeOutcome::kWrongTag;
    case BridgeFrameFault::kNone:
      break;
  }
  if (!domain.vlans.test(frame.vlan)) return BridgeOutcome::kWrongVlan;
  if (bytes.size() - frame.l3_offset > domain.mtu_bytes) return BridgeOutcome::kTooBig;
  if (frame.is_ip()) return std::nullopt;  // by the rules, whomever it is sent to
  if (frame.target_kind == BridgeTarget::kReserved)
    return domain.config.passes_link_protocols && !frame.is_pause()
               ? std::nullopt
               : std::optional(BridgeOutcome::kReserved);
  if (!domain.passes(frame.ether_type)) return BridgeOutcome::kEtherType;
  return std::nullopt;
}

std::optional<BridgeOutcome> BridgeIntake::refuse_sender(const BridgeFrame& frame,
                                                         std::uint8_t domain_index,
                                                         std::uint8_t ingress_port,
                                                         std::uint64_t now_ns) noexcept {
  const BridgeDomain& domain = bridging_.domains[domain_index];
  const MacKey key = mac_key(frame.source, frame.vlan, domain_index);
  MacFound found{};
  const bool is_known = bridging_.table.try_lookup(key, found);
  if (is_known) {
    if (found.is_held()) return BridgeOutcome::kHeldSource;
    if (found.port == ingress_port) {
      bridging_.see(worker_, found.place, static_cast<std::uint32_t>(now_ns / kNsPerS));
      return std::nullopt;
    }
    if (found.is_static()) return BridgeOutcome::kStaticElsewhere;
  }
  tell_home(key, domain_index, ingress_port, now_ns);  // who counts it, and knows better
  // One that moves takes a place of the port, and none of the domain's.
  const bool has_no_place = is_known ? bridging_.is_port_full(ingress_port)
                                     : bridging_.is_full(domain_index, ingress_port);
  const bool drops = !domain.is_wire() && domain.config.limit_action == AddressLimitAction::kDrop;
  return drops && has_no_place ? std::optional(BridgeOutcome::kLimit) : std::nullopt;
}

BridgeWay BridgeIntake::find_way(const BridgeFrame& frame, std::uint8_t domain_index,
                                 std::uint8_t ingress_port, std::uint64_t now_ns) noexcept {
  const BridgeDomain& domain = bridging_.domains[domain_index];
  const PortBits others = bridging_.domains.flood_ports(domain_index, ingress_port);
  Meters& meters = meters_[ingress_port];
  const BridgeConfig& limits = domain.config;
  switch (frame.target_kind) {
    case BridgeTarget::kBroadcast:
      if (is_storm(meters.broadcast, limits.broadcast_per_s, now_ns))
        return {BridgeOutcome::kStorm, 0};
      return {BridgeOutcome::kFloodedBroadcast, others};
    case BridgeTarget::kMulticast:
    case BridgeTarget::kReserved:
      if (is_storm(meters.multicast, limits.multicast_per_s, now_ns))
        return {BridgeOutcome::kStorm, 0};
      return {BridgeOutcome::kFloodedMulticast, others};
    case BridgeTarget::kUnicast:
      break;
  }
  if (domain.is_wire()) return {BridgeOutcome::kForwarded, others};
  MacFound found{};
  if (bridging_.table.try_lookup(mac_key(frame.target, frame.vlan, domain_index), found)) {
    if (found.is_held()) return {BridgeOutcome::kHeldTarget, 0};
    if (found.port == ingress_port) return {BridgeOutcome::kFiltered, 0};
    return {BridgeOutcome::kForwarded, port_bit(found.port)};
  }
  if (!limits.floods_unknown) return {BridgeOutcome::kUnknownTarget, 0};
  if (is_storm(meters.unknown, limits.unknown_per_s, now_ns)) return {BridgeOutcome::kStorm, 0};
  return {BridgeOutcome::kFloodedUnknown, others};
}

// The same news again and again, until the home worker has taken them, would fill its ring.
void BridgeIntake::tell_home(const MacKey& key, std::uint8_t domain, std::uint8_t port,
                             std::uint64_t now_ns) noexcept {
  const std::uint64_t now_ms = now_ns / kNsPerMs;
  const std::uint64_t tag = tables::hash_of(key, tables::HashSeed{port});
  Recent& recent = recent_[tag % kRecentCount];
  if (recent.tag == tag && now_ms - recent.told_ms < kRepeatMs) return;
  if (!bridging_.events(worker_).try_put({key, port})) return stats(domain).events_missed.add(1);
  recent = {tag, now_ms};
}

bool BridgeIntake::is_storm(std::optional<TokenBucket>& meter, std::uint32_t rate_per_s,
                            std::uint64_t now_ns) noexcept {
  if (rate_per_s == 0) return false;
  // A tenth of a second at once, as hosts send in bursts.
  if (!meter)
    meter.emplace(
        TokenBucketLimits{.rate_per_s = rate_per_s,
                          .burst = std::clamp<std::uint64_t>(rate_per_s / 10, 16, 100'000)},
        now_ns);
  return !meter->try_take(now_ns);
}

}  // namespace twinplane::dataplane
