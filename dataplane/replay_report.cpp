// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_report.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "dataplane/config_address.hpp"
#include "dataplane/session_text.hpp"

namespace twinplane::dataplane {

namespace {

using Json = nlohmann::ordered_json;

template <class Slots>
void print_slots(const Slots& slots, const char* box_name, std::uint32_t partition) {
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& session = slots.entry(slot);
    if (!Slots::TraitsType::is_live(session)) continue;
    Json line;
    line["box"] = box_name;
    line.update(session_json(session));
    line["partition"] = partition;
    line["slot"] = slot;
    std::puts(line.dump().c_str());
  }
}

template <class Address>
std::string address_text(const Address& address) {
  return to_text(IpAddress::of(address));
}

template <class Address>
Json shared_json(const tables::NeighborBody<Address>& neighbor) {
  return {{"address", address_text(neighbor.key.address)},
          {"port", neighbor.key.port},
          {"mac", to_text(neighbor.mac)}};
}

template <class Address>
Json shared_json(const tables::MulticastBody<Address>& entry) {
  Json json{{"group", address_text(entry.key.group)}};
  if (entry.key.source != Address{}) json["source"] = address_text(entry.key.source);
  json["wanted"] = entry.egress != 0;
  json["blocked"] = entry.blocked != 0;
  return json;
}

Json dropped_json(const ReplayCounts& counts) {
  Json dropped = Json::object();
  for (std::size_t i = 0; i < counts.parse_drops.size(); ++i)
    if (counts.parse_drops[i] != 0)
      dropped[std::string(kParseResultNames[i])] = counts.parse_drops[i];
  for (std::size_t i = 0; i < counts.sctp_drops.size(); ++i)
    if (counts.sctp_drops[i] != 0)
      dropped["sctp_" + std::string(kSctpResultNames[i])] = counts.sctp_drops[i];
  for (std::size_t i = 0; i < counts.drops.size(); ++i)
    if (counts.drops[i] != 0) dropped[std::string(kDropReasonNames[i])] = counts.drops[i];
  return dropped;
}

std::uint64_t neighbor_count(const ReplayBox& box) {
  return box.home().live_count(tables::TableKind::kArp) +
         box.home().live_count(tables::TableKind::kNd);
}

std::uint64_t group_count(const ReplayBox& box) {
  return box.home().live_count(tables::TableKind::kMulticast4) +
         box.home().live_count(tables::TableKind::kMulticast6);
}

}  // namespace

void print_sessions(const ReplayBox& box, const char* box_name) {
  for (std::uint32_t i = 0; i < box.partition_count(); ++i) {
    print_slots(box.partition(i).session4().slots(), box_name, i);
    print_slots(box.partition(i).session6().slots(), box_name, i);
    print_slots(box.partition(i).slots<tables::TableKind::kSctp>(), box_name, i);
  }
}

void print_shared(const ReplayBox& box, const char* box_name) {
  const auto print = [&](auto kind) {
    const auto& slots = box.home().slots<kind()>();
    for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
      if (!slots.live().is_live(slot)) continue;
      Json line{{"box", box_name}, {"table", tables::name_of(kind())}};
      line.update(shared_json(slots.entry(slot).body));
      line["slot"] = slot;
      std::puts(line.dump().c_str());
    }
  };
  using enum tables::TableKind;
  print(std::integral_constant<tables::TableKind, kArp>{});
  print(std::integral_constant<tables::TableKind, kNd>{});
  print(std::integral_constant<tables::TableKind, kMulticast4>{});
  print(std::integral_constant<tables::TableKind, kMulticast6>{});
}

void print_summary(const ReplaySummary& summary) {
  const ReplayCounts& counts = summary.counts;
  const ReplayBox& active = summary.pair.active();
  const ReplayBox& passive = summary.pair.passive();
  const tables::SessionCounters sessions = active.sessions();
  Json line;
  line["captures"] = summary.capture_count;
  line["captures_damaged"] = summary.damaged_count;
  line["virtual_s"] = static_cast<double>(summary.virtual_ns) / 1e9;
  line["packets"] = counts.packets;
  line["bytes"] = counts.bytes;
  line["forwarded"] = counts.forwarded;
  line["fragmented"] = counts.fragmented;
  line["to_box"] = counts.to_box;
  line["dropped"] = dropped_json(counts);
  line["icmp_errors"] = counts.icmp_errors;
  line["sessions_created"] = sessions.created;
  line["sessions_picked_up"] = counts.picked_up;
  line["sessions_ended"] = sessions.ended;
  line["sessions_expired"] = sessions.expired;
  line["sessions_evicted"] = sessions.evicted_half_open;
  line["associations_created"] = active.associations().created;
  line["associations_ended"] = active.associations().ended;
  line["associations_expired"] = active.associations().expired;
  line["sessions_active"] = active.live_count();
  line["sessions_passive"] = passive.live_count();
  line["neighbors_active"] = neighbor_count(active);
  line["neighbors_passive"] = neighbor_count(passive);
  line["groups_active"] = group_count(active);
  line["groups_passive"] = group_count(passive);
  line["records"] = active.counter(ha2::Counter::kRecordsSent);
  line["records_applied"] = passive.counter(ha2::Counter::kRecordsApplied);
  line["frames"] = active.counter(ha2::Counter::kFramesSent);
  line["frames_lost"] = summary.pair.frames_lost();
  line["different_slots"] = summary.difference.slots;
  line["misplaced_keys"] = {{"active", summary.difference.active_keys},
                            {"passive", summary.difference.passive_keys}};
  line["quiet"] = summary.is_quiet;
  line["equal"] = summary.is_equal;
  std::puts(line.dump().c_str());
}

}  // namespace twinplane::dataplane
