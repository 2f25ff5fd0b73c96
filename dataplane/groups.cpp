// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/groups.hpp"

#include <algorithm>

#include "dataplane/config_floating.hpp"
#include "dataplane/group_numbers.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address6;
using tables::PortSet;

constexpr std::uint64_t kPublishMs = 100;

Address6 plain(const IpAddress& address) noexcept {
  return address.is4() ? mapped(address.v4()) : address.v6();
}

constexpr bool is_mld(std::uint8_t icmp_type) noexcept {
  return (icmp_type >= kMldQuery && icmp_type <= kMldDone) || icmp_type == kMldReport2;
}

// May who is on the port's link speak so? Others' messages have come through a router, or are
// forged. In IPv6 only link-local senders get so far.
bool is_of_link(const PortConfig& port, const GroupMessage& message) noexcept {
  if (message.family == GroupFamily::kIp6 || message.is_unspecified_sender()) return true;
  return is_on_link(port, IpAddress::of(v4_of(message.sender)));
}

}  // namespace

std::vector<GroupPort> group_ports(const Config& config) {
  std::vector<GroupPort> ports;
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    GroupPort setup{.mac = virtual_mac(port, i), .vlan = port.vlan};
    if ((config.multicast.ports() >> i & 1U) != 0) setup.role = GroupPortRole::kRouter;
    if ((config.multicast.query_ports >> i & 1U) != 0) {
      for (const IpPrefix& own : port.addresses) {
        if (own.address.is6())
          setup.own6 = link_local_of(setup.mac);
        else if (setup.own4 == kNoAddress)
          setup.own4 = mapped(own.address.v4());
      }
    }
    ports.push_back(setup);
  }
  return ports;
}

GroupOptions group_options(const Config& config) noexcept {
  const MulticastConfig& multicast = config.multicast;
  const std::uint32_t both = 2 * config.tables.multicast_slots;
  return {.version4 = static_cast<GroupVersion>(multicast.igmp_version),
          // MLD's versions are named by IGMP's.
          .version6 = static_cast<GroupVersion>(multicast.mld_version + 1),
          .robustness = multicast.robustness,
          .query_interval_ms = multicast.query_interval_s * 1000,
          .query_response_ms = multicast.query_response_ms,
          .last_member_interval_ms = multicast.last_member_interval_ms,
          .groups_max = both,
          .groups_per_port_max = multicast.groups_per_port,
          .sources_max = both,
          .sources_per_group_max = multicast.sources_per_group,
          .records = {.rate_per_s = multicast.reports_per_s,
                      .burst = 2 * std::uint64_t{multicast.reports_per_s}}};
}

Groups::Groups(const Config& config, std::span<const GroupPort> ports, tables::Partition& home,
               GroupShared& shared, FrameSink& frames, tables::HashSeed seed)
    : config_(config),
      shared_(shared),
      replica_(home, shared.routes, config.ports.size(), seed),
      streams_(config, replica_, shared.traffic, counters_),
      membership_(group_options(config), ports, frames, *this, counters_, seed),
      restored_(replica_.slot_count()) {
  for (const GroupPort& port : ports) domains_.push_back(port.domain);
  gathered_.resize(config.ports.size() * kGroupSourcesMax + config.ports.size() +
                   config.multicast.groups.size());
}

bool Groups::concerns(ParseResult parsed, const PacketView& view) noexcept {
  if (view.kind == PacketKind::kIp6)
    return parsed == ParseResult::kOk && view.is_group_target &&
           view.l4_kind == L4Kind::kIcmpOther && is_mld(view.icmp_type);
  if (view.kind != PacketKind::kIp4 || view.protocol != kProtocolIgmp) return false;
  // Who has no address yet reports from 0.0.0.0, and parse() has looked no further then.
  const bool is_to_group = view.is_group_target || (view.target4.address[0] & 0xF0U) == 0xE0U;
  return is_to_group && (parsed == ParseResult::kOk || parsed == ParseResult::kIp4BadSource);
}

void Groups::set_active(bool is_active, std::uint64_t now_ms) noexcept {
  // What the stream of the old owner has said last.
  replica_.poll();
  is_active_ = is_active;
  now_ms_ = now_ms;
  membership_.set_active(is_active, now_ms);
  restored_ = is_active ? 0 : replica_.slot_count();
  compared_ = 0;
  hurried_ = 0;
  last_compare_ms_ = now_ms;
  if (is_active) streams_.take(now_ms);
}

void Groups::on_packet(std::span<const std::byte> frame, const PacketView& view,
                       std::size_t port_index, std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  GroupMessage message;
  if (const GroupFault fault = read_group_message(frame, view, message); fault != GroupFault::kNone)
    return faults_[static_cast<std::size_t>(fault)].add(1);
  if (!is_of_link(config_.ports[port_index], message))
    return counters_.add(GroupCounter::kIgnoredOffLink);
  membership_.on_message(port_index, message, now_ms);
}

std::size_t Groups::poll(std::uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  std::size_t done = replica_.poll() + membership_.poll(now_ms);
  if (is_active_) {
    if (restored_ < replica_.slot_count())
      restore_batch(now_ms);
    else
      compare(now_ms);
    done += streams_.poll(now_ms);
  }
  if (now_ms - last_publish_ms_ >= kPublishMs) publish_queriers(now_ms);
  return done;
}

// ---- from membership to entries -----------------------------------------------------------------

void Groups::on_membership_changed(const Address6& group, const Address6* source) noexcept {
  // While entries are being put back the membership is not whole; all of it is compared afterwards.
  if (is_active_ && restored_ == replica_.slot_count()) write(group, source);
}

// Every source of the group that somebody has a say about, or the one, by domain; in rising order,
// each once.
std::span<const Groups::Wanted> Groups::gather(const Address6& group,
                                               const Address6* only) noexcept {
  std::size_t count = 0;
  const auto add = [&](const Address6& source, std::size_t port_index, bool is_blocked) {
    if ((only != nullptr && source != *only) || count == gathered_.size()) return;
    const PortSet port = PortSet{1} << port_index;
    gathered_[count++] = {domains_[port_index], source, is_blocked ? 0 : port,
                          is_blocked ? port : 0};
  };
  membership_.for_each_entry(group, now_ms_, [&](const GroupEntry& entry) {
    add(entry.source, entry.port_index, entry.is_blocked);
  });
  for (const StaticGroupConfig& fixed : config_.multicast.groups)
    if (plain(fixed.group) == group)
      add(fixed.source.is_set() ? plain(fixed.source) : kNoAddress, fixed.port_index, false);
  const auto all = std::span(gathered_).first(count);
  std::ranges::sort(all, {}, name_of);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (name_of(all[i]) == name_of(all[kept])) {
      all[kept].egress |= all[i].egress;
      all[kept].blocked |= all[i].blocked;
    } else {
      all[++kept] = all[i];
    }
  }
  return all.first(count == 0 ? 0 : kept + 1);
}

void Groups::write(const Address6& group, const Address6* only) noexcept {
  const auto now_s = static_cast<std::uint32_t>(now_ms_ / 1000);
  const std::span<const Wanted> wanted = gather(group, only);
  const auto write_one = [&](const Wanted& one) {
    const GroupRouteKey key{.source = one.source, .group = group, .domain = one.domain};
    // Where a port is fixed, what its hosts block is forwarded all the same.
    if (!replica_.set_wanted(key, one.egress, one.blocked & ~one.egress, now_s))
      counters_.add(GroupCounter::kNoRoom);
  };
  for (const Wanted& one : wanted) write_one(one);
  // What stands there and nobody has a say about any more.
  replica_.for_each_of_group(group, [&](std::uint32_t slot) {
    GroupFacts facts;
    if (!replica_.try_facts(slot, facts) || (only != nullptr && facts.key.source != *only)) return;
    const Wanted none{.domain = facts.key.domain, .source = facts.key.source};
    // Nothing is learned by VLAN here: such an entry is no box's of this version.
    if (facts.key.vlan != 0 || !std::ranges::binary_search(wanted, name_of(none), {}, name_of))
      static_cast<void>(replica_.set_wanted(facts.key, 0, 0, now_s));
  });
}

// ---- after a takeover ---------------------------------------------------------------------------

void Groups::restore_batch(std::uint64_t now_ms) noexcept {
  for (std::uint32_t i = 0; i < kBatch && restored_ < replica_.slot_count(); ++i, ++restored_) {
    GroupFacts facts;
    if (replica_.try_facts(restored_, facts)) restore(facts, now_ms);
  }
  // What this box alone has heard, and what is fixed, joins what the peer knew.
  if (restored_ == replica_.slot_count()) hurried_ = compared_count();
}

void Groups::restore(const GroupFacts& facts, std::uint64_t now_ms) noexcept {
  for (std::size_t port = 0; port < config_.ports.size(); ++port) {
    const bool is_wanted = (facts.egress >> port & 1U) != 0;
    const bool is_blocked = (facts.blocked >> port & 1U) != 0;
    if (!is_wanted && !is_blocked) continue;
    const GroupRestore result = membership_.restore(
        {.group = facts.key.group,
         .source = facts.key.source,
         .left_ms = is_wanted ? GroupEntry::kWholeInterval : 0,
         .port_index = static_cast<std::uint8_t>(port),
         .version = family_of(facts.key.group) == GroupFamily::kIp4
                        ? static_cast<GroupVersion>(config_.multicast.igmp_version)
                        : static_cast<GroupVersion>(config_.multicast.mld_version + 1),
         .is_blocked = !is_wanted},
        now_ms);
    if (result != GroupRestore::kDone) counters_.add(GroupCounter::kEntriesRefused);
  }
}

// Entries and groups in turn, so many that a round takes kRoundMs.
void Groups::compare(std::uint64_t now_ms) noexcept {
  const std::uint32_t total = compared_count();
  const std::uint64_t elapsed_ms = std::min(now_ms - last_compare_ms_, kRoundMs);
  const std::uint64_t due =
      hurried_ > 0 ? kBatch : std::min<std::uint64_t>(total * elapsed_ms / kRoundMs, kBatch);
  if (due == 0) return;
  last_compare_ms_ = now_ms;
  hurried_ -= std::min(hurried_, kBatch);
  for (std::uint64_t i = 0; i < due; ++i) {
    compare_one(compared_);
    compared_ = compared_ + 1 == total ? 0 : compared_ + 1;
  }
}

std::uint32_t Groups::compared_count() const noexcept {
  return replica_.slot_count() + membership_.slot_count() +
         static_cast<std::uint32_t>(config_.multicast.groups.size());
}

void Groups::compare_one(std::uint32_t index) noexcept {
  if (index >= replica_.slot_count() + membership_.slot_count()) {
    const std::size_t fixed = index - replica_.slot_count() - membership_.slot_count();
    return write(plain(config_.multicast.groups[fixed].group), nullptr);
  }
  if (index >= replica_.slot_count()) {
    const Address6 group = membership_.group_at(index - replica_.slot_count());
    if (group != kNoAddress) write(group, nullptr);
    return;
  }
  GroupFacts facts;
  if (replica_.try_facts(index, facts)) write(facts.key.group, &facts.key.source);
}

void Groups::publish_queriers(std::uint64_t now_ms) noexcept {
  last_publish_ms_ = now_ms;
  for (std::size_t port = 0; port < config_.ports.size(); ++port)
    for (const GroupFamily family : {GroupFamily::kIp4, GroupFamily::kIp6})
      shared_.queriers.set(port, family, membership_.querier_of(port, family));
}

}  // namespace twinplane::dataplane
