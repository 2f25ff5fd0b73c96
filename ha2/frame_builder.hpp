// SPDX-License-Identifier: BSD-3-Clause
// frame_builder.hpp - gathers records by kind, so that each kind stands in one section at fixed
// offsets, and notes whose they are.
//
// Thread:  one core; one builder serves all streams of that core, one frame at a time.
// Memory:  about 160 x frame size bytes, taken at construction; what a frame does not use is never
//          touched.
// Limits:  one section of each kind, kSectionsMax in all; the frame never exceeds the size given to
//          begin().
// Errors:  try_add returns false when the record does not fit; nothing was added then.
// Spec:    PROTOCOL.md section 4. Sections go out in the order of kOrder: prefixes before what
//          refers to them, wholes before patches, digests last.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ha2/wire.hpp"

namespace twinplane::ha2 {

// What one frame told of: for each section its kind and the slots, in the order of the frame.
// kEmptyRun notes two words a record.
struct SentSection {
  std::uint8_t kind;
  std::uint16_t word_count;
};

class FrameBuilder {
  struct Lane {
    std::byte* bytes = nullptr;
    std::uint32_t* words = nullptr;
    std::uint16_t count = 0;
    std::uint16_t word_count = 0;
  };

 public:
  static constexpr std::size_t kOperationCount = 8;
  static constexpr std::size_t kLaneCount = tables::kTableKindCount * kOperationCount;
  // in a frame; records that would need another one do not fit
  static constexpr std::size_t kSectionsMax = 48;

  explicit FrameBuilder(std::size_t frame_bytes_max);

  // Starts a frame of at most frame_bytes.
  void begin(std::size_t frame_bytes) noexcept;

  // Adds a record about `slot`. Record is the wire struct of (table, operation).
  template <class Record>
  [[nodiscard]] bool try_add(tables::TableKind table, Operation operation, const Record& record,
                             std::uint32_t slot) noexcept {
    Lane& lane = lane_of(table, operation);
    const std::size_t wanted_bytes = sizeof record + (lane.count == 0 ? sizeof(SectionHeader) : 0);
    if (wanted_bytes > left_bytes_) return false;
    if (lane.count == 0 && !try_open(lane)) return false;
    left_bytes_ -= wanted_bytes;
    std::memcpy(lane.bytes + std::size_t{lane.count} * sizeof record, &record, sizeof record);
    if (operation != Operation::kPrefixes) lane.words[lane.word_count++] = slot;
    ++lane.count;
    ++record_count_;
    return true;
  }

  template <class Record>
  class Run;

  // The room of the frame but for keep_bytes, held in a register while a loop adds records through
  // Runs; nothing else may be added meanwhile.
  class Room {
   public:
    Room(FrameBuilder& builder, std::size_t keep_bytes) noexcept
        : builder_(builder),
          start_bytes_(builder.left_bytes_ > keep_bytes
                           ? static_cast<std::ptrdiff_t>(builder.left_bytes_ - keep_bytes)
                           : 0),
          left_bytes_(start_bytes_) {}

    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    ~Room() { builder_.left_bytes_ -= static_cast<std::size_t>(start_bytes_ - left_bytes_); }

   private:
    template <class Record>
    friend class Run;
    FrameBuilder& builder_;
    std::ptrdiff_t start_bytes_;
    std::ptrdiff_t left_bytes_;  // below 0: not even the sections' headers fit
  };

  // A section's place, held in registers likewise. The header of a section that does not stand yet
  // is set aside at once. The destructor makes the additions known.
  template <class Record>
  class Run {
   public:
    Run(Room& room, tables::TableKind table, Operation operation) noexcept
        : room_(room),
          lane_(room.builder_.lane_of(table, operation)),
          records_(lane_.bytes + std::size_t{lane_.count} * sizeof(Record)),
          slots_(lane_.words + lane_.word_count) {
      if (lane_.count == 0) room_.left_bytes_ -= static_cast<std::ptrdiff_t>(sizeof(SectionHeader));
    }

    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    ~Run() {
      if (lane_.count + added_ == 0)
        room_.left_bytes_ += static_cast<std::ptrdiff_t>(sizeof(SectionHeader));
      else if (lane_.count == 0)
        room_.builder_.open(lane_);
      room_.builder_.record_count_ += static_cast<std::uint32_t>(added_);
      lane_.count = static_cast<std::uint16_t>(lane_.count + added_);
      lane_.word_count = static_cast<std::uint16_t>(lane_.word_count + added_);
    }

    // How many records fit.
    std::size_t room() const noexcept {
      return room_.left_bytes_ <= 0 ? 0
                                    : static_cast<std::size_t>(room_.left_bytes_) / sizeof(Record);
    }

    bool has_room() const noexcept {
      return room_.left_bytes_ >= static_cast<std::ptrdiff_t>(sizeof(Record));
    }

    // A record for the caller to fill, every byte of it. Requires room().
    Record& add(std::uint32_t slot) noexcept {
      static_assert(kIsWireType<Record>);
      room_.left_bytes_ -= static_cast<std::ptrdiff_t>(sizeof(Record));
      slots_[added_] = slot;
      return *reinterpret_cast<Record*>(records_ + added_++ * sizeof(Record));
    }

   private:
    Room& room_;
    Lane& lane_;
    std::byte* const records_;
    std::uint32_t* const slots_;
    std::size_t added_ = 0;
  };

  // A run needs its length noted too.
  [[nodiscard]] bool try_add_run(tables::TableKind table, std::uint32_t first_slot,
                                 std::uint32_t slot_count) noexcept;

  // The number of an IPv6 upper half in this frame; -1 when there is no room for it.
  int prefix_index(const std::uint8_t* upper) noexcept;

  std::size_t left_bytes() const noexcept { return left_bytes_; }

  std::uint32_t record_count() const noexcept { return record_count_; }

  // Records of one operation, all tables together.
  std::uint32_t count_of(Operation operation) const noexcept {
    std::uint32_t count = 0;
    for_each_open(operation, [&](tables::TableKind, const Lane& lane) { count += lane.count; });
    return count;
  }

  // on_section(table, operation, records) for each section of the frame.
  template <class OnSection>
  void for_each_section(OnSection&& on_section) const noexcept {
    for (std::size_t i = 0; i < kOperationCount; ++i) {
      const auto operation = static_cast<Operation>(i + 1);
      for_each_open(operation, [&](tables::TableKind table, const Lane& lane) {
        on_section(table, operation, std::uint32_t{lane.count});
      });
    }
  }

  bool empty() const noexcept { return record_count_ == 0; }

  // Writes the sections behind the header; returns the body's size and sets section_count.
  std::size_t write_sections(std::span<std::byte> body,
                             std::uint16_t& section_count) const noexcept;

  // Writes what the frame told of; `words` holds at least words_max(frame size), `sections`
  // kSectionsMax.
  std::size_t write_notes(std::span<std::uint32_t> words,
                          std::span<SentSection> sections) const noexcept;

  static constexpr std::size_t words_max(std::size_t frame_bytes) noexcept {
    return (frame_bytes - kFrameBytesMin) / sizeof(EmptySlot) + 1;
  }

 private:
  static constexpr std::size_t kPrefixesMax = 250;
  static constexpr std::size_t kPrefixPlaces = 512;

  Lane& lane_of(tables::TableKind table, Operation operation) noexcept {
    return lanes_[static_cast<std::size_t>(table) * kOperationCount +
                  static_cast<std::size_t>(operation) - 1];
  }

  const Lane& lane_of(tables::TableKind table, Operation operation) const noexcept {
    return lanes_[static_cast<std::size_t>(table) * kOperationCount +
                  static_cast<std::size_t>(operation) - 1];
  }

  // A section begins. Runs are of sessions alone, for which room is left.
  void open(const Lane& lane) noexcept {
    const auto index = static_cast<std::size_t>(&lane - lanes_.data());
    std::uint16_t& open_tables = open_tables_[index % kOperationCount];
    open_tables = static_cast<std::uint16_t>(open_tables | 1U << index / kOperationCount);
    ++section_count_;
  }

  bool try_open(const Lane& lane) noexcept {
    constexpr std::size_t kRunSections = 6;
    if (section_count_ + kRunSections >= kSectionsMax) return false;
    open(lane);
    return true;
  }

  // on_lane(table, lane) for each section of the operation, in the order of their tables.
  template <class OnLane>
  void for_each_open(Operation operation, OnLane&& on_lane) const noexcept {
    for (unsigned left = open_tables_[static_cast<std::size_t>(operation) - 1]; left != 0;
         left &= left - 1) {
      const auto table = static_cast<tables::TableKind>(std::countr_zero(left));
      on_lane(table, lane_of(table, operation));
    }
  }

  std::size_t frame_bytes_max_;
  std::vector<std::byte> bytes_;
  std::vector<std::uint32_t> words_;
  std::array<Lane, kLaneCount> lanes_{};
  // by operation: a bit for each table that has a section in this frame
  std::array<std::uint16_t, kOperationCount> open_tables_{};
  std::size_t section_count_ = 0;
  std::size_t left_bytes_ = 0;
  std::uint32_t record_count_ = 0;
  // number + 1 of the prefix that hashes here; 0 = none
  std::array<std::uint8_t, kPrefixPlaces> prefix_places_{};
};

}  // namespace twinplane::ha2
