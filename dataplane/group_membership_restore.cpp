// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "dataplane/group_membership.hpp"

namespace twinplane::dataplane {

namespace {

// Whatever bytes another box has sent.
bool is_sound(const GroupEntry& entry) noexcept {
  const GroupFamily family = family_of(entry.group);
  const bool is_source = entry.source != kNoAddress;
  const bool is_too_early = family == GroupFamily::kIp6 && entry.version == GroupVersion::k1;
  return is_group(entry.group, family) && !is_link_scope(entry.group) && !is_too_early &&
         (is_source ? is_group_source(entry.source, family) : !entry.is_blocked) &&
         (entry.is_blocked || entry.left_ms > 0);
}

}  // namespace

GroupRestore GroupMembership::restore(const GroupEntry& entry, std::uint64_t now_ms) noexcept {
  const GroupFamily family = family_of(entry.group);
  const bool is_source = entry.source != kNoAddress;
  const bool has_port = entry.port_index < ports_.size() &&
                        ports_[entry.port_index].setup.role != GroupPortRole::kOff;
  if (!has_port || !is_sound(entry)) return GroupRestore::kRefused;
  GroupChanges changes;
  std::uint32_t slot = table_.find(entry.port_index, entry.group);
  if (slot == GroupTable::kNoSlot) {
    slot = table_.insert(entry.port_index, entry.group);
    if (slot == GroupTable::kNoSlot) {
      counters_.add(GroupCounter::kIgnoredGroupsFull);
      return GroupRestore::kFull;
    }
    counters_.add(GroupCounter::kGroupsAdded);
  }
  // What another box has seen may be hours old or wrong: nothing outlasts a whole interval.
  const std::uint64_t whole_ms = times_of(entry.port_index, family, now_ms).membership_ms;
  const std::uint64_t due_ms = now_ms + std::min(std::uint64_t{entry.left_ms}, whole_ms);
  GroupState& state = table_.at(slot);
  GroupRestore result = GroupRestore::kDone;
  if (!is_source) {
    state.is_exclude = true;
    state.due_ms = due_ms;
    if (entry.version == GroupVersion::k1) state.version1_until_ms = due_ms;
    if (entry.version == GroupVersion::k2) state.version2_until_ms = due_ms;
  } else {
    GroupSource* source = table_.find_source(slot, entry.source);
    if (source == nullptr) source = table_.add_source(slot, entry.source);
    if (source == nullptr) {
      counters_.add(GroupCounter::kIgnoredSourcesFull);
      result = GroupRestore::kFull;
    } else {
      source->due_ms = entry.is_blocked ? 0 : due_ms;
    }
    // Only a group that is wanted as a whole has blocked sources; its own entry corrects the time.
    if (entry.is_blocked && !state.is_exclude) {
      state.is_exclude = true;
      state.due_ms = now_ms + whole_ms;
    }
  }
  changes.add_whole();
  if (result == GroupRestore::kDone) counters_.add(GroupCounter::kEntriesRestored);
  settle(slot, now_ms, changes);
  return result;
}

}  // namespace twinplane::dataplane
