// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/frame_builder.hpp"

#include <algorithm>

#include "ha2/decode.hpp"
#include "tables/base/check.hpp"

namespace twinplane::ha2 {

namespace {

// Prefixes first, then wholes, empties, patches; digests last, so that they speak of everything
// before them.
constexpr std::array<Operation, FrameBuilder::kOperationCount> kOrder{
    Operation::kPrefixes, Operation::kBrief, Operation::kFull,   Operation::kEmpty,
    Operation::kEmptyRun, Operation::kState, Operation::kWindow, Operation::kDigest};

}  // namespace

FrameBuilder::FrameBuilder(std::size_t frame_bytes_max)
    : frame_bytes_max_(frame_bytes_max),
      bytes_(kLaneCount * frame_bytes_max),
      words_(kLaneCount * words_max(frame_bytes_max)) {
  for (std::size_t i = 0; i < kLaneCount; ++i) {
    lanes_[i].bytes = bytes_.data() + i * frame_bytes_max;
    lanes_[i].words = words_.data() + i * words_max(frame_bytes_max);
  }
}

void FrameBuilder::begin(std::size_t frame_bytes) noexcept {
  TWINPLANE_CHECK(frame_bytes, <=, frame_bytes_max_);
  TWINPLANE_CHECK(frame_bytes, >, kFrameBytesMin);
  left_bytes_ = frame_bytes - kFrameBytesMin;
  record_count_ = 0;
  if (lane_of(tables::TableKind::kSession6, Operation::kPrefixes).count != 0)
    prefix_places_.fill(0);
  for (const Operation operation : kOrder)
    for_each_open(operation, [&](tables::TableKind table, const Lane&) {
      Lane& lane = lane_of(table, operation);
      lane.count = lane.word_count = 0;
    });
  open_tables_ = {};
  section_count_ = 0;
}

bool FrameBuilder::try_add_run(tables::TableKind table, std::uint32_t first_slot,
                               std::uint32_t slot_count) noexcept {
  EmptyRun run;
  run.first_slot.set(first_slot);
  run.slot_count.set(slot_count);
  if (!try_add(table, Operation::kEmptyRun, run, first_slot)) return false;
  Lane& lane = lane_of(table, Operation::kEmptyRun);
  lane.words[lane.word_count++] = slot_count;
  return true;
}

int FrameBuilder::prefix_index(const std::uint8_t* upper) noexcept {
  std::uint64_t value;
  std::memcpy(&value, upper, sizeof value);
  Lane& lane = lane_of(tables::TableKind::kSession6, Operation::kPrefixes);
  std::size_t place = (value * 0x9E3779B97F4A7C15U) >> 55U;
  for (; prefix_places_[place] != 0; place = (place + 1) % kPrefixPlaces) {
    const std::size_t number = prefix_places_[place] - 1U;
    if (std::memcmp(lane.bytes + number * sizeof(Prefix6), upper, sizeof(Prefix6)) == 0)
      return static_cast<int>(number);
  }
  Prefix6 prefix;
  std::memcpy(&prefix, upper, sizeof prefix);
  if (lane.count == kPrefixesMax ||
      !try_add(tables::TableKind::kSession6, Operation::kPrefixes, prefix, 0))
    return -1;
  --record_count_;  // it serves records, it is none
  prefix_places_[place] = static_cast<std::uint8_t>(lane.count);
  return lane.count - 1;
}

std::size_t FrameBuilder::write_sections(std::span<std::byte> body,
                                         std::uint16_t& section_count) const noexcept {
  std::byte* at = body.data();
  section_count = 0;
  for (const Operation operation : kOrder) {
    for_each_open(operation, [&](tables::TableKind table, const Lane& lane) {
      SectionHeader header;
      header.kind = wire_kind(table, operation);
      header.record_bytes = record_bytes_of(header.kind);
      header.count.set(lane.count);
      std::memcpy(at, &header, sizeof header);
      at += sizeof header;
      const std::size_t records_bytes = std::size_t{header.record_bytes} * lane.count;
      std::memcpy(at, lane.bytes, records_bytes);
      at += records_bytes;
      ++section_count;
    });
  }
  return static_cast<std::size_t>(at - body.data());
}

std::size_t FrameBuilder::write_notes(std::span<std::uint32_t> words,
                                      std::span<SentSection> sections) const noexcept {
  std::size_t section_count = 0;
  std::size_t word_count = 0;
  for (const Operation operation : kOrder)
    for_each_open(operation, [&](tables::TableKind table, const Lane& lane) {
      if (lane.word_count == 0) return;
      sections[section_count++] = {wire_kind(table, operation), lane.word_count};
      std::copy_n(lane.words, lane.word_count,
                  words.begin() + static_cast<std::ptrdiff_t>(word_count));
      word_count += lane.word_count;
    });
  return section_count;
}

}  // namespace twinplane::ha2
