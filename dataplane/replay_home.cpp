// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_home.hpp"

#include <algorithm>
#include <array>

#include "dataplane/group_address.hpp"

namespace twinplane::dataplane {

namespace {

using tables::Address4;
using tables::Address6;
using tables::MulticastBody;

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr tables::HashSeed kSeed{1};  // nobody chooses names against a replay
constexpr TokenBucketLimits kNoLimit{1'000'000, 1'000'000};

NeighborOptions neighbor_options() {
  NeighborOptions options;
  options.learns = kNoLimit;
  return options;
}

GroupOptions group_options() {
  GroupOptions options;
  options.groups_per_port_max = options.groups_max;
  options.records = kNoLimit;
  return options;
}

std::vector<GroupPort> listening_ports(const Config& config) {
  return std::vector<GroupPort>(config.ports.size(), GroupPort{.role = GroupPortRole::kSnoop});
}

template <class Address>
Address narrow(const Address6& address) noexcept {
  Address narrowed{};
  std::copy(address.end() - static_cast<std::ptrdiff_t>(sizeof(Address)), address.end(),
            narrowed.begin());
  return narrowed;
}

}  // namespace

ReplayHome::ReplayHome(const Config& config, tables::Partition& home)
    : home_(home),
      own_(config),
      table_(4 * config.tables.neighbor_slots, kSeed),
      sender_(own_, *this, neighbor_counters_),
      resolver_(neighbor_options(), own_, table_, sender_, *this, neighbor_counters_),
      replica_(home, table_, config.ports.size()),
      membership_(group_options(), listening_ports(config), *this, *this, group_counters_, kSeed) {
  resolver_.set_watcher(&replica_);
  resolver_.set_active(true, 0);
}

void ReplayHome::hear_neighbor(std::span<const std::byte> frame, const PacketView& view,
                               std::size_t port_index, std::uint64_t now_ns) noexcept {
  NeighborMessage message;
  if (read_neighbor_message(frame, view, message) != NeighborFault::kNone || !message.has_mac)
    return;
  const IpAddress& who = message.is_solicitation ? message.sender : message.subject;
  if (who.is_set())
    resolver_.learn(NeighborKey::of(port_index, who), message.mac, now_ns / kNsPerMs);
}

bool ReplayHome::hears_group(std::span<const std::byte> frame, const PacketView& view,
                             std::size_t port_index, std::uint64_t now_ns) noexcept {
  GroupMessage message;
  if (read_group_message(frame, view, message) != GroupFault::kNone) return false;
  now_ms_ = now_ns / kNsPerMs;
  membership_.on_message(port_index, message, now_ms_);
  return true;
}

void ReplayHome::poll(std::uint64_t now_ns) noexcept {
  now_ms_ = now_ns / kNsPerMs;
  membership_.poll(now_ms_);
}

void ReplayHome::on_membership_changed(const Address6& group, const Address6* /*source*/) noexcept {
  if (family_of(group) == GroupFamily::kIp4)
    write_down<Address4>(group);
  else
    write_down<Address6>(group);
}

template <class Address>
MulticastBody<Address> ReplayHome::body_of(const Address6& group, const Address6& source) noexcept {
  MulticastBody<Address> body{};
  body.key.group = narrow<Address>(group);
  if (source != kNoAddress) body.key.source = narrow<Address>(source);
  body.ingress = tables::kAnyPort;
  return body;
}

// Whatever is known of the group now, in place of what was. Entries of a source come once for each
// port.
template <class Address>
void ReplayHome::write_down(const Address6& group) noexcept {
  using Body = MulticastBody<Address>;
  auto& table = home_.table<Body::kKind>();
  for (std::uint32_t slot = 0; slot < table.slots().slot_count(); ++slot) {
    if (!table.slots().live().is_live(slot)) continue;
    const auto& known = table.slots().entry(slot).body;
    if (known.key.group != narrow<Address>(group) || (known.egress | known.blocked) == 0) continue;
    typename Body::Patch none = known.patch();
    none.egress = none.blocked = 0;
    table.patch(slot, none);
  }
  membership_.for_each_entry(group, now_ms_, [&](const GroupEntry& entry) {
    Body body = body_of<Address>(group, entry.source);
    const tables::PortSet port = tables::PortSet{1} << entry.port_index;
    const std::uint32_t slot = table.slots().find(body.key).slot;
    if (slot != tables::kNoSlot) body = table.slots().entry(slot).body;
    (entry.is_blocked ? body.blocked : body.egress) |= port;
    if (slot != tables::kNoSlot)
      table.patch(slot, body.patch());
    else
      static_cast<void>(table.create(body, static_cast<std::uint32_t>(now_ms_ / 1000)));
  });
  for (std::uint32_t slot = 0; slot < table.slots().slot_count(); ++slot) {
    if (!table.slots().live().is_live(slot)) continue;
    const auto& known = table.slots().entry(slot).body;
    if (known.key.group == narrow<Address>(group) && (known.egress | known.blocked) == 0)
      table.end(slot);
  }
}

std::span<std::byte> ReplayHome::try_frame(std::size_t /*port_index*/) noexcept { return {}; }

void ReplayHome::send(std::size_t /*port_index*/, std::size_t /*frame_bytes*/) noexcept {}

void ReplayHome::release(void* /*packet*/, std::size_t /*port_index*/,
                         const MacAddress& /*mac*/) noexcept {}

void ReplayHome::drop(void* /*packet*/, std::size_t /*port_index*/,
                      NeighborDrop /*reason*/) noexcept {}

}  // namespace twinplane::dataplane
