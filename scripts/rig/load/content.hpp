// SPDX-License-Identifier: BSD-3-Clause
// content.hpp - bytes that can be checked: every chunk says whose it is, which, and when it was
// due.
//
//    0               4               8                      16                     24
//    +---------------+---------------+----------------------+----------------------+-------------
//    | magic         | flow          | index                | stamp_ns             | pattern ...
//    +---------------+---------------+----------------------+----------------------+-------------
//
// The pattern depends on magic, flow, index and place, so bytes that are lost, doubled, swapped or
// of another connection are found. Both ends are on one machine: byte order is the machine's.
//
// Thread:  any.
// Memory:  the caller's buffers.
// Limits:  sizes are multiples of 8, from 24 on.
// Errors:  verify_chunk() is false for anything that fill_chunk() did not write.
// Spec:    none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace twinplane::load {

enum class Magic : std::uint32_t {
  kHello = 0x6f6c6c48,    // a transfer's first bytes, client to server
  kChunk = 0x6b6e6843,    // a piece of a transfer, either way
  kEnd = 0x21646e45,      // a transfer's last chunk, server to client
  kRequest = 0x3f717252,  // short connections and UDP
  kReply = 0x21796c52,
};

struct ChunkHeader {
  Magic magic{};
  std::uint32_t flow = 0;
  std::uint64_t index = 0;    // kEnd: chunks sent
  std::int64_t stamp_ns = 0;  // when it was due; kEnd: chunks received
};

static_assert(sizeof(ChunkHeader) == 24);

// A transfer as the client wants it. An interval of 0: nothing is sent that way.
struct Hello {
  Magic magic = Magic::kHello;
  std::uint32_t flow = 0;
  std::uint32_t chunk_bytes = 0;
  std::uint32_t down_interval_us = 0;
  std::uint32_t up_interval_us = 0;
  std::uint32_t reserved = 0;
};

static_assert(sizeof(Hello) == 24);

constexpr std::uint32_t kChunkBytesMin = sizeof(ChunkHeader);
constexpr std::uint32_t kChunkBytesMax = 65536;

inline std::uint64_t pattern_word(const ChunkHeader& header, std::size_t place) noexcept {
  // The finaliser of splitmix64 (Steele, Lea, Flood 2014).
  std::uint64_t word =
      (std::uint64_t{header.flow} << 32 | static_cast<std::uint32_t>(header.magic)) +
      header.index * 0x9e3779b97f4a7c15 + place * 0xd1342543de82ef95;
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
  word = (word ^ word >> 27) * 0x94d049bb133111eb;
  return word ^ word >> 31;
}

inline void fill_chunk(std::span<std::byte> chunk, const ChunkHeader& header) noexcept {
  std::memcpy(chunk.data(), &header, sizeof header);
  for (std::size_t at = sizeof header; at < chunk.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = pattern_word(header, at);
    std::memcpy(chunk.data() + at, &word, sizeof word);
  }
}

inline ChunkHeader read_header(std::span<const std::byte> chunk) noexcept {
  ChunkHeader header;
  std::memcpy(&header, chunk.data(), sizeof header);
  return header;
}

inline bool verify_chunk(std::span<const std::byte> chunk, Magic magic, std::uint32_t flow,
                         std::uint64_t index) noexcept {
  const ChunkHeader header = read_header(chunk);
  if (header.magic != magic || header.flow != flow || header.index != index) return false;
  for (std::size_t at = sizeof header; at < chunk.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, chunk.data() + at, sizeof word);
    if (word != pattern_word(header, at)) return false;
  }
  return true;
}

}  // namespace twinplane::load
