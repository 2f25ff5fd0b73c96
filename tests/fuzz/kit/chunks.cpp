// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/kit/chunks.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/fuzz/kit/input.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t bytes,
                                        std::size_t bytes_max);

namespace twinplane::fuzz {

namespace {

constexpr std::size_t kChunkHeadBytes = 3;

std::size_t put(const Bytes& bytes, std::uint8_t* data, std::size_t bytes_max) {
  const std::size_t count = std::min(bytes.size(), bytes_max);
  if (count != 0) std::memcpy(data, bytes.data(), count);
  return count;
}

std::uint32_t index_in(const std::vector<Chunk>& chunks, tests::Prng& prng) {
  return prng.below(static_cast<std::uint32_t>(chunks.size()));
}

void change_list(std::vector<Chunk>& chunks, std::size_t room_bytes,
                 const ChunkMutations& mutations, tests::Prng& prng) {
  if (chunks.empty()) return chunks.push_back(mutations.make(prng));
  const std::uint32_t at = index_in(chunks, prng);
  const auto position = chunks.begin() + at;
  switch (prng.below(12)) {
    case 0:
      chunks.insert(position, chunks[index_in(chunks, prng)]);
      break;
    case 1:
      chunks.erase(position);
      break;
    case 2:
      std::swap(chunks[at], chunks[index_in(chunks, prng)]);
      break;
    case 3:
      chunks.insert(position, mutations.make(prng));
      break;
    case 4:
      chunks.push_back(mutations.make(prng));
      break;
    case 5:
      chunks[at].flags ^= static_cast<std::uint8_t>(1U << prng.below(8));
      break;
    case 6:
      chunks[at].flags = static_cast<std::uint8_t>(prng.next());
      break;
    default:
      mutations.mutate(chunks[at], chunks[at].bytes.size() + room_bytes, prng);
      break;
  }
}

}  // namespace

std::vector<Chunk> read_chunks(std::span<const std::byte> input) {
  std::vector<Chunk> chunks;
  Input rest(input);
  while (!rest.is_empty() && chunks.size() < kChunksMax) {
    Chunk& chunk = chunks.emplace_back();
    chunk.flags = rest.u8();
    const auto bytes = rest.take(rest.u16());
    chunk.bytes.assign(bytes.begin(), bytes.end());
  }
  return chunks;
}

Bytes write_chunks(std::span<const Chunk> chunks) {
  Bytes bytes;
  for (const Chunk& chunk : chunks) {
    const std::size_t count = std::min<std::size_t>(chunk.bytes.size(), 0xFFFF);
    bytes.push_back(std::byte{chunk.flags});
    bytes.push_back(static_cast<std::byte>(count & 0xFFU));
    bytes.push_back(static_cast<std::byte>(count >> 8U));
    bytes.insert(bytes.end(), chunk.bytes.begin(),
                 chunk.bytes.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return bytes;
}

void mutate_bytes(Chunk& chunk, std::size_t bytes_max, tests::Prng&) {
  const std::size_t before = chunk.bytes.size();
  if (bytes_max == 0) return;
  chunk.bytes.resize(bytes_max);
  chunk.bytes.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(chunk.bytes.data()),
                                      std::min(before, bytes_max), bytes_max));
}

}  // namespace twinplane::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t bytes,
                                               std::size_t bytes_max, unsigned seed) {
  using namespace twinplane::fuzz;
  twinplane::tests::Prng prng(seed);
  if (prng.chance(60)) return LLVMFuzzerMutate(data, bytes, bytes_max);
  std::vector<Chunk> chunks = read_chunks(std::as_bytes(std::span(data, bytes)));
  const std::size_t room_bytes = bytes_max > bytes + kChunkHeadBytes ? bytes_max - bytes : 0;
  for (std::uint32_t left = prng.between(1, 3); left > 0; --left)
    change_list(chunks, room_bytes / 2, chunk_mutations(), prng);
  return put(write_chunks(chunks), data, bytes_max);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* left, std::size_t left_bytes,
                                                 const std::uint8_t* right, std::size_t right_bytes,
                                                 std::uint8_t* out, std::size_t out_bytes,
                                                 unsigned seed) {
  using namespace twinplane::fuzz;
  twinplane::tests::Prng prng(seed);
  std::vector<Chunk> chunks = read_chunks(std::as_bytes(std::span(left, left_bytes)));
  const std::vector<Chunk> more = read_chunks(std::as_bytes(std::span(right, right_bytes)));
  if (!chunks.empty()) chunks.resize(prng.below(static_cast<std::uint32_t>(chunks.size()) + 1));
  if (!more.empty())
    chunks.insert(chunks.end(), more.begin() + prng.below(static_cast<std::uint32_t>(more.size())),
                  more.end());
  return put(write_chunks(chunks), out, out_bytes);
}
