// SPDX-License-Identifier: BSD-3-Clause
// What a querier says about single groups: RFC 3376 section 6.6.3, RFC 3810 section 7.6.3.
#include <array>

#include "dataplane/group_frames.hpp"
#include "dataplane/group_membership.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kNoFrameWaitMs = 50;

}  // namespace

static_assert(kGroupSourcesMax <= kGroupQuerySourcesMax);

bool GroupMembership::try_send(std::size_t port_index, const tables::Address6& group,
                               std::span<const tables::Address6> sources, bool is_suppressing,
                               GroupFamily family) noexcept {
  const std::span<std::byte> frame = frames_.try_frame(port_index);
  if (frame.empty()) {
    counters_.add(GroupCounter::kNoFrame);
    return false;
  }
  const GroupPort& setup = ports_[port_index].setup;
  const bool is_general = group == kNoAddress;
  const std::size_t bytes =
      write_group_query(frame, {.source_mac = setup.mac,
                                .vlan = setup.vlan,
                                .source = link_of(port_index, family).querier.own(),
                                .version = query_version(family),
                                .group = group,
                                .sources = sources,
                                .max_response_ms = is_general ? options_.query_response_ms
                                                              : options_.last_member_interval_ms,
                                .interval_s = options_.query_interval_ms / 1000,
                                .robustness = static_cast<std::uint8_t>(options_.robustness),
                                .suppresses_timers = is_suppressing});
  frames_.send(port_index, bytes);
  counters_.add(GroupCounter::kQueriesSent);
  return true;
}

// Those of the sources with queries left whose timers are above the last member query time, or
// those whose are not.
bool GroupMembership::try_send_sources(std::uint32_t slot, bool is_suppressing,
                                       std::uint64_t now_ms) noexcept {
  const GroupState& state = table_.at(slot);
  const GroupFamily family = family_of(state.group);
  const std::uint64_t lowered_ms =
      now_ms + link_of(state.port_index, family).querier.last_member_ms();
  const auto is_meant = [&](const GroupSource& source) {
    return source.queries_left > 0 && (source.due_ms > lowered_ms) == is_suppressing;
  };
  std::array<tables::Address6, kGroupSourcesMax> sources;
  std::size_t count = 0;
  table_.for_each_source(slot, [&](const GroupSource& source) {
    if (is_meant(source)) sources[count++] = source.address;
  });
  if (count == 0) return true;
  // Earlier versions can ask only about the group, which those of its sources answer too.
  const bool names_sources = query_version(family) == GroupVersion::k3;
  const auto named = std::span(sources).first(names_sources ? count : 0);
  if (!try_send(state.port_index, state.group, named, is_suppressing, family)) return false;
  table_.for_each_source(slot, [&](GroupSource& source) {
    if (is_meant(source)) --source.queries_left;
  });
  return true;
}

void GroupMembership::send_queries(std::uint32_t slot, std::uint64_t now_ms) noexcept {
  GroupState& state = table_.at(slot);
  const GroupFamily family = family_of(state.group);
  if (!may_query(state.port_index, family)) {
    // Somebody else asks now.
    state.queries_left = 0;
    table_.for_each_source(slot, [](GroupSource& source) { source.queries_left = 0; });
    return;
  }
  if (state.next_query_ms > now_ms) return;
  state.next_query_ms = now_ms + kNoFrameWaitMs;
  if (state.queries_left > 0) {
    const std::uint64_t lowered_ms =
        now_ms + link_of(state.port_index, family).querier.last_member_ms();
    if (!try_send(state.port_index, state.group, {}, state.due_ms > lowered_ms, family)) return;
    --state.queries_left;
  }
  if (!try_send_sources(slot, true, now_ms) || !try_send_sources(slot, false, now_ms)) return;
  state.next_query_ms = now_ms + options_.last_member_interval_ms;
}

}  // namespace twinplane::dataplane
