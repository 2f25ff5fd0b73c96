// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "dataplane/parse_steps.hpp"

namespace twinplane::dataplane {
namespace {

std::uint16_t source_port_be(const PacketView& view) noexcept {
  return view.kind == PacketKind::kIp4 ? view.source4.port_be : view.source6.port_be;
}

std::uint16_t target_port_be(const PacketView& view) noexcept {
  return view.kind == PacketKind::kIp4 ? view.target4.port_be : view.target6.port_be;
}

}  // namespace

FragmentTable::FragmentTable(const FragmentLimits& limits, tables::HashSeed seed)
    : set_mask_(limits.entries / kWays - 1), timeout_ms_(limits.timeout_ms), seed_(seed) {
  constexpr std::size_t kEntriesMax = 1U << 20U;
  if (!std::has_single_bit(limits.entries) || limits.entries < kWays ||
      limits.entries > kEntriesMax)
    throw std::invalid_argument("fragment table: entries must be a power of two of 8..1048576");
  entries_.resize(limits.entries);
}

FragmentVerdict FragmentTable::on_fragment(PacketView& view, std::uint16_t scope,
                                           std::uint64_t now_ms) noexcept {
  const Key key = key_of(view, scope);
  return view.fragment.part == FragmentPart::kFirst ? on_first(view, key, now_ms)
                                                    : on_later(view, key, now_ms);
}

FragmentTable::Key FragmentTable::key_of(const PacketView& view, std::uint16_t scope) noexcept {
  Key key{{}, {}, view.fragment.id, scope, 0, view.kind};
  if (view.kind == PacketKind::kIp4) {
    std::ranges::copy(view.source4.address, key.source.begin());
    std::ranges::copy(view.target4.address, key.target.begin());
    key.protocol = view.protocol;
  } else {
    key.source = view.source6.address;
    key.target = view.target6.address;
  }
  return key;
}

FragmentTable::Entry* FragmentTable::set_of(const Key& key) noexcept {
  return &entries_[(tables::hash_of(key, seed_) & set_mask_) * kWays];
}

FragmentTable::Entry* FragmentTable::find(Entry* set, const Key& key,
                                          std::uint64_t now_ms) noexcept {
  for (Entry* entry = set; entry != set + kWays; ++entry) {
    if (entry->state != State::kFree && entry->expires_ms > now_ms && entry->key == key)
      return entry;
  }
  return nullptr;
}

// The entry that is free or has expired, else the oldest.
FragmentTable::Entry& FragmentTable::make_room(Entry* set, std::uint64_t now_ms) noexcept {
  Entry* oldest = set;
  for (Entry* entry = set; entry != set + kWays; ++entry) {
    if (entry->state == State::kFree || entry->expires_ms <= now_ms) return *entry;
    if (entry->expires_ms < oldest->expires_ms) oldest = entry;
  }
  ++counters_.evicted;
  return *oldest;
}

FragmentVerdict FragmentTable::on_first(const PacketView& view, const Key& key,
                                        std::uint64_t now_ms) noexcept {
  Entry* set = set_of(key);
  if (Entry* entry = find(set, key, now_ms); entry != nullptr) {
    const bool is_duplicate =
        entry->state == State::kOpen && entry->source_port_be == source_port_be(view) &&
        entry->target_port_be == target_port_be(view) && entry->protocol == view.protocol &&
        entry->first_bytes == view.fragment.bytes;
    return is_duplicate ? FragmentVerdict::kKnown : refuse(*entry);
  }
  make_room(set, now_ms) = {.key = key,
                            .expires_ms = now_ms + timeout_ms_,
                            .bytes_seen = view.fragment.bytes,
                            .bytes_total = 0,
                            .source_port_be = source_port_be(view),
                            .target_port_be = target_port_be(view),
                            .first_bytes = view.fragment.bytes,
                            .protocol = view.protocol,
                            .state = State::kOpen};
  ++counters_.opened;
  return FragmentVerdict::kKnown;
}

FragmentVerdict FragmentTable::on_later(PacketView& view, const Key& key,
                                        std::uint64_t now_ms) noexcept {
  Entry* entry = find(set_of(key), key, now_ms);
  if (entry == nullptr) {
    ++counters_.no_first;
    return FragmentVerdict::kUnknown;
  }
  const std::uint32_t end = std::uint32_t{view.fragment.offset_bytes} + view.fragment.bytes;
  const bool is_other_end =
      entry->bytes_total != 0 &&
      (end > entry->bytes_total || (!view.fragment.more && end != entry->bytes_total));
  if (entry->state == State::kRefused || view.fragment.offset_bytes < entry->first_bytes ||
      is_other_end)
    return refuse(*entry);
  view.protocol = entry->protocol;
  parse_steps::set_ports_be(view, entry->source_port_be, entry->target_port_be);
  entry->bytes_seen += view.fragment.bytes;
  if (!view.fragment.more) entry->bytes_total = end;
  ++counters_.followed;
  if (entry->bytes_total != 0 && entry->bytes_seen >= entry->bytes_total) {
    entry->state = State::kFree;
    ++counters_.completed;
  }
  return FragmentVerdict::kKnown;
}

FragmentVerdict FragmentTable::refuse(Entry& entry) noexcept {
  if (entry.state == State::kOpen) ++counters_.overlapping;
  entry.state = State::kRefused;
  ++counters_.refused;
  return FragmentVerdict::kRefused;
}

}  // namespace twinplane::dataplane
