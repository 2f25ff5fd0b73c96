// SPDX-License-Identifier: BSD-3-Clause
// frame_shape.hpp - frames as a fuzzer wants them: headers and checksums made right where a flag
// says so, and data frames changed section by section and record by record.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  none.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md sections 2 to 4.
#pragma once

#include <cstdint>

#include "ha2/replica.hpp"
#include "tests/fuzz/kit/chunks.hpp"

namespace twinplane::fuzz {

// Of a chunk that is a frame. Without any of them the bytes arrive as they are.
enum FrameFlag : std::uint8_t {
  kSealed = 0x01,  // length and checksum are right
  kOurs = 0x02,    // version, partition, session and term are the stream's
  kNext = 0x04,    // data: the seq that the mirror waits for
  kAhead = 0x08,   // data: some seqs further than that
};

// Of the stream that the targets run.
inline constexpr ha2::StreamName kStreamName{7, 1};

// Makes of the frame what its flags ask for. A frame that is to be sealed has room for a header and
// a checksum afterwards.
void shape_frame(Bytes& frame, std::uint8_t flags, std::uint64_t passed_seq);

// A data frame: a section or a record comes, goes, moves or changes; seldom any byte at all.
void mutate_data_frame(Chunk& chunk, std::size_t bytes_max, tests::Prng& prng);

// A data frame of one section, of any kind, with small slot numbers and few keys, so that records
// meet.
Chunk make_data_frame(tests::Prng& prng);

}  // namespace twinplane::fuzz
