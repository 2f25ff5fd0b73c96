// SPDX-License-Identifier: BSD-3-Clause
// chunks.hpp - an input that is a list: of frames, of events. And how such a list is mutated, so
// that what is found about one place of it survives a change at another.
//
//   chunk:  | flags 1 | byte_count 2, little-endian | byte_count bytes |
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  kChunksMax chunks are read; what follows is passed over.
// Errors:  none; any bytes are a list. The last chunk may be shorter than it says.
// Spec:    none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/support/prng.hpp"

namespace twinplane::fuzz {

using Bytes = std::vector<std::byte>;

struct Chunk {
  std::uint8_t flags = 0;  // what the target makes of them
  Bytes bytes;
};

inline constexpr std::size_t kChunksMax = 64;

std::vector<Chunk> read_chunks(std::span<const std::byte> input);
Bytes write_chunks(std::span<const Chunk> chunks);

// What a target knows of its chunks. Both may change a chunk to anything.
struct ChunkMutations {
  // Changes it in place, to at most bytes_max bytes.
  void (*mutate)(Chunk& chunk, std::size_t bytes_max, tests::Prng& prng);
  // A new one.
  Chunk (*make)(tests::Prng& prng);
};

// Any bytes: as libFuzzer itself would.
void mutate_bytes(Chunk& chunk, std::size_t bytes_max, tests::Prng& prng);

// Given by the target; libFuzzer's custom mutator and crossover of chunks.cpp work by it.
ChunkMutations chunk_mutations();

}  // namespace twinplane::fuzz
