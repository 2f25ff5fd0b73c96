// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sim_stage.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "ha2/decode.hpp"

namespace twinplane::tests {

namespace {

using ha2::FrameHeader;
using ha2::FrameType;
using ha2::Operation;
using ha2::SectionHeader;

FrameHeader header_of(std::span<const std::byte> frame) noexcept {
  FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  return header;
}

template <class Struct>
Struct read_at(std::span<const std::byte> frame, std::size_t at) noexcept {
  Struct value;
  std::memcpy(&value, frame.data() + at, sizeof value);
  return value;
}

template <class Struct>
void write_at(std::span<std::byte> frame, std::size_t at, const Struct& value) noexcept {
  std::memcpy(frame.data() + at, &value, sizeof value);
}

// Where the records of the first section of `operation` stand; 0 when there is none.
std::size_t records_at(std::span<const std::byte> frame, tables::TableKind table,
                       Operation operation) noexcept {
  std::size_t at = sizeof(FrameHeader);
  for (std::uint16_t i = 0; i < header_of(frame).section_count.get(); ++i) {
    const auto section = read_at<SectionHeader>(frame, at);
    at += sizeof section;
    if (section.kind == ha2::wire_kind(table, operation)) return at;
    at += std::size_t{section.record_bytes} * section.count.get();
  }
  return 0;
}

constexpr std::uint32_t kNoSuchSlot = tables::HashIndex::kSlotMask;
constexpr std::byte kNoSuchRanks{0x3F};  // 7 and 7

// A record that speaks of a slot that is not there, or of a rank that does not exist.
bool spoil_a_record(std::span<std::byte> frame, Prng& prng) noexcept {
  const auto table = prng.coin() ? tables::TableKind::kSession4 : tables::TableKind::kSession6;
  const auto operation = static_cast<Operation>(prng.between(1, 6));
  const std::size_t at = records_at(frame, table, operation);
  if (at == 0) return false;
  switch (operation) {
    case Operation::kEmpty:
      write_at(frame, at, [] {
        ha2::Le32 slot;
        slot.set(kNoSuchSlot);
        return slot;
      }());
      return true;
    case Operation::kEmptyRun: {
      auto run = read_at<ha2::EmptyRun>(frame, at);
      run.slot_count.set(prng.coin() ? kNoSuchSlot : ha2::kRangeSlotsMax + 1);
      write_at(frame, at, run);
      return true;
    }
    case Operation::kState:
      if (prng.coin()) {
        frame[at + sizeof(ha2::SlotName)] = kNoSuchRanks;
        return true;
      }
      break;
    default:
      break;
  }
  auto name = read_at<ha2::SlotName>(frame, at);
  name.set(kNoSuchSlot, name.generation());
  write_at(frame, at, name);
  return true;
}

// A section that is longer than the frame, of no records, or of another size than its kind has.
bool spoil_a_section(std::span<std::byte> frame, Prng& prng) noexcept {
  FrameHeader header = header_of(frame);
  if (header.section_count.get() == 0) return false;
  auto section = read_at<SectionHeader>(frame, sizeof header);
  switch (prng.below(4)) {
    case 0:
      section.count.set(0xFFFF);
      break;
    case 1:
      section.count.set(0);
      break;
    case 2:
      // Only of a kind that this version knows is another size a lie.
      if (ha2::record_bytes_of(section.kind) == 0) return false;
      ++section.record_bytes;
      break;
    default:
      header.section_count.set(static_cast<std::uint16_t>(header.section_count.get() + 1));
      break;
  }
  write_at(frame, 0, header);
  write_at(frame, sizeof header, section);
  return true;
}

bool spoil_a_status(std::span<std::byte> frame, Prng& prng) noexcept {
  auto status = read_at<ha2::StatusBody>(frame, sizeof(FrameHeader));
  FrameHeader header = header_of(frame);
  switch (prng.below(3)) {
    case 0:
      status.lost_bytes.set(static_cast<std::uint16_t>(status.lost_bytes.get() + 1));
      break;
    case 1:
      status.first_seq.set(0);
      break;
    default:
      header.seq.set(header.seq.get() + (std::uint64_t{1} << 40U));  // never sent
      break;
  }
  write_at(frame, 0, header);
  write_at(frame, sizeof header, status);
  return true;
}

bool spoil_a_position(std::span<std::byte> frame, Prng& prng) noexcept {
  FrameHeader header = header_of(frame);
  if (prng.coin())
    header.floor_distance.set(0);
  else
    header.floor_distance.set(0xFFFF'FFFF);
  write_at(frame, 0, header);
  return true;
}

}  // namespace

bool make_malformed(std::vector<std::byte>& frame, Prng& prng) {
  const auto type = static_cast<FrameType>(header_of(frame).type);
  bool is_made = false;
  if (type == FrameType::kStatus) is_made = spoil_a_status(frame, prng);
  if (type == FrameType::kHeartbeat) is_made = spoil_a_position(frame, prng);
  if (type == FrameType::kData) {
    const std::uint32_t what = prng.below(4);
    if (what < 2)
      is_made = spoil_a_record(frame, prng);
    else if (what == 2)
      is_made = spoil_a_section(frame, prng);
    else
      is_made = spoil_a_position(frame, prng);
  }
  if (is_made) ha2::seal(frame);
  return is_made;
}

// Sections of kinds that have no meaning in this version.
std::size_t LaterVersion::add_sections(std::span<std::byte> room, std::size_t frame_bytes) {
  FrameHeader header = header_of(room);
  std::size_t end = frame_bytes - sizeof(ha2::Checksum);
  const std::uint32_t wanted = prng_.between(1, 2);
  for (std::uint32_t i = 0; i < wanted && header.section_count.get() < ha2::kSectionsMax; ++i) {
    SectionHeader section;
    do
      section.kind =
          static_cast<std::uint8_t>(prng_.coin() ? prng_.below(0x20) : prng_.below(0x100));
    while (ha2::record_bytes_of(section.kind) != 0);
    section.record_bytes = static_cast<std::uint8_t>(prng_.between(1, 40));
    section.count.set(static_cast<std::uint16_t>(prng_.between(1, 4)));
    const std::size_t section_bytes =
        sizeof section + std::size_t{section.record_bytes} * section.count.get();
    if (end + section_bytes + sizeof(ha2::Checksum) > std::min(frame_bytes_max_, room.size()))
      break;
    // In front of the others or behind them.
    const std::size_t at = prng_.coin() ? sizeof header : end;
    std::memmove(room.data() + at + section_bytes, room.data() + at, end - at);
    write_at(room, at, section);
    prng_.fill(room.subspan(at + sizeof section, section_bytes - sizeof section));
    end += section_bytes;
    header.section_count.set(static_cast<std::uint16_t>(header.section_count.get() + 1));
    records_added_ += section.count.get();
  }
  write_at(room, 0, header);
  return end + sizeof(ha2::Checksum);
}

std::size_t LaterVersion::add_items(std::span<std::byte> room, std::size_t frame_bytes) {
  const std::size_t end = frame_bytes - sizeof(ha2::Checksum);
  auto hello = read_at<ha2::HelloBody>(room, sizeof(FrameHeader));
  if (frame_bytes + sizeof(ha2::HelloItem) > room.size()) return frame_bytes;
  ha2::HelloItem item{};
  static constexpr std::array<char, 12> kName{"later thing"};
  std::memcpy(item.name, kName.data(), kName.size());
  item.value.set(prng_.next());
  hello.item_count.set(static_cast<std::uint16_t>(hello.item_count.get() + 1));
  write_at(room, sizeof(FrameHeader), hello);
  write_at(room, end, item);
  ++items_added_;
  return frame_bytes + sizeof item;
}

std::size_t LaterVersion::rework(std::span<std::byte> room, std::size_t frame_bytes) {
  const auto type = static_cast<FrameType>(header_of(room).type);
  if (type == FrameType::kData)
    frame_bytes = add_sections(room, frame_bytes);
  else if (type == FrameType::kHello)
    frame_bytes = add_items(room, frame_bytes);
  else
    return frame_bytes;
  ha2::seal(room.first(frame_bytes));
  return frame_bytes;
}

std::size_t OtherLife::rework(std::span<std::byte> room, std::size_t frame_bytes) {
  const auto type = static_cast<FrameType>(header_of(room).type);
  if (type == FrameType::kKeepalive && first_count_ != 0) {
    auto alive = read_at<ha2::KeepaliveBody>(room, sizeof(FrameHeader));
    alive.count.set(alive.count.get() + first_count_);
    write_at(room, sizeof(FrameHeader), alive);
  } else if (type == FrameType::kHello && is_different_) {
    constexpr std::size_t kAt = sizeof(FrameHeader) + sizeof(ha2::HelloBody);
    auto item = read_at<ha2::HelloItem>(room, kAt);
    item.value.set(item.value.get() + 1);
    write_at(room, kAt, item);
  } else {
    return frame_bytes;
  }
  ha2::seal(room.first(frame_bytes));
  return frame_bytes;
}

}  // namespace twinplane::tests
