// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/suspects.hpp"

#include <cstring>

namespace twinplane::ha2 {

namespace {

template <class Record, class SlotOf>
bool any_is(const Section& section, std::uint32_t slot, SlotOf&& slot_of) noexcept {
  for (std::size_t i = 0; i < section.count; ++i)
    if (slot_of(section.record<Record>(i)) == slot) return true;
  return false;
}

bool states_emptying(const Section& section, std::uint32_t slot) noexcept {
  switch (operation_of(section.kind)) {
    case Operation::kEmpty:
      return any_is<EmptySlot>(section, slot,
                               [](const EmptySlot& empty) { return empty.slot.get(); });
    case Operation::kEmptyRun:
      for (std::size_t i = 0; i < section.count; ++i) {
        const EmptyRun& run = section.record<EmptyRun>(i);
        if (slot - run.first_slot.get() < run.slot_count.get()) return true;
      }
      return false;
    default:
      return false;
  }
}

template <class Address>
bool states_session(const Section& section, std::uint32_t slot) noexcept {
  using Wire = SessionWire<Address>;
  switch (operation_of(section.kind)) {
    case Operation::kBrief:
      return any_is<typename Wire::Brief>(section, slot,
                                          [](const auto& brief) { return brief.name.slot(); });
    case Operation::kFull:
      return any_is<typename Wire::Full>(section, slot,
                                         [](const auto& full) { return full.brief.name.slot(); });
    default:
      return states_emptying(section, slot);
  }
}

template <class Body>
bool states_plain(const Section& section, std::uint32_t slot) noexcept {
  if (operation_of(section.kind) != Operation::kFull) return states_emptying(section, slot);
  return any_is<PlainWhole<Body>>(section, slot,
                                  [](const auto& whole) { return whole.name.slot(); });
}

}  // namespace

void Suspects::add(const tables::Partition& partition, const CheckRange& range,
                   CheckRound round) noexcept {
  const auto table = static_cast<tables::TableKind>(range.table);
  const std::uint32_t slot = range.slots.first_slot;
  for (std::size_t i = 0; i < count_; ++i)
    if (places_[i].table == table && places_[i].slot == slot) return;
  if (count_ == places_.size()) return;
  Suspect& suspect = places_[count_++];
  suspect.table = table;
  suspect.slot = slot;
  suspect.round = round;
  tables::with_kind(table, [&](auto kind) {
    const auto image = image_of(partition.slots<kind()>().entry(slot));
    std::memcpy(suspect.image.data(), &image, sizeof image);
  });
}

bool Suspects::states(const Section& section, std::uint32_t slot) noexcept {
  return tables::with_kind(table_of(section.kind), [&](auto kind) {
    if constexpr (tables::is_session(kind()))
      return states_session<typename tables::TableOf<kind()>::Address>(section, slot);
    else
      return states_plain<tables::BodyOf<kind()>>(section, slot);
  });
}

Difference Suspects::difference_of(const Suspect& suspect,
                                   const tables::Partition& partition) noexcept {
  Difference difference;
  difference.range = {static_cast<std::uint8_t>(suspect.table), {suspect.slot, 1}};
  difference.round = suspect.round;
  tables::with_kind(suspect.table, [&](auto kind) {
    const auto& entry = partition.slots<kind()>().entry(suspect.slot);
    auto was = image_of(entry);
    std::memcpy(&was, suspect.image.data(), sizeof was);
    difference.fields = fields_that_differ(was, image_of(entry));
    difference.generation = tables::TableOf<kind()>::Slots::TraitsType::generation(entry);
  });
  return difference;
}

}  // namespace twinplane::ha2
