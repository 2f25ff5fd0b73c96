// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/kit/frame_shape.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "ha2/decode.hpp"
#include "ha2/plain_codec.hpp"
#include "tests/support/plain_bodies.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t bytes,
                                        std::size_t bytes_max);

namespace twinplane::fuzz {

namespace {

using ha2::FrameHeader;
using ha2::Operation;
using ha2::SectionHeader;

struct LooseSection {
  std::uint8_t kind = 0;
  std::vector<Bytes> records;  // all of one size
};

std::uint8_t any_kind(tests::Prng& prng) {
  if (prng.chance(30)) return static_cast<std::uint8_t>(prng.next());
  const std::uint32_t table = prng.coin() ? prng.below(2) : prng.below(tables::kTableKindCount);
  return static_cast<std::uint8_t>(table * 16 + prng.between(1, 8));
}

// What a box says of a plain entry of few keys: a whole, or a patch of one.
template <class Body>
void fill_plain(Bytes& record, Operation operation, tests::Prng& prng) {
  const Body body = tests::body_of<Body>(prng.below(80), prng.below(8));
  constexpr std::size_t kNameBytes = sizeof(ha2::SlotName);
  if (operation == Operation::kFull)
    std::memcpy(record.data() + kNameBytes + sizeof(ha2::Le24), &body, sizeof body);
  if constexpr (tables::HasPatch<Body>) {
    const auto patch = body.patch();
    if (operation == Operation::kState)
      std::memcpy(record.data() + kNameBytes, &patch, sizeof patch);
  }
}

// Slots and prefixes that mostly exist, addresses of few values, states that mostly exist.
Bytes any_record(std::uint8_t kind, tests::Prng& prng) {
  const std::size_t known_bytes = ha2::record_bytes_of(kind);
  Bytes record(known_bytes != 0 ? known_bytes : prng.between(1, 40));
  if (known_bytes == 0 || prng.chance(50)) {
    prng.fill(record);
    return record;
  }
  const auto value = [&prng](std::uint32_t limit) {
    return static_cast<std::byte>(prng.below(limit));
  };
  record[0] = value(prng.chance(970) ? 64 : 255);  // the slot
  const bool is_plain = !tables::is_session(ha2::table_of(kind));
  if (is_plain && ha2::group_of(ha2::operation_of(kind)) < ha2::RecordGroup::kEmpty) {
    tables::with_kind(ha2::table_of(kind), [&](auto of) {
      if constexpr (!tables::is_session(of()))
        fill_plain<tables::BodyOf<of()>>(record, ha2::operation_of(kind), prng);
    });
    record[3] = value(4) << 2U;  // the generation
    return record;
  }
  switch (ha2::operation_of(kind)) {
    case Operation::kEmptyRun:
    case Operation::kDigest:
      record[ha2::operation_of(kind) == Operation::kDigest ? 8 : 4] = value(66);
      return record;
    case Operation::kState:
      record[5] = value(0x60);
      break;
    case Operation::kWindow:
      for (std::size_t at = 5; at < record.size(); ++at) record[at] = value(256);
      break;
    case Operation::kBrief:
    case Operation::kFull: {
      const std::size_t tail_at = kind < 16 ? 18 : 28;
      record[5] = std::byte{6};
      for (std::size_t at = 6; at < tail_at; ++at) record[at] = value(2);
      record[tail_at] = value(256) & std::byte{0xDB};
      if (ha2::operation_of(kind) == Operation::kBrief) break;
      const std::size_t sides_at = record.size() - sizeof(ha2::FullExtra);
      for (std::size_t at = tail_at + sizeof(ha2::WholeTail); at < sides_at; ++at)
        record[at] = value(2);
      record[sides_at] = value(ha2::kSidesMax + 1U);
      break;
    }
    default:
      break;
  }
  record[3] = value(4) << 2U;  // the generation
  return record;
}

std::vector<LooseSection> take_apart(std::span<const std::byte> body) {
  std::vector<LooseSection> sections;
  while (body.size() > sizeof(SectionHeader)) {
    SectionHeader header;
    std::memcpy(&header, body.data(), sizeof header);
    body = body.subspan(sizeof header);
    LooseSection& section = sections.emplace_back();
    section.kind = header.kind;
    const std::size_t record_bytes = std::max<std::size_t>(header.record_bytes, 1);
    for (std::size_t i = 0; i < header.count.get() && body.size() >= record_bytes; ++i) {
      const auto record = body.first(record_bytes);
      section.records.emplace_back(record.begin(), record.end());
      body = body.subspan(record_bytes);
    }
  }
  return sections;
}

Bytes put_together(FrameHeader header, const std::vector<LooseSection>& sections,
                   std::size_t bytes_max) {
  Bytes frame(sizeof header);
  std::uint16_t section_count = 0;
  for (const LooseSection& section : sections) {
    if (section.records.empty()) continue;
    const std::size_t record_bytes = section.records.front().size();
    const std::size_t room = bytes_max - std::min(bytes_max, frame.size() + sizeof(ha2::Checksum));
    if (room < sizeof(SectionHeader) + record_bytes) break;
    const std::size_t count =
        std::min(section.records.size(), (room - sizeof(SectionHeader)) / record_bytes);
    SectionHeader wire{};
    wire.kind = section.kind;
    wire.record_bytes = static_cast<std::uint8_t>(record_bytes);
    wire.count.set(static_cast<std::uint16_t>(count));
    const auto bytes = std::as_bytes(std::span(&wire, 1));
    frame.insert(frame.end(), bytes.begin(), bytes.end());
    for (std::size_t i = 0; i < count; ++i)
      frame.insert(frame.end(), section.records[i].begin(), section.records[i].end());
    ++section_count;
  }
  header.version = ha2::kProtocolVersion;
  header.type = static_cast<std::uint8_t>(ha2::FrameType::kData);
  header.section_count.set(section_count);
  std::memcpy(frame.data(), &header, sizeof header);
  frame.resize(frame.size() + sizeof(ha2::Checksum));
  ha2::seal(frame);
  return frame;
}

FrameHeader any_header(tests::Prng& prng) {
  FrameHeader header{};
  header.session.set(kStreamName.session);
  header.term.set(kStreamName.term);
  header.seq.set(prng.between(1, 8));
  header.floor_distance.set(prng.between(1, 2));
  return header;
}

// The stream's own name, or one that is a little off.
void change_header(FrameHeader& header, tests::Prng& prng) {
  const FrameHeader usual = any_header(prng);
  switch (prng.below(4)) {
    case 0:
      header.session.set(usual.session.get() + prng.below(2));
      break;
    case 1:
      header.term.set(usual.term.get() + prng.below(3) - 1);
      break;
    case 2:
      header.seq = usual.seq;
      break;
    default:
      header.floor_distance = usual.floor_distance;
      break;
  }
}

template <class Item>
std::size_t index_in(const std::vector<Item>& items, tests::Prng& prng) {
  return prng.below(static_cast<std::uint32_t>(items.size()));
}

void change_records(LooseSection& section, tests::Prng& prng) {
  if (section.records.empty()) return section.records.push_back(any_record(section.kind, prng));
  const std::size_t at = index_in(section.records, prng);
  Bytes& record = section.records[at];
  const auto position = section.records.begin() + static_cast<std::ptrdiff_t>(at);
  switch (prng.below(6)) {
    case 0:
      section.records.erase(position);
      break;
    case 1:
      section.records.insert(position, section.records[index_in(section.records, prng)]);
      break;
    case 2: {
      Bytes more = any_record(section.kind, prng);
      more.resize(record.size());
      section.records.push_back(std::move(more));
      break;
    }
    case 3: {
      const Bytes& other = section.records[index_in(section.records, prng)];
      std::copy_n(other.begin(), std::min<std::size_t>(5, record.size()), record.begin());
      break;
    }
    default: {
      const std::size_t bytes = record.size();
      record.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(record.data()), bytes, bytes));
      record.resize(bytes);
      break;
    }
  }
}

void change_sections(std::vector<LooseSection>& sections, tests::Prng& prng) {
  const auto add = [&] {
    LooseSection section{any_kind(prng), {}};
    section.records.push_back(any_record(section.kind, prng));
    const std::size_t bytes = section.records.front().size();
    for (std::uint32_t more = prng.below(3); more > 0; --more) {
      section.records.push_back(any_record(section.kind, prng));
      section.records.back().resize(bytes);
    }
    sections.push_back(std::move(section));
  };
  if (sections.empty()) return add();
  const std::size_t at = index_in(sections, prng);
  switch (prng.below(8)) {
    case 0:
      return add();
    case 1:
      sections.erase(sections.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    case 2:
      std::swap(sections[at], sections[index_in(sections, prng)]);
      return;
    case 3:
      sections.push_back(sections[at]);
      return;
    default:
      change_records(sections[at], prng);
      return;
  }
}

}  // namespace

void shape_frame(Bytes& frame, std::uint8_t flags, std::uint64_t passed_seq) {
  if ((flags & (kSealed | kOurs | kNext | kAhead)) == 0) return;
  if (frame.size() < ha2::kFrameBytesMin) frame.resize(ha2::kFrameBytesMin);
  if (frame.size() > ha2::kFrameBytesMax) frame.resize(ha2::kFrameBytesMax);
  FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  if ((flags & kOurs) != 0) {
    header.version = ha2::kProtocolVersion;
    header.partition.set(0);
    header.session.set(kStreamName.session);
    header.term.set(kStreamName.term);
  }
  if ((flags & (kNext | kAhead)) != 0) {
    const std::uint64_t ahead = (flags & kAhead) != 0 ? header.seq.get() % 40 : 0;
    const std::uint64_t seq = passed_seq + 1 + ahead;
    const std::uint64_t behind = header.floor_distance.get() % 8;
    header.seq.set(seq);
    header.floor_distance.set(static_cast<std::uint32_t>(std::min(seq, 1 + ahead + behind)));
  }
  std::memcpy(frame.data(), &header, sizeof header);
  if ((flags & kSealed) != 0) ha2::seal(frame);
}

void mutate_data_frame(Chunk& chunk, std::size_t bytes_max, tests::Prng& prng) {
  const std::size_t least = sizeof(FrameHeader) + sizeof(ha2::Checksum);
  if (prng.chance(100) || chunk.bytes.size() < least || bytes_max < least)
    return mutate_bytes(chunk, bytes_max, prng);
  FrameHeader header;
  std::memcpy(&header, chunk.bytes.data(), sizeof header);
  const std::span<const std::byte> bytes(chunk.bytes);
  std::vector<LooseSection> sections =
      take_apart(bytes.subspan(sizeof header, bytes.size() - least));
  if (prng.chance(100)) change_header(header, prng);
  for (std::uint32_t left = prng.between(1, 2); left > 0; --left) change_sections(sections, prng);
  chunk.bytes = put_together(header, sections, bytes_max);
}

Chunk make_data_frame(tests::Prng& prng) {
  std::vector<LooseSection> sections;
  change_sections(sections, prng);
  Chunk chunk;
  chunk.flags = static_cast<std::uint8_t>((kSealed | kOurs | kNext) | (prng.next() & 0xF0U));
  chunk.bytes = put_together(any_header(prng), sections, ha2::kFrameBytesMax);
  return chunk;
}

}  // namespace twinplane::fuzz
