// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what a mirror is told: a list of frames, decoded and applied to small tables.
//
// A chunk is a frame; the low bits of its flags say what is made right in it (frame_shape.hpp), the
// high ones how much time passes before it. Held against it: the tables are sound after every
// frame; what is damaged, foreign or late changes nothing, and nothing else does unless records are
// counted as applied; answers are frames; and what is left at the end can be taken over and brought
// to a new peer whole.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "tests/fuzz/kit/end.hpp"
#include "tests/fuzz/kit/frame_shape.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/fuzz/kit/sound_table.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::fuzz;

constexpr std::array<std::uint64_t, 16> kPausesNs{
    0,      0,       0,         0,         1'000,     10'000,    50'000,      100'000,
    100000, 200'000, 1'000'000, 2'000'000, 1'000'000, 5'000'000, 100'000'000, 3'000'000'000};

// What was left behind is owned, and a box that knows nothing is brought up from it.
void require_can_be_taken_over(End& left_behind, std::uint64_t now_ns) {
  End fresh;
  constexpr ha2::StreamName kNext{7, 2};
  left_behind.assume(ha2::Holding::kOwner, kNext);
  fresh.assume(ha2::Holding::kMirror, kNext);
  settle(left_behind, fresh, now_ns, 200);
  require(left_behind.replica().owner().is_quiet(), "I9: a new peer is not brought up");
  require_sound(fresh.partition());
  require_equal(left_behind.partition(), fresh.partition(), "I9: a new peer got something else");
}

// Told here a second time: is this a frame that the mirror may apply now or later?
bool may_change_tables(std::span<const std::byte> bytes, std::uint64_t passed_seq) {
  if (bytes.size() < ha2::kFrameBytesMin) return false;
  ha2::FrameHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::size_t frame_bytes = header.frame_bytes.get();
  if (frame_bytes < ha2::kFrameBytesMin || frame_bytes > bytes.size()) return false;
  ha2::Checksum checksum;
  const std::size_t sum_at = frame_bytes - sizeof checksum;
  std::memcpy(&checksum, bytes.data() + sum_at, sizeof checksum);
  const bool is_data = header.type == static_cast<std::uint8_t>(ha2::FrameType::kData);
  const ha2::StreamName name{header.session.get(), header.term.get()};
  return checksum.get() == XXH3_64bits_withSeed(bytes.data(), sum_at, 0x7261) && is_data &&
         header.partition.get() == 0 && name == kStreamName && header.seq.get() > passed_seq;
}

void run(std::span<const std::byte> input) {
  End mirror;
  mirror.assume(ha2::Holding::kMirror, kStreamName);
  std::uint64_t now_ns = kStartNs;
  std::uint64_t before = mirror.fingerprint();
  for (Chunk& chunk : read_chunks(input)) {
    now_ns += kPausesNs[chunk.flags >> 4U];
    shape_frame(chunk.bytes, chunk.flags, mirror.replica().mirror().passed_seq());
    const std::uint64_t applied_count = mirror.count(ha2::Counter::kRecordsApplied);
    const std::uint64_t passed_seq = mirror.replica().mirror().passed_seq();
    mirror.receive(chunk.bytes, now_ns);
    require(mirror.fingerprint() == before || may_change_tables(chunk.bytes, passed_seq),
            "I5, I8: a damaged, foreign or late frame changed a table");
    for (const Bytes& answer : mirror.poll(now_ns))
      require(ha2::decode(answer).error == ha2::DecodeError::kNone, "an answer is no frame");
    const std::uint64_t after = mirror.fingerprint();
    require(after == before || mirror.count(ha2::Counter::kRecordsApplied) != applied_count,
            "I8: a frame that was not applied changed a table");
    require(mirror.replica().mirror().passed_seq() >= passed_seq, "the mirror's seq fell");
    if (after != before) require_sound(mirror.partition());
    before = after;
  }
  require_can_be_taken_over(mirror, now_ns);
}

}  // namespace

ChunkMutations twinplane::fuzz::chunk_mutations() { return {&mutate_data_frame, &make_data_frame}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  run(std::as_bytes(std::span(data, bytes)));
  return 0;
}
