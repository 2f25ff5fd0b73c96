// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/checkers_scene.hpp"

#include <algorithm>
#include <cstring>

#include "ha2/digest.hpp"
#include "tests/support/plain_bodies.hpp"

namespace twinplane::tests {

namespace {

using tables::TableKind;

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

template <class Body>
SlotView view_of(const tables::PlainEntry<Body>& entry) noexcept {
  const ha2::PlainImage<Body> image = ha2::image_of(entry);
  SlotView view;
  view.hash = tables::hash_of(image, tables::HashSeed{1});
  view.is_live = image.flags != 0;
  if (!view.is_live) return view;
  view.generation = entry.head.generation;
  if constexpr (tables::HasRefresh<Body>) view.edges = rising_of(entry.refresh);
  return view;
}

template <class Slots>
bool is_waiting(const Slots& slots, std::uint32_t slot) noexcept {
  constexpr unsigned kStated = tables::kMarkWhole | tables::kMarkState;
  return slots.changes().contains(slot) &&
         (Slots::TraitsType::marks(slots.entry(slot)) & kStated) != 0;
}

bool are_alike(const SlotView& left, const SlotView& right) noexcept {
  return left.hash == right.hash && left.edges == right.edges && left.edges_max == right.edges_max;
}

}  // namespace

std::string place_text(std::size_t table, std::size_t slot) {
  return std::string(tables::kTableKindNames[table]) + " slot " + std::to_string(slot);
}

std::string view_text(const SlotView& view) {
  if (!view.is_live) return "empty";
  const auto edges = [&view](std::size_t direction) {
    return std::to_string(view.edges[direction]) + ".." + std::to_string(view.edges_max[direction]);
  };
  return "generation " + std::to_string(view.generation) + " ranks " +
         std::to_string(view.tcp_ranks[0]) + "/" + std::to_string(view.tcp_ranks[1]) +
         (view.is_reply_seen ? " replied" : "") + " edges " + edges(0) + "/" + edges(1) +
         " image " + std::to_string(view.hash % 100'000);
}

bool is_covered(const Box& owner, TableKind table, std::uint32_t slot) noexcept {
  const bool waits = tables::with_kind(
      table, [&](auto kind) { return is_waiting(owner.partition().slots<kind()>(), slot); });
  const ha2::OwnerStream& stream = owner.replica().owner();
  return waits || stream.is_ahead_of_walk(table, slot) || stream.is_in_flight(table, slot);
}

std::array<EndState, 2> ends_of(const SimPair& pair) {
  std::array<EndState, 2> ends;
  for (std::size_t i = 0; i < 2; ++i) {
    ends[i].box = &pair.box(i);
    ends[i].is_writer = i == pair.owner_index();
    if (ends[i].is_writer) ends[i].stream_id = pair.stream_number();
  }
  return ends;
}

bool Scene::are_equal() const noexcept {
  return std::ranges::all_of(differing, [](const std::vector<std::uint64_t>& words) {
    return std::ranges::all_of(words, [](std::uint64_t word) { return word == 0; });
  });
}

template <TableKind kKind>
void Observer::look_at(std::size_t end) {
  constexpr std::size_t kTable = tables::index_of(kKind);
  SceneEnd& seen = scene_.ends[end];
  std::vector<std::uint32_t>& changed = seen.changed[kTable];
  changed.clear();
  if (seen.box == nullptr || !kinds_.has(kKind)) return;
  const auto& slots = seen.box->partition().template slots<kKind>();
  using Entry = std::remove_cvref_t<decltype(slots.entry(0))>;
  std::vector<std::byte>& copy = seen_[end][kTable];
  TableViews& views = seen.views[kTable];
  const bool is_first = copy.empty();
  if (is_first) {
    copy.resize(slots.slot_count() * sizeof(Entry));
    views.resize(slots.slot_count());
  }
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const Entry& entry = slots.entry(slot);
    std::byte* const last = copy.data() + slot * sizeof(Entry);
    if (!is_first && std::memcmp(last, &entry, sizeof entry) == 0) continue;
    std::memcpy(last, &entry, sizeof entry);
    const SlotView view = view_of(entry);
    if (!is_first && are_alike(view, views[slot])) continue;
    views[slot] = view;
    changed.push_back(slot);
  }
}

void Observer::compare() {
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table) {
    const TableViews& left = scene_.ends[0].views[table];
    const TableViews& right = scene_.ends[1].views[table];
    if (left.empty() || right.empty()) continue;
    if (scene_.differing[table].empty()) {
      // The first time that both are there.
      scene_.differing[table].resize((left.size() + 63) / 64);
      for (std::uint32_t slot = 0; slot < left.size(); ++slot)
        if (left[slot].hash != right[slot].hash)
          scene_.differing[table][slot / 64] |= std::uint64_t{1} << (slot % 64);
    }
    for (const SceneEnd& end : scene_.ends)
      for (const std::uint32_t slot : end.changed[table]) {
        std::uint64_t& word = scene_.differing[table][slot / 64];
        const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
        word = left[slot].hash == right[slot].hash ? word & ~bit : word | bit;
      }
  }
}

const Scene& Observer::look(const std::array<EndState, 2>& ends) {
  for (std::size_t end = 0; end < 2; ++end) {
    static_cast<EndState&>(scene_.ends[end]) = ends[end];
    tables::for_each_kind([&](auto kind) { look_at<kind()>(end); });
  }
  compare();
  scene_.is_joined = scene_.is_bulk_done = false;
  if (ends[0].box == nullptr || ends[1].box == nullptr) return scene_;
  for (std::size_t owner = 0; owner < 2; ++owner) {
    const ha2::Assignment& mine = ends[owner].box->replica().assignment();
    const ha2::Assignment& theirs = ends[1 - owner].box->replica().assignment();
    if (mine.holding != ha2::Holding::kOwner || theirs.holding != ha2::Holding::kMirror ||
        !(mine.name == theirs.name) || !(ends[0].box->last_stream() == mine.name) ||
        !(ends[1].box->last_stream() == mine.name))
      continue;
    scene_.is_joined = true;
    scene_.owner_index = owner;
    scene_.is_bulk_done = ends[owner].box->replica().owner().is_bulk_done();
  }
  return scene_;
}

}  // namespace twinplane::tests
