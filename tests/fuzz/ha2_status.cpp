// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what an owner is answered: status frames, true, false and damaged, while its tables
// change.
//
// A chunk is a status frame whose flags say what is made right in it, or a list of events, a byte
// each: changes, polls, an honest mirror's turn. Held against the owner: the window is never
// overrun; a status that is not to be believed changes nothing; one that is answers each frame
// once; and whatever a peer lied, the next stream makes a new one equal and verifies so.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "tests/fuzz/kit/end.hpp"
#include "tests/fuzz/kit/frame_shape.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/fuzz/kit/sound_table.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::fuzz;
using ha2::Counter;
using ha2::StatusBody;

// Of a chunk, beside kSealed and kOurs.
constexpr std::uint8_t kEvents = 0x04;  // no frame
// numbers near those under way, and as many bits as needed
constexpr std::uint8_t kInWindow = 0x08;
constexpr std::size_t kFixedBytes =
    sizeof(ha2::FrameHeader) + sizeof(StatusBody) + sizeof(ha2::Checksum);
constexpr std::array<std::uint64_t, 16> kPausesNs{
    0,       0,       0,         1'000,     10'000,     50'000,      100'000,       200'000,
    500'000, 900'000, 1'000'000, 1'100'000, 10'000'000, 100'000'000, 1'000'000'000, 30'000'000'000};

class StatusRun {
 public:
  StatusRun() {
    owner_.assume(ha2::Holding::kOwner, kStreamName);
    mirror_.assume(ha2::Holding::kMirror, kStreamName);
  }

  void take(Chunk& chunk) {
    now_ns_ += kPausesNs[chunk.flags >> 4U];
    if ((chunk.flags & kEvents) != 0)
      for (const std::byte event : chunk.bytes) happen(std::to_integer<unsigned>(event));
    else
      answer(chunk);
    poll_owner();
  }

  void end() {
    require_sound(owner_.partition());
    owner_.link().has_buffer = true;
    End fresh;
    constexpr ha2::StreamName kNext{7, 2};
    owner_.assume(ha2::Holding::kOwner, kNext);
    fresh.assume(ha2::Holding::kMirror, kNext);
    now_ns_ = settle(owner_, fresh, now_ns_, 200);
    require(stream().is_quiet() && stream().is_bulk_done(), "I9: a new peer is not brought up");
    require_sound(fresh.partition());
    require_equal(owner_.partition(), fresh.partition(), "I9: a new peer got something else");
    stream().start_verify();
    for (int round = 0; round < 20; ++round) now_ns_ = settle(owner_, fresh, now_ns_, 3);
    const auto verified = stream().verification();
    require(!verified.is_running && verified.equal_count == verified.range_count,
            "section 7: equal tables are not found equal");
  }

 private:
  ha2::OwnerStream& stream() noexcept { return owner_.replica().owner(); }

  // Told here a second time: sections 3, 5.1 and 5.3.
  bool is_to_be_believed(std::span<const std::byte> bytes) {
    if (bytes.size() < kFixedBytes) return false;
    ha2::FrameHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    StatusBody status;
    std::memcpy(&status, bytes.data() + sizeof header, sizeof status);
    const std::uint64_t first_seq = status.first_seq.get();
    const std::uint64_t passed_seq = header.seq.get();
    const std::uint64_t answered_seq = stream().next_seq() - 1 - stream().in_flight_count();
    const bool has_bits = first_seq > passed_seq ||
                          std::uint64_t{status.lost_bytes.get()} * 8 > passed_seq - first_seq;
    return header.version == ha2::kProtocolVersion &&
           header.type == static_cast<std::uint8_t>(ha2::FrameType::kStatus) &&
           header.partition.get() == 0 && header.section_count.get() == 0 &&
           ha2::StreamName{header.session.get(), header.term.get()} == kStreamName &&
           header.frame_bytes.get() == bytes.size() &&
           status.lost_bytes.get() == bytes.size() - kFixedBytes &&
           passed_seq < stream().next_seq() && first_seq != 0 && first_seq <= answered_seq + 1 &&
           has_bits;
  }

  void answer(Chunk& chunk) {
    if ((chunk.flags & kInWindow) != 0) fit(chunk.bytes);
    shape_frame(chunk.bytes, chunk.flags & (kSealed | kOurs), 0);
    const std::uint32_t in_flight = stream().in_flight_count();
    const std::uint64_t at_risk = stream().at_risk_count();
    const std::uint64_t answered = told_count();
    const bool is_believed = is_to_be_believed(chunk.bytes);
    owner_.receive(chunk.bytes, now_ns_);
    require(told_count() - answered == in_flight - stream().in_flight_count(),
            "S4: frames answered and frames no longer under way differ in number");
    if (is_believed && is_running_) return;
    require(stream().in_flight_count() == in_flight && stream().at_risk_count() == at_risk,
            "I8: a status that is not to be believed was");
  }

  // Makes the frame speak of what is under way: rightly, or, as one field that nobody reads says,
  // with a bit too few or a number one too high.
  void fit(Bytes& frame) {
    if (frame.size() < kFixedBytes) frame.resize(kFixedBytes);
    ha2::FrameHeader header;
    std::memcpy(&header, frame.data(), sizeof header);
    StatusBody status;
    std::memcpy(&status, frame.data() + sizeof header, sizeof status);
    const std::uint64_t answered_seq = stream().next_seq() - 1 - stream().in_flight_count();
    header.type = static_cast<std::uint8_t>(ha2::FrameType::kStatus);
    header.section_count.set(0);
    const std::uint32_t lie = header.floor_distance.get() % 8U;
    header.seq.set(answered_seq + header.seq.get() % (stream().in_flight_count() + 1U) +
                   (lie == 1 ? 1 : 0));
    status.first_seq.set(answered_seq + 1 + (lie == 2 ? 1 : 0) -
                         std::min<std::uint64_t>(status.first_seq.get() % 4, answered_seq));
    const std::size_t lost_bytes =
        header.seq.get() < status.first_seq.get()
            ? 0
            : static_cast<std::size_t>((header.seq.get() - status.first_seq.get()) / 8 + 1);
    if (frame.size() < kFixedBytes + lost_bytes) frame.resize(kFixedBytes + lost_bytes);
    if (lie == 3 && lost_bytes != 0) frame.resize(kFixedBytes + lost_bytes - 1);
    status.lost_bytes.set(static_cast<std::uint16_t>(frame.size() - kFixedBytes));
    std::memcpy(frame.data(), &header, sizeof header);
    std::memcpy(frame.data() + sizeof header, &status, sizeof status);
  }

  std::uint64_t told_count() const noexcept {
    return owner_.count(Counter::kFramesAnswered) + owner_.count(Counter::kFramesReportedLost);
  }

  template <class Address>
  void change(unsigned what, std::uint32_t number) {
    auto& sessions = owner_.partition().sessions<Address>();
    auto& slots = sessions.slots();
    const auto session = tests::make_session<Address>(number, number % 3 == 0);
    const std::uint32_t slot = slots.find(tables::key_of(session, tables::Side::kClient)).slot;
    if (slot == tables::kNoSlot) {
      static_cast<void>(sessions.create(session, 0));
    } else if (what == 1) {
      slots.changeable(slot).flags |= tables::kReplySeen;
      slots.mark(slot, tables::kMarkState);
    } else if (what == 2) {
      ++slots.changeable(slot).state.edge[0];
      slots.mark(slot, tables::kMarkWindow);
    } else {
      slots.erase(slot);
    }
  }

  void happen(unsigned event) {
    const unsigned number = event >> 4U;
    switch (event & 0x0FU) {
      case 0:
      case 1:
      case 2:
        return change<tables::Address4>(event & 3U, number);
      case 3:
      case 4:
      case 5:
        return change<tables::Address6>((event & 0x0FU) - 3U, number);
      case 6:  // the honest mirror gets what was sent, or its answers arrive
        for (const Bytes& frame : std::exchange(sent_, {})) mirror_.receive(frame, now_ns_);
        for (Bytes& frame : mirror_.poll(now_ns_)) answers_.push_back(std::move(frame));
        return;
      case 7:
        for (const Bytes& frame : std::exchange(answers_, {})) owner_.receive(frame, now_ns_);
        return;
      case 8:
        sent_.clear();
        return;
      case 9:
        owner_.link().has_buffer = number % 4 != 0;
        return;
      case 10:
        return stream().start_verify();
      case 11:
        is_running_ = !is_running_;
        return pair_up();
      default:
        now_ns_ += std::uint64_t{number} * 100'000;
        return poll_owner();
    }
  }

  void pair_up() {
    ha2::Assignment assignment = owner_.replica().assignment();
    assignment.has_peer = is_running_;
    owner_.replica().assume(assignment);
  }

  void poll_owner() {
    for (Bytes& frame : owner_.poll(now_ns_)) {
      require(frame.size() <= kFrameBytes, "a frame is larger than agreed");
      require(ha2::decode(frame).error == ha2::DecodeError::kNone, "what was sent is no frame");
      sent_.push_back(std::move(frame));
    }
    require(stream().in_flight_count() <= stream_config().window_frames, "the window is overrun");
  }

  End owner_;
  End mirror_;
  bool is_running_ = true;
  std::uint64_t now_ns_ = kStartNs;
  std::vector<Bytes> sent_;
  std::vector<Bytes> answers_;
};

void mutate(Chunk& chunk, std::size_t bytes_max, tests::Prng& prng) {
  const std::size_t room = (chunk.flags & kEvents) != 0 ? 64 : kFixedBytes + 8;
  mutate_bytes(chunk, std::min(bytes_max, room), prng);
}

Chunk make(tests::Prng& prng) {
  Chunk chunk;
  const bool is_frame = prng.coin();
  chunk.flags = static_cast<std::uint8_t>((is_frame ? kSealed | kOurs | kInWindow : kEvents) |
                                          (prng.next() & 0xF0U));
  chunk.bytes.resize(is_frame ? kFixedBytes + prng.below(3) : prng.between(1, 16));
  prng.fill(chunk.bytes);
  return chunk;
}

}  // namespace

ChunkMutations twinplane::fuzz::chunk_mutations() { return {&mutate, &make}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  StatusRun run;
  for (Chunk& chunk : read_chunks(std::as_bytes(std::span(data, bytes)))) run.take(chunk);
  run.end();
  return 0;
}
