// SPDX-License-Identifier: BSD-3-Clause
// sctp_builder.hpp - SCTP packets for tests, chunk by chunk, with a checksum of its own.
//
// Thread:  any; values.
// Memory:  allocates freely.
// Limits:  shares no code with dataplane/, so that a fault there cannot hide here.
// Errors:  none.
// Spec:    RFC 9260 section 3 and appendix A.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tables/flow_key.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::tests {

// One bit at a time, the lowest first.
inline std::uint32_t slow_crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

inline void put_sctp_checksum(Bytes& packet) {
  put32(packet, 8, 0);
  const std::uint32_t crc = slow_crc32c(packet);
  for (std::size_t at = 0; at < 4; ++at)
    packet.at(8 + at) = static_cast<std::byte>(crc >> (8 * at) & 0xFFU);
}

inline void pad_to_words(Bytes& bytes) {
  while (bytes.size() % 4 != 0) bytes.push_back(std::byte{0});
}

inline Bytes sctp_chunk(int type, const Bytes& value = {}, int flags = 0) {
  Bytes chunk = bytes_of({type, flags, 0, 0}) + value;
  put16(chunk, 2, static_cast<unsigned>(chunk.size()));
  pad_to_words(chunk);
  return chunk;
}

inline Bytes sctp_parameter(unsigned type, const Bytes& value) {
  Bytes parameter(4);
  put16(parameter, 0, type);
  append(parameter, value);
  put16(parameter, 2, static_cast<unsigned>(parameter.size()));
  pad_to_words(parameter);
  return parameter;
}

template <class Address>
Bytes sctp_address(const Address& address) {
  Bytes value;
  append(value, std::as_bytes(std::span(address)));
  return sctp_parameter(value.size() == 4 ? 5 : 6, value);
}

struct InitFields {
  std::uint32_t initiate_tag = 0x11223344;
  std::uint32_t window_bytes = 65536;
  unsigned outbound_streams = 10;
  unsigned inbound_streams = 2048;
  std::uint32_t initial_tsn = 0xA0B0C0D0;
};

// An INIT (type 1) or INIT ACK (type 2).
inline Bytes sctp_init(int type, const InitFields& fields = {}, const Bytes& parameters = {}) {
  Bytes value(16);
  put32(value, 0, fields.initiate_tag);
  put32(value, 4, fields.window_bytes);
  put16(value, 8, fields.outbound_streams);
  put16(value, 10, fields.inbound_streams);
  put32(value, 12, fields.initial_tsn);
  return sctp_chunk(type, value + parameters);
}

// Ports 2905 and 7000, with a right checksum.
inline Bytes sctp_packet(std::uint32_t tag, const Bytes& chunks) {
  Bytes packet(12);
  put16(packet, 0, 2905);
  put16(packet, 2, 7000);
  put32(packet, 4, tag);
  append(packet, chunks);
  put_sctp_checksum(packet);
  return packet;
}

}  // namespace twinplane::tests
