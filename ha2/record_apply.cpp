// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/record_apply.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::Address4;
using tables::Address6;
using tables::BodyOf;
using tables::SessionOf;
using tables::TableKind;
using tables::TableOf;

// How many records ahead the index lines of keys are fetched, by bench/bench_apply.cpp. The lines
// of the slots themselves are on their way already: is_sound() has looked at every record of the
// frame.
constexpr std::size_t kWholeAhead = 32;

template <class Address>
void read_session(const typename SessionWire<Address>::Brief& brief, std::uint8_t vsys,
                  const Section& prefixes, std::uint32_t now_s,
                  SessionOf<Address>& session) noexcept {
  session = {};
  // One store for what the key reads at once: were it two, the hash would wait until both had left
  // the store buffer, and with it every record behind (DESIGN.md D-H14).
  const std::array<std::uint8_t, 2> protocol_and_vsys{brief.protocol, vsys};
  std::memcpy(&session.protocol, protocol_and_vsys.data(), protocol_and_vsys.size());
  if constexpr (sizeof(Address) == 4) {
    static_cast<void>(prefixes);
    std::memcpy(&session.client_side, &brief.client_side, sizeof session.client_side);
  } else {
    const ShortEnds6& ends = brief.client_side;
    std::memcpy(session.client_side.address_a.data(),
                prefixes.records + std::size_t{8} * ends.prefix_a, 8);
    std::memcpy(session.client_side.address_a.data() + 8, ends.suffix_a, 8);
    std::memcpy(session.client_side.address_b.data(),
                prefixes.records + std::size_t{8} * ends.prefix_b, 8);
    std::memcpy(session.client_side.address_b.data() + 8, ends.suffix_b, 8);
    std::array<std::uint8_t, 4> ports;  // together, for the same reason
    std::memcpy(ports.data(),
                reinterpret_cast<const std::byte*>(&ends) + offsetof(ShortEnds6, port_a),
                ports.size());
    std::memcpy(reinterpret_cast<std::byte*>(&session.client_side) +
                    offsetof(tables::KeyEnds<Address6>, port_a_be),
                ports.data(), ports.size());
  }
  session.server_side = session.client_side;
  session.state.generation = brief.name.generation();
  read_tail(brief.tail, now_s, session);
}

template <class Address>
void read_session(const typename SessionWire<Address>::Brief& brief, const Section& prefixes,
                  std::uint32_t now_s, SessionOf<Address>& session) noexcept {
  read_session<Address>(brief, 0, prefixes, now_s, session);
}

template <class Address>
void read_session(const typename SessionWire<Address>::Full& full, const Section& prefixes,
                  std::uint32_t now_s, SessionOf<Address>& session) noexcept {
  read_session<Address>(full.brief, full.extra.vsys, prefixes, now_s, session);
  read_extra(full.extra, session);
  if ((session.flags & tables::kTranslated) != 0)
    std::memcpy(&session.server_side, &full.server_side, sizeof session.server_side);
}

template <class Record>
SlotName name_of(const Record& record) noexcept {
  return record.name;
}

SlotName name_of(const Full4& full) noexcept { return full.brief.name; }

SlotName name_of(const Full6& full) noexcept { return full.brief.name; }

bool are_ends_sound(const Ends4&, std::size_t) noexcept { return true; }

bool are_ends_sound(const ShortEnds6& ends, std::size_t prefix_count) noexcept {
  return ends.prefix_a < prefix_count && ends.prefix_b < prefix_count;
}

// Does the slot exist? Its lines are asked for on the way, so that all of a frame's come while its
// last records are looked at; in place of one that does not exist the first one's.
template <class Slots>
bool is_slot_to_patch(const Slots& slots, std::uint32_t slot) noexcept {
  const bool is_slot = slot < slots.slot_count();
  if (slots.slot_count() != 0) slots.prefetch(is_slot ? slot : 0);
  return is_slot;
}

template <class Slots>
bool is_slot_to_refill(const Slots& slots, std::uint32_t slot) noexcept {
  const bool is_slot = slot < slots.slot_count();
  if (slots.slot_count() != 0) slots.prefetch_change(is_slot ? slot : 0);
  return is_slot;
}

template <class Slots, class Record>
bool is_sound_brief(const Slots& slots, const Record& brief, std::size_t prefix_count) noexcept {
  return is_slot_to_refill(slots, brief.name.slot()) && is_sound_tail(brief.tail) &&
         are_ends_sound(brief.client_side, prefix_count);
}

// All records are looked at, without a branch each: a frame with one lie is refused whole.
template <class Record, class IsSound>
bool all_of(const Section& section, IsSound&& is_sound_record) noexcept {
  bool is_good = true;
  for (std::size_t i = 0; i < section.count; ++i)
    is_good &= is_sound_record(section.record<Record>(i));
  return is_good;
}

bool is_sound_range(std::uint32_t first_slot, std::uint32_t count,
                    std::uint32_t slot_count) noexcept {
  return first_slot < slot_count && count <= slot_count - first_slot && count <= kRangeSlotsMax;
}

// What every kind has.
template <TableKind kKind>
bool is_sound_range_record(const Section& section, const tables::Partition& partition) noexcept {
  const auto& slots = partition.slots<kKind>();
  const std::uint32_t slot_count = slots.slot_count();
  switch (operation_of(section.kind)) {
    case Operation::kEmpty:
      return all_of<EmptySlot>(section, [&](const EmptySlot& record) {
        return is_slot_to_refill(slots, record.slot.get());
      });
    case Operation::kEmptyRun:
      return all_of<EmptyRun>(section, [&](const EmptyRun& record) {
        return is_sound_range(record.first_slot.get(), record.slot_count.get(), slot_count);
      });
    case Operation::kDigest:
      return all_of<DigestRange>(section, [&](const DigestRange& record) {
        return is_sound_range(record.first_slot.get(), record.slot_count.get(), slot_count) &&
               record.round >= static_cast<std::uint8_t>(CheckRound::kCompare) &&
               record.round <= static_cast<std::uint8_t>(CheckRound::kAudit);
      });
    default:
      return true;
  }
}

template <class Address>
bool is_sound_session(const Section& section, const tables::Partition& partition,
                      std::size_t prefix_count) noexcept {
  using Wire = SessionWire<Address>;
  const auto& slots = partition.slots<Wire::kTable>();
  switch (operation_of(section.kind)) {
    case Operation::kBrief:
      return all_of<typename Wire::Brief>(
          section, [&](const auto& record) { return is_sound_brief(slots, record, prefix_count); });
    case Operation::kFull:
      return all_of<typename Wire::Full>(section, [&](const auto& record) {
        return is_sound_brief(slots, record.brief, prefix_count) && is_sound_extra(record.extra);
      });
    case Operation::kState:
      return all_of<StatePatch>(section, [&](const StatePatch& record) {
        return is_slot_to_patch(slots, record.name.slot()) & is_sound_state(record.state);
      });
    case Operation::kWindow:
      return all_of<WindowPatch>(section, [&](const WindowPatch& record) {
        return is_slot_to_patch(slots, record.name.slot());
      });
    default:
      return is_sound_range_record<Wire::kTable>(section, partition);
  }
}

template <class Body>
bool is_sound_plain(const Section& section, const tables::Partition& partition) noexcept {
  const auto& slots = partition.slots<Body::kKind>();
  switch (operation_of(section.kind)) {
    case Operation::kFull:
      return all_of<PlainWhole<Body>>(section, [&](const PlainWhole<Body>& record) {
        return is_slot_to_refill(slots, record.name.slot()) && is_sound(record);
      });
    case Operation::kState:
      if constexpr (tables::HasPatch<Body>) {
        using Patch = typename Body::Patch;
        return all_of<PlainPatch<Patch>>(section, [&](const PlainPatch<Patch>& record) {
          return is_slot_to_patch(slots, record.name.slot()) &&
                 Body::is_sound(from_wire<Patch>(record.part));
        });
      }
      return true;
    case Operation::kWindow:
      if constexpr (tables::HasRefresh<Body>) {
        using Refresh = typename Body::Refresh;
        return all_of<PlainPatch<Refresh>>(section, [&](const PlainPatch<Refresh>& record) {
          return is_slot_to_patch(slots, record.name.slot());
        });
      }
      return true;
    default:
      return is_sound_range_record<Body::kKind>(section, partition);
  }
}

// Where all records of the section have been applied.
void count_applied(const Section& section, const ApplyContext& context) noexcept {
  const auto group = static_cast<unsigned>(group_of(operation_of(section.kind)));
  context.counters.add(static_cast<Counter>(static_cast<unsigned>(Counter::kWholesApplied) + group),
                       section.count);
  context.counters.add(
      table_of(section.kind),
      static_cast<KindCounter>(static_cast<unsigned>(KindCounter::kWholesApplied) + group),
      section.count);
}

template <class Address, class Record>
[[gnu::flatten]] void apply_wholes(const Section& section, const ApplyContext& context) noexcept {
  auto& slots = context.partition.sessions<Address>().slots();

  struct Ahead {
    SessionOf<Address> session;
    std::uint32_t slot;
    tables::KeyHashes hashes;
  };

  std::array<Ahead, kWholeAhead> places;
  for (std::size_t i = 0; i < section.count + kWholeAhead; ++i) {
    Ahead& place = places[i % kWholeAhead];
    if (i >= kWholeAhead && i - kWholeAhead < section.count)
      slots.put(place.slot, place.session, place.hashes);
    if (i >= kWholeAhead / 2 && i - kWholeAhead / 2 < section.count) {
      const Ahead& halfway = places[(i - kWholeAhead / 2) % kWholeAhead];
      slots.prefetch_room(halfway.session, halfway.hashes);
    }
    if (i >= section.count) continue;
    const Record& record = section.record<Record>(i);
    place.slot = name_of(record).slot();
    read_session<Address>(record, context.prefixes, context.now_s, place.session);
    place.hashes = slots.prefetch_keys(place.session);
  }
  count_applied(section, context);
}

// A plain kind has few entries, and what changes of them is rare: no pipeline.
template <class Body>
void apply_plain_wholes(const Section& section, const ApplyContext& context) noexcept {
  auto& slots = context.partition.slots<Body::kKind>();
  tables::PlainEntry<Body> entry;
  for (std::size_t i = 0; i < section.count; ++i) {
    const auto& record = section.record<PlainWhole<Body>>(i);
    read_whole(record, context.now_s, entry);
    slots.put(record.name.slot(), entry);
  }
  count_applied(section, context);
}

// S6: a patch of another generation finds its base lost; the whole is on its way.
template <TableKind kKind, class Patch, class Change>
void apply_patches(const Section& section, const ApplyContext& context, Change&& change) noexcept {
  auto& slots = context.partition.slots<kKind>();
  using Traits = typename TableOf<kKind>::Slots::TraitsType;
  std::uint64_t skipped_count = 0;
  for (std::size_t i = 0; i < section.count; ++i) {
    const Patch& patch = section.record<Patch>(i);
    auto& entry = slots.changeable(patch.name.slot());
    const bool is_base =
        Traits::is_live(entry) && (Traits::generation(entry) == patch.name.generation() ||
                                   tables::is_mutant(tables::Mutant::kPatchAnyGeneration));
    if (is_base) {
      change(entry, patch);
      slots.note_arrival(patch.name.slot());
    } else {
      ++skipped_count;
    }
  }
  context.counters.add(Counter::kPatchesApplied, section.count - skipped_count);
  context.counters.add(kKind, KindCounter::kPatchesApplied, section.count - skipped_count);
  if (skipped_count == 0) return;
  context.counters.add(Counter::kPatchOtherGeneration, skipped_count);
  context.counters.add(kKind, KindCounter::kIgnoredGeneration, skipped_count);
}

template <TableKind kKind>
void apply_empties(const Section& section, const ApplyContext& context) noexcept {
  auto& slots = context.partition.slots<kKind>();

  struct Ahead {
    std::uint32_t slot;
    tables::KeyHashes hashes;
  };

  // A slot that stands twice in a section is not as it was when it is emptied again: it is empty.
  std::array<Ahead, kWholeAhead> places;
  for (std::size_t i = 0; i < section.count + kWholeAhead; ++i) {
    Ahead& place = places[i % kWholeAhead];
    if (i >= kWholeAhead && i - kWholeAhead < section.count) slots.empty(place.slot, place.hashes);
    if (i >= section.count) continue;
    place.slot = section.record<EmptySlot>(i).slot.get();
    place.hashes = slots.prefetch_keys_of(place.slot);
  }
  count_applied(section, context);
}

template <TableKind kKind>
void apply_runs(const Section& section, const ApplyContext& context) noexcept {
  auto& slots = context.partition.slots<kKind>();
  for (std::size_t i = 0; i < section.count; ++i) {
    const EmptyRun& run = section.record<EmptyRun>(i);
    const std::uint32_t end = run.first_slot.get() + run.slot_count.get();
    for (std::uint32_t slot = run.first_slot.get(); slot < end; ++slot) {
      // Whole words without a live slot are passed over.
      if (slot % 64 == 0 && slots.live().live_word(slot / 64) == 0) {
        slot += 63;
        continue;
      }
      slots.empty(slot);
    }
  }
  count_applied(section, context);
}

// What a comparison finds was to be expected, and what may be on its way is no difference yet.
Counter counter_of(Verdict verdict, CheckRound round, bool has_open_loss) noexcept {
  if (verdict == Verdict::kEqual) return Counter::kDigestsEqual;
  if (has_open_loss) return Counter::kDigestsUntold;
  return round == CheckRound::kCompare ? Counter::kDigestsOutdated : Counter::kDigestsDifferent;
}

template <TableKind kKind>
void judge_digests(const Section& section, const ApplyContext& context) noexcept {
  const auto& slots = context.partition.slots<kKind>();
  for (std::size_t i = 0; i < section.count; ++i) {
    const DigestRange& record = section.record<DigestRange>(i);
    const SlotRange range{record.first_slot.get(), record.slot_count.get()};
    const bool is_equal = digest_of(slots, range, DigestEnd::kMirror) == record.digest.get();
    const Verdict verdict = is_equal ? Verdict::kEqual : Verdict::kDifferent;
    context.counters.add(
        counter_of(verdict, static_cast<CheckRound>(record.round), context.has_open_loss));
    context.on_verdict(context, static_cast<std::uint8_t>(kKind), record, verdict);
  }
}

// What every kind has.
template <TableKind kKind>
void apply_emptying(const Section& section, const ApplyContext& context) noexcept {
  switch (operation_of(section.kind)) {
    case Operation::kEmpty:
      return apply_empties<kKind>(section, context);
    case Operation::kEmptyRun:
      return apply_runs<kKind>(section, context);
    case Operation::kDigest:
      return judge_digests<kKind>(section, context);
    default:
      return;
  }
}

template <class Address>
void apply_session(const Section& section, const ApplyContext& context) noexcept {
  using Wire = SessionWire<Address>;
  switch (operation_of(section.kind)) {
    case Operation::kBrief:
      return apply_wholes<Address, typename Wire::Brief>(section, context);
    case Operation::kFull:
      return apply_wholes<Address, typename Wire::Full>(section, context);
    case Operation::kState:
      return apply_patches<Wire::kTable, StatePatch>(
          section, context,
          [](auto& session, const StatePatch& patch) { read_state(patch.state, session); });
    case Operation::kWindow:
      return apply_patches<Wire::kTable, WindowPatch>(
          section, context,
          [](auto& session, const WindowPatch& patch) { read_window(patch, session.state); });
    default:
      return apply_emptying<Wire::kTable>(section, context);
  }
}

template <class Body>
void apply_plain(const Section& section, const ApplyContext& context) noexcept {
  switch (operation_of(section.kind)) {
    case Operation::kFull:
      return apply_plain_wholes<Body>(section, context);
    case Operation::kState:
      if constexpr (tables::HasPatch<Body>) {
        using Patch = typename Body::Patch;
        apply_patches<Body::kKind, PlainPatch<Patch>>(
            section, context, [](auto& entry, const PlainPatch<Patch>& patch) {
              entry.body.set(from_wire<Patch>(patch.part));
            });
      }
      return;
    case Operation::kWindow:
      if constexpr (tables::HasRefresh<Body>) {
        using Refresh = typename Body::Refresh;
        apply_patches<Body::kKind, PlainPatch<Refresh>>(
            section, context, [](auto& entry, const PlainPatch<Refresh>& patch) {
              entry.refresh = from_wire<Refresh>(patch.part);
            });
      }
      return;
    default:
      return apply_emptying<Body::kKind>(section, context);
  }
}

}  // namespace

bool is_sound(const Section& section, const tables::Partition& partition,
              const Section& prefixes) noexcept {
  if (record_bytes_of(section.kind) == 0) return true;  // of a later version: skipped when applied
  return tables::with_kind(table_of(section.kind), [&](auto kind) {
    if constexpr (tables::is_session(kind()))
      return is_sound_session<typename TableOf<kind()>::Address>(section, partition,
                                                                 prefixes.count);
    else
      return is_sound_plain<BodyOf<kind()>>(section, partition);
  });
}

void apply(const Section& section, const ApplyContext& context) noexcept {
  if (record_bytes_of(section.kind) == 0) {
    context.counters.add(Counter::kUnknownKindRecords, section.count);
    return;
  }
  const TableKind table = table_of(section.kind);
  const RecordGroup group = group_of(operation_of(section.kind));
  if (group != RecordGroup::kNone)
    context.counters.add(
        table,
        static_cast<KindCounter>(static_cast<unsigned>(KindCounter::kWholesReceived) +
                                 static_cast<unsigned>(group)),
        section.count);
  if (!context.kinds.has(table)) {
    context.counters.add(Counter::kKindOffRecords, section.count);
    context.counters.add(table, KindCounter::kIgnoredOff, section.count);
    return;
  }
  tables::with_kind(table, [&](auto kind) {
    if constexpr (tables::is_session(kind()))
      apply_session<typename TableOf<kind()>::Address>(section, context);
    else
      apply_plain<BodyOf<kind()>>(section, context);
  });
  // Prefixes serve records, they are none; the sender counts alike.
  if (operation_of(section.kind) != Operation::kPrefixes)
    context.counters.add(Counter::kRecordsApplied, section.count);
}

}  // namespace twinplane::ha2
