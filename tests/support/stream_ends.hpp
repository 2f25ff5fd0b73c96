// SPDX-License-Identifier: BSD-3-Clause
// stream_ends.hpp - an owner and a mirror whose frames a test passes by hand, and a look into
// frames.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  small tables; 64 slots of each kind unless told otherwise.
// Errors:  none.
// Spec:    link.hpp, wire.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "ha2/decode.hpp"
#include "tests/support/sim_pair.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::tests {

using Frame = std::vector<std::byte>;

// Keeps what is sent on it; may be out of buffers.
class KeptLink final : public ha2::Link {
 public:
  explicit KeptLink(std::size_t frame_bytes = 1500) : room_(frame_bytes) {}

  std::span<std::byte> try_frame() noexcept override {
    return has_buffer ? std::span<std::byte>(room_) : std::span<std::byte>();
  }

  void send(std::size_t frame_bytes, std::uint16_t) noexcept override {
    frames.emplace_back(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(frame_bytes));
  }

  std::vector<Frame> take() { return std::exchange(frames, {}); }

  bool has_buffer = true;
  std::vector<Frame> frames;

 private:
  std::vector<std::byte> room_;
};

inline BoxShape small_shape() {
  BoxShape shape;
  shape.limits.session4 = {64, 2};
  shape.limits.session6 = {64, 2};
  shape.stream.window_frames = 16;
  shape.stream.frame_bytes_max = 1500;
  return shape;
}

inline ha2::FrameHeader header_of(const Frame& frame) {
  ha2::FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  return header;
}

inline ha2::FrameType type_of(const Frame& frame) {
  return static_cast<ha2::FrameType>(header_of(frame).type);
}

// Records of one kind in a frame.
inline std::size_t count_of(const Frame& frame, tables::TableKind table, ha2::Operation operation) {
  std::size_t count = 0;
  const ha2::Decoded decoded = ha2::decode(frame);
  ha2::for_each_section(decoded.frame, [&](const ha2::Section& section) {
    if (section.kind == ha2::wire_kind(table, operation)) count += section.count;
  });
  return count;
}

inline std::size_t count_of(const Frame& frame, ha2::Operation operation) {
  return count_of(frame, tables::TableKind::kSession4, operation) +
         count_of(frame, tables::TableKind::kSession6, operation);
}

// A data frame with one section of the given records.
template <class Record>
Frame data_frame(ha2::StreamName name, std::uint64_t seq, std::uint32_t floor_distance,
                 std::uint8_t kind, const std::vector<Record>& records) {
  ha2::FrameHeader header{};
  header.version = ha2::kProtocolVersion;
  header.type = static_cast<std::uint8_t>(ha2::FrameType::kData);
  header.session.set(name.session);
  header.term.set(name.term);
  header.section_count.set(1);
  header.seq.set(seq);
  header.floor_distance.set(floor_distance);
  ha2::SectionHeader section{};
  section.kind = kind;
  section.record_bytes = sizeof(Record);
  section.count.set(static_cast<std::uint16_t>(records.size()));
  Frame frame(sizeof header + sizeof section + records.size() * sizeof(Record) +
              sizeof(ha2::Checksum));
  std::memcpy(frame.data(), &header, sizeof header);
  std::memcpy(frame.data() + sizeof header, &section, sizeof section);
  if (!records.empty())
    std::memcpy(frame.data() + sizeof header + sizeof section, records.data(),
                records.size() * sizeof(Record));
  ha2::seal(frame);
  return frame;
}

// Box 0 owns; frames go only where the test takes them.
class StreamEnds {
 public:
  explicit StreamEnds(const BoxShape& shape = small_shape())
      : shape_(shape),
        owner_(shape),
        mirror_(shape),
        to_mirror(shape.stream.frame_bytes_max),
        to_owner(shape.stream.frame_bytes_max) {
    begin({7, 1});
  }

  void begin(ha2::StreamName name, bool does_mirror_hold_tables = false) {
    name_ = name;
    ha2::Assignment assignment;
    assignment.peer_holds_tables = does_mirror_hold_tables;
    assignment.has_peer = true;
    assignment.name = name;
    assignment.frame_bytes = shape_.stream.frame_bytes_max;
    assignment.kinds = shape_.kinds;
    assignment.holding = ha2::Holding::kOwner;
    owner_.replica().assume(assignment);
    assignment.holding = ha2::Holding::kMirror;
    mirror_.replica().assume(assignment);
  }

  ha2::StreamName name() const noexcept { return name_; }

  tables::SessionTable4& sessions() noexcept { return owner_.partition().session4(); }

  tables::SessionTable4& mirrored() noexcept { return mirror_.partition().session4(); }

  const ha2::OwnerStream& stream() const noexcept { return owner_.replica().owner(); }

  ha2::OwnerStream& stream() noexcept { return owner_.replica().owner(); }

  const ha2::MirrorStream& mirror_stream() const noexcept { return mirror_.replica().mirror(); }

  ha2::Replica& owner() noexcept { return owner_.replica(); }

  ha2::Replica& mirror() noexcept { return mirror_.replica(); }

  std::uint64_t owner_count(ha2::Counter counter) { return owner().counters().get(counter); }

  std::uint64_t mirror_count(ha2::Counter counter) { return mirror().counters().get(counter); }

  void wait(std::uint64_t ns) noexcept { now_ns += ns; }

  std::vector<Frame> poll_owner() {
    owner().poll(now_ns, to_mirror);
    return to_mirror.take();
  }

  // What goes out once the flush times have passed; the first poll only sees that there is
  // something.
  std::vector<Frame> flush_owner() {
    std::vector<Frame> frames = poll_owner();
    wait(std::max(shape_.stream.flush_ns, shape_.stream.refresh_flush_ns) - 1'000);
    for (Frame& frame : poll_owner()) frames.push_back(std::move(frame));
    wait(1'000);
    for (Frame& frame : poll_owner()) frames.push_back(std::move(frame));
    std::erase_if(frames,
                  [](const Frame& frame) { return type_of(frame) != ha2::FrameType::kData; });
    return frames;
  }

  std::vector<Frame> poll_mirror() {
    mirror().poll(now_ns, to_owner);
    return to_owner.take();
  }

  static void hand(ha2::Replica& to, const Frame& frame, std::uint64_t now_ns) {
    const ha2::Decoded decoded = ha2::decode(frame);
    if (decoded.error == ha2::DecodeError::kNone) to.on_frame(decoded.frame, frame, now_ns);
  }

  void to_the_mirror(const Frame& frame) { hand(mirror(), frame, now_ns); }

  void to_the_owner(const Frame& frame) { hand(owner(), frame, now_ns); }

  // A round without any fault.
  void exchange() {
    for (const Frame& frame : poll_owner()) to_the_mirror(frame);
    wait(1'000'000);
    for (const Frame& frame : poll_mirror()) to_the_owner(frame);
  }

  // Rounds until nothing is left to say.
  void settle() {
    for (int i = 0; i < 1000 && !(stream().is_quiet() && i > 2); ++i) {
      wait(2'000'000);
      exchange();
    }
  }

  tables::Partition& partition() noexcept { return owner_.partition(); }

  tables::Partition& mirrored_partition() noexcept { return mirror_.partition(); }

  std::uint32_t create(std::uint32_t number, bool is_translated = false) {
    return sessions().create(make_session<tables::Address4>(number, is_translated), 0).slot;
  }

  // The server has answered: a change of state.
  void advance(std::uint32_t slot) {
    sessions().slots().changeable(slot).flags |= tables::kReplySeen;
    sessions().slots().mark(slot, tables::kMarkState);
  }

  bool is_equal(std::uint32_t slot) {
    return ha2::image_of(sessions().slots().entry(slot)) ==
           ha2::image_of(mirrored().slots().entry(slot));
  }

 private:
  BoxShape shape_;
  Box owner_;
  Box mirror_;
  ha2::StreamName name_;

 public:
  KeptLink to_mirror;
  KeptLink to_owner;
  std::uint64_t now_ns = 1'000'000'000;
};

}  // namespace twinplane::tests
