// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/checkers.hpp"

#include <cstring>

#include "ha2/digest.hpp"

namespace twinplane::tests {

namespace {

using tables::Address4;
using tables::Address6;
using tables::Side;
using tables::TableKind;

constexpr std::array<const char*, tables::kTableKindCount> kTableNames{"session4", "session6"};

std::string at(std::size_t table, std::size_t slot) {
  return std::string(kTableNames[table]) + " slot " + std::to_string(slot);
}

std::string text_of(const SlotView& view) {
  if (!view.is_live) return "empty";
  const auto edges = [&view](std::size_t direction) {
    return std::to_string(view.edges[direction]) + ".." + std::to_string(view.edges_max[direction]);
  };
  return "generation " + std::to_string(view.generation) + " ranks " +
         std::to_string(view.tcp_ranks[0]) + "/" + std::to_string(view.tcp_ranks[1]) +
         (view.is_reply_seen ? " replied" : "") + " edges " + edges(0) + "/" + edges(1) +
         " image " + std::to_string(view.hash % 100'000);
}

template <class Address>
SlotView view_of(const tables::SessionOf<Address>& entry) noexcept {
  const ha2::SessionImage<Address> image = ha2::image_of(entry);
  SlotView view;
  view.hash = tables::hash_of(image, tables::HashSeed{1});
  view.is_live = image.flags != 0;
  if (!view.is_live) return view;
  view.generation = image.generation;
  view.is_reply_seen = (image.flags & tables::kReplySeen) != 0;
  for (std::size_t direction = 0; direction < 2; ++direction) {
    view.tcp_ranks[direction] =
        static_cast<std::uint8_t>(image.tcp_ranks >> (4U * direction) & 0xFU);
    view.edges[direction] = entry.state.edge[direction];
    view.edges_max[direction] = entry.state.edge_max[direction];
  }
  return view;
}

template <class Slots>
bool is_waiting(const Slots& slots, std::uint32_t slot) noexcept {
  constexpr unsigned kStated = tables::kMarkWhole | tables::kMarkState;
  return slots.changes().contains(slot) && (slots.entry(slot).state.marks & kStated) != 0;
}

bool is_waiting(const Box& owner, TableKind table, std::uint32_t slot) noexcept {
  return table == TableKind::kSession4 ? is_waiting(owner.partition().session4().slots(), slot)
                                       : is_waiting(owner.partition().session6().slots(), slot);
}

// In the wrapping space of generations.
bool is_newer(std::uint16_t generation, std::uint16_t than) noexcept {
  const unsigned ahead = (generation - than) & tables::kGenerationMask;
  return ahead != 0 && ahead <= tables::kGenerationMask / 2U;
}

bool fell(std::uint32_t edge, std::uint32_t before) noexcept {
  return before != 0 && static_cast<std::int32_t>(edge - before) < 0;
}

std::string what_fell(const SlotView& now, const SlotView& before) {
  for (std::size_t direction = 0; direction < 2; ++direction) {
    if (now.tcp_ranks[direction] < before.tcp_ranks[direction]) return "a TCP rank";
    if (before.edges[direction] != 0 && now.edges[direction] == 0) return "a known window edge";
    if (fell(now.edges[direction], before.edges[direction]) ||
        fell(now.edges_max[direction], before.edges_max[direction]))
      return "a window edge";
  }
  if (before.is_reply_seen && !now.is_reply_seen) return "reply seen";
  return {};
}

template <class Address>
std::string index_fault(const tables::SessionTable<Address>& sessions, const Workload& workload,
                        std::uint32_t flow_count, std::size_t table) {
  const auto& slots = sessions.slots();
  std::uint64_t key_count = 0;
  std::uint32_t live_count = 0;
  const auto is_at = [&slots](const tables::FlowKey<Address>& key, std::uint32_t slot) {
    const tables::Found found = slots.find(key);
    return found.slot == slot;
  };
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& entry = slots.entry(slot);
    const bool is_live = (entry.flags & tables::kLive) != 0;
    if (is_live != slots.live().is_live(slot)) return at(table, slot) + " and the live map differ";
    if (!is_live) continue;
    ++live_count;
    ++key_count;
    if (!is_at(tables::key_of(entry, Side::kClient), slot))
      return at(table, slot) + " is not found by its client-side key";
    if ((entry.flags & tables::kTranslated) == 0) continue;
    ++key_count;
    if (!is_at(tables::key_of(entry, Side::kServer), slot))
      return at(table, slot) + " is not found by its server-side key";
  }
  if (live_count != slots.live_count()) return std::string(kTableNames[table]) + " miscounts";
  if (key_count != slots.index().key_count())
    return std::string(kTableNames[table]) + " has " + std::to_string(key_count) +
           " keys, its index " + std::to_string(slots.index().key_count());
  if (slots.unindexed_count() != 0) return std::string(kTableNames[table]) + " has no place left";
  for (std::uint32_t number = 0; number < flow_count; ++number) {
    const auto session = workload.session_of<Address>(number);
    for (const Side side : {Side::kClient, Side::kServer}) {
      const auto key = tables::key_of(session, side);
      const tables::Found found = slots.find(key);
      if (found.slot != tables::kNoSlot &&
          !tables::SessionTraits<Address>::matches(slots.entry(found.slot), found.side, key))
        return std::string(kTableNames[table]) + " finds flow " + std::to_string(number) +
               " where it is not";
    }
  }
  return {};
}

template <class Address>
std::uint64_t whole_digest(const tables::SessionTable<Address>& sessions) noexcept {
  return ha2::digest_of(sessions.slots(), {0, sessions.slots().slot_count()});
}

}  // namespace

template <class Address>
void Observer::look_at(const Box& box, std::size_t box_index, TableViews& views) {
  constexpr std::size_t kTable = sizeof(Address) == 4 ? 0 : 1;
  const tables::SessionTable<Address>* sessions;
  if constexpr (kTable == 0)
    sessions = &box.partition().session4();
  else
    sessions = &box.partition().session6();
  const auto& slots = sessions->slots();
  using Entry = tables::SessionOf<Address>;
  std::vector<std::byte>& seen = seen_[box_index][kTable];
  TableViews& known = views_[box_index][kTable];
  const bool is_first = seen.empty();
  if (is_first) {
    seen.resize(slots.slot_count() * sizeof(Entry));
    known.resize(slots.slot_count());
  }
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const Entry& entry = slots.entry(slot);
    std::byte* const last = seen.data() + slot * sizeof(Entry);
    if (!is_first && std::memcmp(last, &entry, sizeof entry) == 0) continue;
    std::memcpy(last, &entry, sizeof entry);
    known[slot] = view_of(entry);
  }
  views = known;
}

const Scene& Observer::look(const SimPair& pair) {
  scene_.pair = &pair;
  const std::size_t owner = pair.owner_index();
  look_at<Address4>(pair.owner(), owner, scene_.owner[0]);
  look_at<Address6>(pair.owner(), owner, scene_.owner[1]);
  look_at<Address4>(pair.mirror(), 1 - owner, scene_.mirror[0]);
  look_at<Address6>(pair.mirror(), 1 - owner, scene_.mirror[1]);
  return scene_;
}

std::string NothingForgotten::check(const Scene& scene) const {
  // Before both have heard of the stream there is nothing that one could have told the other.
  if (!scene.pair->is_joined()) return {};
  const Box& owner = scene.pair->owner();
  const ha2::OwnerStream& stream = owner.replica().owner();
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) {
    const auto kind = static_cast<TableKind>(table);
    for (std::uint32_t slot = 0; slot < scene.owner[table].size(); ++slot) {
      if (scene.owner[table][slot].hash == scene.mirror[table][slot].hash) continue;
      if (is_waiting(owner, kind, slot) || stream.is_ahead_of_walk(kind, slot) ||
          stream.is_in_flight(kind, slot))
        continue;
      return "I1 forgotten: " + at(table, slot) + ": owner " + text_of(scene.owner[table][slot]) +
             ", mirror " + text_of(scene.mirror[table][slot]);
    }
  }
  return {};
}

std::string NothingInvented::check(const Scene& scene) {
  const bool is_new_stream = scene.pair->stream_number() != stream_number_;
  stream_number_ = scene.pair->stream_number();
  const bool is_bulk_done =
      scene.pair->is_joined() && scene.pair->owner().replica().owner().is_bulk_done();
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) {
    if (past_[table].empty()) past_[table].resize(scene.owner[table].size());
    for (std::size_t slot = 0; slot < scene.owner[table].size(); ++slot) {
      Past& past = past_[table][slot];
      const SlotView& owner = scene.owner[table][slot];
      const SlotView& mirror = scene.mirror[table][slot];
      if (is_new_stream) past.in_stream.clear();
      if (is_new_stream || owner.hash != past.last_hash) {
        past.ever.insert(owner.hash);
        past.in_stream.insert(owner.hash);
        past.last_hash = owner.hash;
      }
      // Empty is always believable: a key that moved on leaves its old slot.
      if (!mirror.is_live) continue;
      if (!past.ever.contains(mirror.hash))
        return "I2 invented: " + at(table, slot) + ": mirror " + text_of(mirror) + ", owner " +
               text_of(owner);
      if (is_bulk_done && !past.in_stream.contains(mirror.hash))
        return "S12 bulk done too early: " + at(table, slot) + ": mirror still has " +
               text_of(mirror) + " of an earlier stream";
    }
  }
  return {};
}

std::string NothingGoesBack::check(const Scene& scene) {
  // What the mirror did between the last look and its joining, it did in an earlier stream.
  const bool is_joined = scene.pair->is_joined() && scene.pair->stream_number() == stream_number_;
  const bool is_first = !is_joined || !was_joined_;
  was_joined_ = is_joined;
  stream_number_ = scene.pair->stream_number();
  const bool is_bulk_done =
      scene.pair->is_joined() && scene.pair->owner().replica().owner().is_bulk_done();
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) {
    if (last_[table].empty()) last_[table].resize(scene.mirror[table].size());
    for (std::size_t slot = 0; slot < scene.mirror[table].size(); ++slot) {
      Last& last = last_[table][slot];
      const SlotView& now = scene.mirror[table][slot];
      if (is_first) {
        last = {now, 0, false, false};
        continue;
      }
      const bool is_changed = now.hash != last.view.hash || now.edges != last.view.edges ||
                              now.edges_max != last.view.edges_max;
      if (is_changed && last.is_known && now.is_live) {
        if (last.view.is_live && now.generation == last.view.generation) {
          if (const std::string what = what_fell(now, last.view); !what.empty())
            return "I3 went back: " + at(table, slot) + ": " + what + ": " + text_of(last.view) +
                   " became " + text_of(now);
        } else if (last.has_generation && !is_newer(now.generation, last.generation)) {
          return "I3 went back: " + at(table, slot) + ": generation " +
                 std::to_string(last.generation) + " became " + std::to_string(now.generation);
        }
      }
      last.is_known |= is_changed || is_bulk_done;
      if (is_changed) last.view = now;
      if (!last.is_known || !now.is_live) continue;
      last.generation = now.generation;
      last.has_generation = true;
    }
  }
  return {};
}

std::string IndexIsExact::check(const Box& box) const {
  std::string fault = index_fault<Address4>(box.partition().session4(), workload_,
                                            workload_.shape().flow_count4, 0);
  if (fault.empty())
    fault = index_fault<Address6>(box.partition().session6(), workload_,
                                  workload_.shape().flow_count6, 1);
  return fault.empty() ? fault : "I4 index: " + fault;
}

std::string QuietMeansEqual::check(const Scene& scene) const {
  const SimPair& pair = *scene.pair;
  if (!pair.is_joined() || !pair.owner().replica().owner().is_quiet()) return {};
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table)
    for (std::size_t slot = 0; slot < scene.owner[table].size(); ++slot)
      if (scene.owner[table][slot].hash != scene.mirror[table][slot].hash)
        return "I9 quiet but not equal: " + at(table, slot) + ": owner " +
               text_of(scene.owner[table][slot]) + ", mirror " + text_of(scene.mirror[table][slot]);
  const tables::Partition& owner = pair.owner().partition();
  const tables::Partition& mirror = pair.mirror().partition();
  if (whole_digest(owner.session4()) != whole_digest(mirror.session4()) ||
      whole_digest(owner.session6()) != whole_digest(mirror.session6()))
    return "I9 equal, but the digests differ";
  return {};
}

}  // namespace twinplane::tests
