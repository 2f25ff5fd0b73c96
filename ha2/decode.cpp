// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/decode.hpp"

#include <array>

#include "ha2/plain_codec.hpp"
#include "tables/base/check.hpp"
#include "tables/base/hash.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

// An Ethernet frame carries at least 46 bytes: behind a frame shorter than that there may be
// padding, else nothing.
constexpr std::size_t kEthernetPayloadMin = 46;

constexpr std::array<std::uint8_t, 256> kRecordBytes = [] {
  std::array<std::uint8_t, 256> bytes{};
  using tables::TableKind;
  const auto set = [&bytes](TableKind table, Operation operation, std::size_t size) {
    bytes[wire_kind(table, operation)] = static_cast<std::uint8_t>(size);
  };
  set(TableKind::kSession4, Operation::kBrief, sizeof(Brief4));
  set(TableKind::kSession4, Operation::kFull, sizeof(Full4));
  set(TableKind::kSession6, Operation::kBrief, sizeof(Brief6));
  set(TableKind::kSession6, Operation::kFull, sizeof(Full6));
  set(TableKind::kSession6, Operation::kPrefixes, sizeof(Prefix6));
  tables::for_each_kind([&](auto kind) {
    set(kind, Operation::kEmpty, sizeof(EmptySlot));
    set(kind, Operation::kEmptyRun, sizeof(EmptyRun));
    set(kind, Operation::kDigest, sizeof(DigestRange));
    if constexpr (tables::is_session(kind())) {
      set(kind, Operation::kState, sizeof(StatePatch));
      set(kind, Operation::kWindow, sizeof(WindowPatch));
    } else {
      using Body = tables::BodyOf<kind()>;
      set(kind, Operation::kFull, sizeof(PlainWhole<Body>));
      if constexpr (tables::HasPatch<Body>)
        set(kind, Operation::kState, sizeof(PlainPatch<typename Body::Patch>));
      if constexpr (tables::HasRefresh<Body>)
        set(kind, Operation::kWindow, sizeof(PlainPatch<typename Body::Refresh>));
    }
  });
  return bytes;
}();

std::uint64_t checksum_of(std::span<const std::byte> bytes) noexcept {
  return tables::hash_bytes(bytes, tables::HashSeed{0x7261});
}

bool are_sections_sound(std::span<const std::byte> body, std::uint16_t section_count) noexcept {
  if (section_count > kSectionsMax) return false;
  std::size_t at = 0;
  for (std::uint16_t i = 0; i < section_count; ++i) {
    if (body.size() - at < sizeof(SectionHeader)) return false;
    SectionHeader header;
    std::memcpy(&header, body.data() + at, sizeof header);
    at += sizeof header;
    const std::uint8_t known_bytes = record_bytes_of(header.kind);
    if (header.record_bytes == 0 || (known_bytes != 0 && known_bytes != header.record_bytes))
      return false;
    const std::size_t records_bytes = std::size_t{header.record_bytes} * header.count.get();
    if (records_bytes == 0 || records_bytes > body.size() - at) return false;
    at += records_bytes;
  }
  return at == body.size();
}

}  // namespace

std::uint8_t record_bytes_of(std::uint8_t kind) noexcept { return kRecordBytes[kind]; }

Counter counter_of(DecodeError error) noexcept {
  switch (error) {
    case DecodeError::kTooShort:
      return Counter::kDropTooShort;
    case DecodeError::kBadVersion:
      return Counter::kDropVersion;
    case DecodeError::kBadType:
      return Counter::kDropType;
    case DecodeError::kBadLength:
      return Counter::kDropLength;
    case DecodeError::kBadChecksum:
      return Counter::kDropChecksum;
    case DecodeError::kBadSection:
    case DecodeError::kNone:
      break;
  }
  return Counter::kDropSection;
}

Decoded decode(std::span<const std::byte> bytes) noexcept {
  Decoded decoded{};
  FrameHeader& header = decoded.frame.header;
  const auto fail = [&decoded](DecodeError error) {
    decoded.error = error;
    return decoded;
  };
  if (bytes.size() < kFrameBytesMin) return fail(DecodeError::kTooShort);
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kProtocolVersion) return fail(DecodeError::kBadVersion);
  const auto type = static_cast<FrameType>(header.type);
  if (type < FrameType::kData || type > FrameType::kKeepalive) return fail(DecodeError::kBadType);
  // A link frame is the link's and a stream's frame is a partition's: neither is ever taken for the
  // other.
  const bool is_link_type = type == FrameType::kHello || type == FrameType::kKeepalive;
  if (is_link_type != (header.partition.get() == kLinkPartition))
    return fail(DecodeError::kBadType);
  const std::size_t frame_bytes = header.frame_bytes.get();
  if (frame_bytes < kFrameBytesMin || frame_bytes > kFrameBytesMax || frame_bytes > bytes.size())
    return fail(DecodeError::kBadLength);
  if (frame_bytes != bytes.size() && bytes.size() > kEthernetPayloadMin)
    return fail(DecodeError::kBadLength);
  const std::size_t sum_at = frame_bytes - sizeof(Checksum);
  Checksum checksum;
  std::memcpy(&checksum, bytes.data() + sum_at, sizeof checksum);
  if (checksum.get() != checksum_of(bytes.first(sum_at)) &&
      !tables::is_mutant(tables::Mutant::kIgnoresChecksum))
    return fail(DecodeError::kBadChecksum);
  decoded.frame.body = bytes.subspan(sizeof header, sum_at - sizeof header);
  if (type == FrameType::kData) {
    if (!are_sections_sound(decoded.frame.body, header.section_count.get()))
      return fail(DecodeError::kBadSection);
  } else if (header.section_count.get() != 0) {
    return fail(DecodeError::kBadSection);
  }
  decoded.error = DecodeError::kNone;
  return decoded;
}

void seal(std::span<std::byte> frame) noexcept {
  TWINPLANE_CHECK(frame.size(), >=, kFrameBytesMin);
  Le16 frame_bytes;
  frame_bytes.set(static_cast<std::uint16_t>(frame.size()));
  std::memcpy(frame.data() + offsetof(FrameHeader, frame_bytes), &frame_bytes, sizeof frame_bytes);
  Checksum checksum;
  const std::size_t sum_at = frame.size() - sizeof checksum;
  checksum.set(checksum_of(frame.first(sum_at)));
  std::memcpy(frame.data() + sum_at, &checksum, sizeof checksum);
}

}  // namespace twinplane::ha2
