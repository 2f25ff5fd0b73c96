// SPDX-License-Identifier: BSD-3-Clause
// decode.hpp - the one decoder: any bytes become a checked view of a frame, or a named error.
//
// Thread:  any; pure.
// Memory:  none; a view borrows the bytes it was made from.
// Limits:  frames of kFrameBytesMin to kFrameBytesMax bytes; up to kSectionsMax sections.
// Errors:  DecodeError, in the order of the checks.
// Spec:    PROTOCOL.md section 3. What a record says (slot in range, ranks that exist) is checked
//          where it is applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "ha2/counters.hpp"
#include "ha2/wire.hpp"

namespace twinplane::ha2 {

inline constexpr std::uint16_t kSectionsMax = 64;

enum class DecodeError : std::uint8_t {
  kNone,
  kTooShort,
  kBadVersion,
  kBadType,
  kBadLength,
  kBadChecksum,
  kBadSection
};

Counter counter_of(DecodeError error) noexcept;

struct FrameView {
  FrameHeader header{};
  std::span<const std::byte> body{};  // without header and checksum
};

struct Decoded {
  FrameView frame;
  DecodeError error;
};

// `bytes` is what the link delivered, Ethernet padding included.
Decoded decode(std::span<const std::byte> bytes) noexcept;

struct Section {
  std::uint8_t kind;
  std::uint8_t record_bytes;
  std::uint16_t count;
  const std::byte* records;

  // In the frame itself: wire structs are arrays of bytes, at any address. A copy would be stored
  // in pieces of one size and read in pieces of another, which waits for the store buffer.
  template <class Record>
  const Record& record(std::size_t index) const noexcept {
    static_assert(kIsWireType<Record>);
    return *reinterpret_cast<const Record*>(records + index * sizeof(Record));
  }
};

// Record size of a kind; 0 when this version does not know it.
std::uint8_t record_bytes_of(std::uint8_t kind) noexcept;

// Calls on_section(Section) for each section of a decoded data frame; its structure was checked by
// decode().
template <class OnSection>
void for_each_section(const FrameView& frame, OnSection&& on_section) noexcept {
  const std::byte* at = frame.body.data();
  const std::byte* const end = at + frame.body.size();
  while (at != end) {
    SectionHeader header;
    std::memcpy(&header, at, sizeof header);
    at += sizeof header;
    on_section(Section{header.kind, header.record_bytes, header.count.get(), at});
    at += std::size_t{header.record_bytes} * header.count.get();
  }
}

// The fixed struct that a non-data body starts with; false when the body is shorter.
template <class Body>
[[nodiscard]] bool try_read_body(const FrameView& frame, Body& body) noexcept {
  if (frame.body.size() < sizeof body) return false;
  std::memcpy(&body, frame.body.data(), sizeof body);
  return true;
}

// Writes the checksum behind header and body; `frame` is header + body + room for it. Sets
// frame_bytes.
void seal(std::span<std::byte> frame) noexcept;

}  // namespace twinplane::ha2
