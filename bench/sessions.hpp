// SPDX-License-Identifier: BSD-3-Clause
// sessions.hpp - made-up sessions, each by its number: the same number is the same session
// everywhere.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  2^40 numbers without a repeated key.
// Errors:  none.
// Spec:    clients spread over 10/8, servers and ports drawn by a hash of the number.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "tables/session.hpp"

namespace twinplane::bench {

inline std::uint64_t mixed(std::uint64_t number) {
  number = (number ^ number >> 30U) * 0xBF58476D1CE4E5B9U;
  number = (number ^ number >> 27U) * 0x94D049BB133111EBU;
  return number ^ number >> 31U;
}

template <class Address>
tables::SessionOf<Address> session_between(const tables::Endpoint<Address>& client,
                                           const tables::Endpoint<Address>& server) {
  const tables::DirectedKey<Address> directed = tables::make_key(client, server, 6, 0);
  tables::SessionOf<Address> session{};
  std::memcpy(&session.client_side, &directed.key, sizeof session.client_side);
  session.server_side = session.client_side;
  session.protocol = 6;
  session.flags = static_cast<std::uint16_t>(
      tables::kLive | (directed.source_is_a ? tables::kClientIsA0 | tables::kClientIsA1 : 0));
  session.state.tcp_ranks = static_cast<std::uint8_t>(tables::TcpRank::kSynSent);
  session.state.rule = 7;
  return session;
}

inline tables::Session4 session4(std::uint64_t number) {
  const auto host = static_cast<std::uint32_t>(number * 0x9E3779B1U & 0xFFFFFFU);
  const std::uint64_t drawn = mixed(number);
  tables::Endpoint<tables::Address4> client{
      {10, static_cast<std::uint8_t>(host >> 16U), static_cast<std::uint8_t>(host >> 8U),
       static_cast<std::uint8_t>(host)},
      static_cast<std::uint16_t>((number >> 24U) + 1)};
  tables::Endpoint<tables::Address4> server{
      {203, static_cast<std::uint8_t>(drawn), static_cast<std::uint8_t>(drawn >> 8U),
       static_cast<std::uint8_t>(drawn >> 16U)},
      static_cast<std::uint16_t>((drawn >> 24U & 1U) != 0 ? 0xBB01 : 0x5000)};
  return session_between(client, server);
}

inline tables::FlowKey4 key4(std::uint64_t number) {
  return tables::key_of(session4(number), tables::Side::kClient);
}

// The numbers [0, count) in random order.
inline std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint32_t seed) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  std::mt19937 random(seed);
  for (std::uint32_t i = count; i > 1; --i)
    std::swap(numbers[i - 1],
              numbers[static_cast<std::uint32_t>(std::uint64_t{random()} * i >> 32U)]);
  return numbers;
}

}  // namespace twinplane::bench
