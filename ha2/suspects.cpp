// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/suspects.hpp"

namespace twinplane::ha2 {

namespace {

template <class Record, class SlotOf>
bool any_is(const Section& section, std::uint32_t slot, SlotOf&& slot_of) noexcept {
  for (std::size_t i = 0; i < section.count; ++i)
    if (slot_of(section.record<Record>(i)) == slot) return true;
  return false;
}

template <class Address>
bool states_for(const Section& section, std::uint32_t slot) noexcept {
  using Wire = SessionWire<Address>;
  switch (operation_of(section.kind)) {
    case Operation::kBrief:
      return any_is<typename Wire::Brief>(section, slot,
                                          [](const auto& brief) { return brief.name.slot(); });
    case Operation::kFull:
      return any_is<typename Wire::Full>(section, slot,
                                         [](const auto& full) { return full.brief.name.slot(); });
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

}  // namespace

void Suspects::add(const tables::Partition& partition, const CheckRange& range,
                   CheckRound round) noexcept {
  const std::uint32_t slot = range.slots.first_slot;
  const auto note = [&](auto& places, std::size_t& count, const auto& slots) {
    for (std::size_t i = 0; i < count; ++i)
      if (places[i].slot == slot) return;
    if (count < places.size()) places[count++] = {slot, round, image_of(slots.entry(slot))};
  };
  if (range.table == static_cast<std::uint8_t>(tables::TableKind::kSession4))
    note(places4_, count4_, partition.session4().slots());
  else
    note(places6_, count6_, partition.session6().slots());
}

bool Suspects::states(const Section& section, std::uint32_t slot) noexcept {
  return section.kind / 16U == static_cast<unsigned>(tables::TableKind::kSession4)
             ? states_for<tables::Address4>(section, slot)
             : states_for<tables::Address6>(section, slot);
}

}  // namespace twinplane::ha2
