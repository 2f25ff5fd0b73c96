// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/checkers.hpp"

#include <algorithm>

#include "ha2/digest.hpp"
#include "tests/support/plain_bodies.hpp"

namespace twinplane::tests {

namespace {

using tables::Side;
using tables::TableKind;

// In the wrapping space of generations.
bool is_newer(std::uint16_t generation, std::uint16_t than) noexcept {
  const unsigned ahead = (generation - than) & tables::kGenerationMask;
  return ahead != 0 && ahead <= tables::kGenerationMask / 2U;
}

bool fell(std::uint32_t edge, std::uint32_t before) noexcept {
  return before != 0 && static_cast<std::int32_t>(edge - before) < 0;
}

// A comparison tells nothing of window edges: until they are stated in this stream, the mirror's
// are those of another.
std::string what_fell(const SlotView& now, const SlotView& before, bool are_edges_known) {
  for (std::size_t direction = 0; direction < 2; ++direction) {
    if (now.tcp_ranks[direction] < before.tcp_ranks[direction]) return "a TCP rank";
    if (!are_edges_known) continue;
    if (before.edges[direction] != 0 && now.edges[direction] == 0) return "a known window edge";
    if (fell(now.edges[direction], before.edges[direction]) ||
        fell(now.edges_max[direction], before.edges_max[direction]))
      return "a window edge";
  }
  if (before.is_reply_seen && !now.is_reply_seen) return "reply seen";
  return {};
}

template <TableKind kKind>
std::string index_fault(const Box& box) {
  const auto& slots = box.partition().slots<kKind>();
  using Traits = typename tables::TableOf<kKind>::Slots::TraitsType;
  constexpr std::size_t kTable = tables::index_of(kKind);
  const std::string name(tables::name_of(kKind));
  std::uint64_t key_count = 0;
  std::uint32_t live_count = 0;
  const auto is_at = [&slots](const auto& key, std::uint32_t slot) {
    return slots.find(key).slot == slot;
  };
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& entry = slots.entry(slot);
    const bool is_live = Traits::is_live(entry);
    if (is_live != slots.live().is_live(slot))
      return place_text(kTable, slot) + " and the live map differ";
    if (!is_live) continue;
    ++live_count;
    ++key_count;
    if (!is_at(Traits::key(entry, Side::kClient), slot))
      return place_text(kTable, slot) + " is not found by its client-side key";
    if (!Traits::has_second_key(entry)) continue;
    ++key_count;
    if (!is_at(Traits::key(entry, Side::kServer), slot))
      return place_text(kTable, slot) + " is not found by its server-side key";
  }
  if (live_count != slots.live_count()) return name + " miscounts";
  if (key_count != slots.index().key_count())
    return name + " has " + std::to_string(key_count) + " keys, its index " +
           std::to_string(slots.index().key_count());
  if (slots.unindexed_count() != 0) return name + " has no place left";
  return {};
}

// A key that is found is where it is said to be.
template <TableKind kKind, class Key>
bool is_true_find(const Box& box, const Key& key) {
  const auto& slots = box.partition().slots<kKind>();
  if (slots.slot_count() == 0) return true;
  const tables::Found found = slots.find(key);
  return found.slot == tables::kNoSlot || tables::TableOf<kKind>::Slots::TraitsType::matches(
                                              slots.entry(found.slot), found.side, key);
}

template <TableKind kKind>
std::string find_fault(const Box& box, const Workload& workload) {
  const auto fault = [](std::uint32_t number) {
    return std::string(tables::name_of(kKind)) + " finds number " + std::to_string(number) +
           " where it is not";
  };
  if constexpr (tables::is_session(kKind)) {
    using Address = typename tables::TableOf<kKind>::Address;
    const std::uint32_t flow_count =
        sizeof(Address) == 4 ? workload.shape().flow_count4 : workload.shape().flow_count6;
    for (std::uint32_t number = 0; number < flow_count; ++number) {
      const auto session = workload.session_of<Address>(number);
      for (const Side side : {Side::kClient, Side::kServer})
        if (!is_true_find<kKind>(box, tables::key_of(session, side))) return fault(number);
    }
  } else {
    const std::uint32_t slot_count = box.partition().slots<kKind>().slot_count();
    using Traits = tables::PlainTraits<tables::BodyOf<kKind>>;
    for (std::uint32_t number = 0; number < PlainWorkload::key_count(slot_count); ++number)
      for (const Side side : {Side::kClient, Side::kServer})
        if (!is_true_find<kKind>(box, Traits::key(body_of<tables::BodyOf<kKind>>(number), side)))
          return fault(number);
  }
  return {};
}

template <TableKind kKind>
std::uint64_t whole_digest(const Box& box, ha2::DigestEnd end) noexcept {
  const auto& slots = box.partition().slots<kKind>();
  return ha2::digest_of(slots, {0, slots.slot_count()}, end);
}

// What a mirror kept to itself while it was the owner must have gone with that.
template <TableKind kKind>
bool has_leftovers(const Box& mirror) noexcept {
  const auto& slots = mirror.partition().slots<kKind>();
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& entry = slots.entry(slot);
    if (tables::TableOf<kKind>::Slots::TraitsType::is_live(entry) && !ha2::is_replicated(entry))
      return true;
  }
  return false;
}

// Calls on_slot(table, slot) for the slots that changed at this end, or for all of them.
template <class OnSlot>
void for_each(const SceneEnd& end, bool is_all, OnSlot&& on_slot) {
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) {
    if (is_all)
      for (std::uint32_t slot = 0; slot < end.views[table].size(); ++slot) on_slot(table, slot);
    else
      for (const std::uint32_t slot : end.changed[table]) on_slot(table, slot);
  }
}

}  // namespace

std::string NothingForgotten::check(const Scene& scene) const {
  // Before both have heard of the stream there is nothing that one could have told the other.
  if (!scene.is_joined) return {};
  std::string fault;
  scene.for_each_difference([&](std::size_t table, std::uint32_t slot) {
    if (!is_covered(*scene.owner().box, static_cast<TableKind>(table), slot))
      fault = "I1 forgotten: " + place_text(table, slot) + ": owner " +
              view_text(scene.owner().views[table][slot]) + ", mirror " +
              view_text(scene.mirror().views[table][slot]);
    return fault.empty();
  });
  return fault;
}

NothingInvented::Known* NothingInvented::find(Past& past, std::uint64_t hash) noexcept {
  // Newest first: what is asked for was mostly said not long ago.
  const auto found =
      std::find_if(past.rbegin(), past.rend(), [hash](const Known& k) { return k.hash == hash; });
  return found == past.rend() ? nullptr : &*found;
}

void NothingInvented::learn(std::size_t table, std::uint32_t slot, std::size_t end,
                            const SceneEnd& writer) {
  if (past_[table].empty()) past_[table].resize(writer.views[table].size());
  Past& past = past_[table][slot];
  const std::uint64_t hash = writer.views[table][slot].hash;
  Known* known = find(past, hash);
  if (known == nullptr) known = &past.emplace_back(Known{hash, {}});
  known->stream_ids[end] = writer.stream_id;
}

std::string NothingInvented::judge(const Scene& scene, std::size_t table, std::uint32_t slot,
                                   const SceneEnd& end) {
  const SlotView& view = end.views[table][slot];
  // Empty is always believable: a key that moved on leaves its old slot.
  if (!view.is_live) return {};
  const Known* const known = past_[table].empty() ? nullptr : find(past_[table][slot], view.hash);
  if (known == nullptr)
    return "I2 invented: " + place_text(table, slot) + ": mirror " + view_text(view);
  if (!scene.is_joined || &end != &scene.mirror() || !scene.is_bulk_done ||
      known->stream_ids[scene.owner_index] == scene.owner().stream_id)
    return {};
  return "S12 bulk done too early: " + place_text(table, slot) + ": mirror still has " +
         view_text(view) + " of an earlier stream";
}

std::string NothingInvented::check(const Scene& scene) {
  for (std::size_t i = 0; i < 2; ++i) {
    const SceneEnd& end = scene.ends[i];
    if (end.box == nullptr) continue;
    if (!end.is_writer) {
      were_writers_[i] = false;
      continue;
    }
    // A stream states what there is when it begins, whenever that came to be.
    const bool is_new = end.stream_id != stream_ids_[i] || !were_writers_[i];
    stream_ids_[i] = end.stream_id;
    were_writers_[i] = true;
    for_each(end, is_new,
             [&](std::size_t table, std::uint32_t slot) { learn(table, slot, i, end); });
  }
  const bool is_bulk_done = scene.is_joined && scene.is_bulk_done;
  const bool is_all = is_bulk_done && !was_bulk_done_;
  was_bulk_done_ = is_bulk_done;
  std::string fault;
  for (const SceneEnd& end : scene.ends) {
    if (end.box == nullptr || end.is_writer) continue;
    for_each(end, is_all, [&](std::size_t table, std::uint32_t slot) {
      if (fault.empty()) fault = judge(scene, table, slot, end);
    });
  }
  return fault;
}

void NothingGoesBack::note(Last& last, const SlotView& now) noexcept {
  last.are_edges_known |= !last.view.is_live || now.generation != last.view.generation ||
                          now.edges != last.view.edges || now.edges_max != last.view.edges_max;
  last.view = now;
  if (!last.is_known || !now.is_live) return;
  last.generation = now.generation;
  last.has_generation = true;
}

void NothingGoesBack::begin(const Scene& scene) {
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) {
    const TableViews& views = scene.mirror().views[table];
    last_[table].assign(views.size(), {});
    for (std::size_t slot = 0; slot < views.size(); ++slot) last_[table][slot].view = views[slot];
  }
  was_bulk_done_ = false;
}

std::string NothingGoesBack::judge(std::size_t table, std::uint32_t slot, const SlotView& now) {
  const Last& last = last_[table][slot];
  if (!last.is_known || !now.is_live) return {};
  if (last.view.is_live && now.generation == last.view.generation) {
    const std::string what = what_fell(now, last.view, last.are_edges_known);
    return what.empty() ? what
                        : "I3 went back: " + place_text(table, slot) + ": " + what + ": " +
                              view_text(last.view) + " became " + view_text(now);
  }
  if (!last.has_generation || is_newer(now.generation, last.generation)) return {};
  return "I3 went back: " + place_text(table, slot) + ": generation " +
         std::to_string(last.generation) + " became " + std::to_string(now.generation);
}

std::string NothingGoesBack::check(const Scene& scene) {
  const std::pair stream{scene.owner_index, scene.owner().stream_id};
  // What the mirror did between the last look and its joining, it did in an earlier stream.
  const bool goes_on = scene.is_joined && was_joined_ && stream == stream_;
  was_joined_ = scene.is_joined;
  stream_ = stream;
  if (!scene.is_joined) return {};
  if (!goes_on) {
    begin(scene);
    return {};
  }
  std::string fault;
  for_each(scene.mirror(), false, [&](std::size_t table, std::uint32_t slot) {
    const SlotView& now = scene.mirror().views[table][slot];
    if (fault.empty()) fault = judge(table, slot, now);
    last_[table][slot].is_known = true;
    note(last_[table][slot], now);
  });
  if (scene.is_bulk_done && !was_bulk_done_) {
    was_bulk_done_ = true;
    for_each(scene.mirror(), true, [&](std::size_t table, std::uint32_t slot) {
      last_[table][slot].is_known = true;
      note(last_[table][slot], scene.mirror().views[table][slot]);
    });
  }
  return fault;
}

std::string IndexIsExact::check(const Box& box) const {
  std::string fault;
  tables::for_each_kind([&](auto kind) {
    if (fault.empty()) fault = index_fault<kind()>(box);
    if (fault.empty()) fault = find_fault<kind()>(box, workload_);
  });
  return fault.empty() ? fault : "I4 index: " + fault;
}

std::string NothingImproper::check(const Scene& scene) const {
  for (const SceneEnd& end : scene.ends)
    if (end.box != nullptr && !end.box->why_wrong().empty()) return end.box->why_wrong();
  return {};
}

std::string QuietMeansEqual::check(const Scene& scene) {
  const bool is_quiet = scene.is_joined && scene.owner().box->replica().owner().is_quiet();
  const bool is_new = is_quiet && !was_quiet_;
  was_quiet_ = is_quiet;
  if (!is_quiet) return {};
  std::string fault;
  scene.for_each_difference([&](std::size_t table, std::uint32_t slot) {
    fault = "I9 quiet but not equal: " + place_text(table, slot) + ": owner " +
            view_text(scene.owner().views[table][slot]) + ", mirror " +
            view_text(scene.mirror().views[table][slot]);
    return false;
  });
  if (!fault.empty() || !is_new) return fault;
  const Box& owner = *scene.owner().box;
  const Box& mirror = *scene.mirror().box;
  tables::for_each_kind([&](auto kind) {
    if (!owner.replica().assignment().kinds.has(kind)) return;
    const std::string name(tables::name_of(kind));
    if (has_leftovers<kind()>(mirror))
      fault = "I9 equal, but for entries of " + name + " that the mirror had for itself";
    else if (whole_digest<kind()>(owner, ha2::DigestEnd::kOwner) !=
             whole_digest<kind()>(mirror, ha2::DigestEnd::kMirror))
      fault = "I9 equal, but the digests of " + name + " differ";
  });
  return fault;
}

std::string false_alarm_of(const Box& box) {
  const ha2::Counters& counters = box.replica().counters();
  if (counters.get(ha2::Counter::kRangesDifferent) == 0 &&
      counters.get(ha2::Counter::kDigestsDifferent) == 0)
    return {};
  return "section 7: a verification or an audit says that equal tables differ";
}

}  // namespace twinplane::tests
