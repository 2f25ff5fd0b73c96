// SPDX-License-Identifier: BSD-3-Clause
// plain_bodies.hpp - bodies of every plain kind by number: the key follows from the number alone,
// the rest from a variant as well, and all are sound.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  65536 keys of each kind.
// Errors:  none.
// Spec:    tables/plain_entry.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "tables/base/hash.hpp"
#include "tables/partition.hpp"

namespace twinplane::tests {

// Numbers without end for one body.
class BodyDice {
 public:
  BodyDice(std::uint32_t number, std::uint32_t variant) noexcept : state_{number, variant} {}

  std::uint64_t next() noexcept {
    ++state_[1];
    return tables::hash_of(state_, tables::HashSeed{0xB0D1});
  }

  template <class T>
  T below(std::uint64_t end) noexcept {
    return static_cast<T>(next() % end);
  }

  template <class T>
  void fill(T& bytes) noexcept {
    for (auto& byte : bytes) byte = below<std::uint8_t>(256);
  }

 private:
  std::array<std::uint64_t, 2> state_;
};

template <class Address>
void number_address(Address& address, std::uint8_t first, std::uint32_t number) noexcept {
  address = {};
  address[0] = first;
  address[address.size() - 2] = static_cast<std::uint8_t>(number >> 8U);
  address[address.size() - 1] = static_cast<std::uint8_t>(number);
}

template <class Address>
void number_key(tables::NeighborBody<Address>& body, std::uint32_t number) noexcept {
  number_address(body.key.address, 10, number);
  body.key.port = static_cast<std::uint8_t>(number % 3);
}

template <class Address>
void vary(tables::NeighborBody<Address>& body, BodyDice& dice) noexcept {
  dice.fill(body.mac);
  body.reach = dice.below<std::uint8_t>(4);
  body.flags = dice.below<std::uint8_t>(2);
}

inline void number_key(tables::MacBody& body, std::uint32_t number) noexcept {
  number_address(body.key.mac, 2, number);
  body.key.vlan = static_cast<std::uint16_t>(number % 5);
  body.key.domain = static_cast<std::uint16_t>(number % 2);
}

inline void vary(tables::MacBody& body, BodyDice& dice) noexcept {
  body.move_count = dice.below<std::uint16_t>(65536);
  body.port = dice.below<std::uint8_t>(8);
  body.flags = dice.below<std::uint8_t>(3);  // none, static or held
}

template <class Address>
void number_key(tables::MulticastBody<Address>& body, std::uint32_t number) noexcept {
  if (number % 3 != 0) number_address(body.key.source, 10, number);
  number_address(body.key.group, sizeof(Address) == 4 ? 239 : 0xFF, number);
  body.key.domain = static_cast<std::uint16_t>(number % 2);
}

template <class Address>
void vary(tables::MulticastBody<Address>& body, BodyDice& dice) noexcept {
  body.set(
      {dice.next(), dice.next(), dice.below<std::uint8_t>(64), dice.below<std::uint8_t>(3), {}});
}

inline void number_key(tables::VirtualMacBody& body, std::uint32_t number) noexcept {
  number_address(body.key.address, 0x20, number);
  body.key.group = static_cast<std::uint8_t>(number % 4);
  body.key.port = static_cast<std::uint8_t>(number % 3);
}

inline void vary(tables::VirtualMacBody& body, BodyDice& dice) noexcept {
  dice.fill(body.mac);
  constexpr std::array<std::uint8_t, 3> kHolders{0, 1, tables::kNoHolder};
  body.set({kHolders[dice.below<std::size_t>(3)], dice.below<std::uint8_t>(256)});
}

inline void number_key(tables::SecurityAssociationBody& body, std::uint32_t number) noexcept {
  number_address(body.key.destination, 0x20, number);
  body.key.spi = 0x1000 + number;
  body.key.protocol = 50;
}

inline void vary(tables::SecurityAssociationBody& body, BodyDice& dice) noexcept {
  number_address(body.source, 0x20, dice.below<std::uint32_t>(65536));
  body.bytes_max = dice.next();
  body.packets_max = dice.next();
  body.seconds_max = dice.below<std::uint32_t>(1U << 20U);
  body.tunnel = dice.below<std::uint16_t>(16);
  body.flags = dice.below<std::uint8_t>(tables::kSaFlags + 1U);
  body.cipher = static_cast<std::uint8_t>(tables::SaCipher::kAesGcm16);
  body.integrity = dice.below<std::uint8_t>(2);
  body.cipher_key_bytes = 32;
  body.integrity_key_bytes = dice.below<std::uint8_t>(65);
  body.soft_percent = dice.below<std::uint8_t>(101);
  dice.fill(body.salt);
  dice.fill(body.cipher_key);
  dice.fill(body.integrity_key);
  for (tables::SaSelector* selector : {&body.local, &body.remote}) {
    number_address(selector->address, 0x20, dice.below<std::uint32_t>(65536));
    selector->prefix_bits = dice.below<std::uint8_t>(129);
    selector->port_last = dice.below<std::uint16_t>(65536);
    selector->protocol = dice.below<std::uint8_t>(256);
  }
}

inline void number_key(tables::DosBlockBody& body, std::uint32_t number) noexcept {
  number_address(body.key.source, 0x20, number);
  body.key.zone = static_cast<std::uint8_t>(number % 2);
}

inline void vary(tables::DosBlockBody& body, BodyDice& dice) noexcept {
  body.flood = dice.below<std::uint8_t>(tables::kFloodKindCount);
}

inline void number_key(tables::IpsecSequenceBody& body, std::uint32_t number) noexcept {
  number_address(body.key.destination, 0x20, number);
  body.key.spi = 0x1000 + number;
  body.key.protocol = 50;
  body.flags = static_cast<std::uint8_t>(number % (tables::kIpsecSequenceFlags + 1U));
}

inline void vary(tables::IpsecSequenceBody& body, BodyDice& dice) noexcept {
  body.news = {dice.next(), 1U << dice.below<unsigned>(27), dice.below<std::uint32_t>(65536),
               dice.below<std::uint32_t>(65536), 0};
}

// What happens to a refresh as time goes on, and what of it only rises.
template <class Refresh>
concept IsUseCount = requires(Refresh refresh) {
  refresh.used_bytes;
};

template <class Refresh>
void advance_refresh(Refresh& refresh, std::uint32_t step) noexcept {
  if constexpr (IsUseCount<Refresh>) {
    refresh.used_bytes += std::uint64_t{step} * 1000;
    refresh.used_packets += step;
  } else {
    refresh.top += step;
    refresh.rate = step;
  }
}

template <class Refresh>
std::array<std::uint32_t, 2> rising_of(const Refresh& refresh) noexcept {
  if constexpr (IsUseCount<Refresh>)
    return {static_cast<std::uint32_t>(refresh.used_bytes),
            static_cast<std::uint32_t>(refresh.used_packets)};
  else
    return {static_cast<std::uint32_t>(refresh.top), 0};
}

// Without the server's tag an association is opening, or was refused.
inline void fit_rank(tables::SctpBody& body) noexcept {
  using enum tables::SctpRank;
  if (body.has_second_key() || body.state.rank == kAborted) return;
  body.state.rank = kInitSent;
  body.state.flags = 0;
}

// One in four has no second key. Both ports are one, so that keys can meet across sides.
inline void number_key(tables::SctpBody& body, std::uint32_t number) noexcept {
  body.client_port_be = body.server_port_be = 0x590B;
  body.state.tags = {number % 4 == 3 ? 0 : 0xC000 + number, 0x8000 + number};
  fit_rank(body);
}

// Both keys of `of`, whatever its number.
template <class Body>
void keep_keys(Body& body, const Body& of) noexcept {
  if constexpr (tables::HasSecondKey<Body>) {
    body.state.tags = of.state.tags;
    fit_rank(body);
  }
}

// The second key becomes the first one of `other`.
inline void meet(tables::SctpBody& body, const tables::SctpBody& other) noexcept {
  if (body.state.tags[tables::kFromServer] == other.state.tags[tables::kFromServer]) return;
  body.state.tags[tables::kFromClient] = other.state.tags[tables::kFromServer];
}

// Two addresses on either side, whatever the variant: a patch must go with every one.
inline void vary(tables::SctpBody& body, BodyDice& dice) noexcept {
  using namespace tables;
  for (const Direction side : {kFromClient, kFromServer}) {
    number_address(body.state.addresses[side][0], 0x20, dice.below<std::uint32_t>(32768));
    number_address(body.state.addresses[side][1], 0x20, dice.below<std::uint32_t>(32768) + 32768);
    body.state.address_flags[side] = {
        static_cast<std::uint8_t>(kSctpAddressUsed | kSctpAddressPrimary |
                                  dice.below<std::uint8_t>(2) * kSctpAddressConfirmed),
        static_cast<std::uint8_t>(kSctpAddressUsed |
                                  dice.below<std::uint8_t>(2) * kSctpAddressConfirmed)};
  }
  // What has been seen where the rank is rank, of one side: shutdown, its answer, the end.
  constexpr std::array<std::uint16_t, kSctpRankCount> kSeen{
      0,
      0,
      0,
      0,
      0,
      sctp_flag(kSctpShutdownSeen, kFromClient),
      sctp_flag(kSctpShutdownSeen, kFromClient) | sctp_flag(kSctpShutdownAckSeen, kFromServer),
      sctp_flag(kSctpShutdownSeen, kFromClient) | sctp_flag(kSctpShutdownAckSeen, kFromServer) |
          sctp_flag(kSctpEnded, kFromClient),
      sctp_flag(kSctpEnded, kFromServer)};
  body.state.rank = static_cast<SctpRank>(1 + dice.below<std::uint8_t>(kSctpRankCount - 1));
  body.state.flags = kSeen[static_cast<std::size_t>(body.state.rank)];
  body.rule = dice.below<std::uint16_t>(65536);
  body.ingress_role = dice.below<std::uint8_t>(8);
  body.egress_role = dice.below<std::uint8_t>(8);
}

inline void number_key(tables::ExpectationBody& body, std::uint32_t number) noexcept {
  number_address(body.flow.source, 0x20, number % 7);
  number_address(body.flow.target, 0xFD, number);
  body.flow.target_port_be = static_cast<std::uint16_t>(number + 1);
  body.flow.protocol = 6;
  body.flow.zone = static_cast<std::uint8_t>(number % 2);
  body.session.slot = number;
  body.session.table = static_cast<std::uint8_t>(number % 2);
}

inline void vary(tables::ExpectationBody& body, BodyDice& dice) noexcept {
  number_address(body.real_address, 0x20, dice.below<std::uint32_t>(65536));
  body.real_port_be = dice.below<std::uint16_t>(65536);
  body.rule = dice.below<std::uint16_t>(65536);
  number_address(body.new_source, 0x20, dice.below<std::uint32_t>(65536));
  body.application = dice.below<std::uint16_t>(65536);
  body.state = dice.below<tables::ExpectationState>(tables::kExpectationStateCount);
}

// Sessions and flows go in pairs, and a key of the one is never a key of the other.
inline void keep_keys(tables::ExpectationBody& body, const tables::ExpectationBody& of) noexcept {
  body.flow = of.flow;
  body.session = of.session;
}

// The second key becomes that of `other`.
inline void meet(tables::ExpectationBody& body, const tables::ExpectationBody& other) noexcept {
  body.session = other.session;
}

inline void number_key(tables::SequenceShiftBody& body, std::uint32_t number) noexcept {
  body.key.slot = number;
  body.key.generation = static_cast<std::uint16_t>(number % 5);
  body.key.table = static_cast<std::uint8_t>(number % 2);
}

inline void vary(tables::SequenceShiftBody& body, BodyDice& dice) noexcept {
  for (tables::ShiftWay& way : body.ways) {
    way.base = static_cast<std::uint32_t>(dice.next());
    if (dice.below<std::uint8_t>(2) == 0) continue;
    way.position = static_cast<std::uint32_t>(dice.next());
    way.old_bytes = static_cast<std::uint16_t>(1 + dice.below<std::uint16_t>(65535));
    way.new_bytes = static_cast<std::uint16_t>(1 + dice.below<std::uint16_t>(65535));
  }
}

inline void number_key(tables::ReturnMacBody& body, std::uint32_t number) noexcept {
  body.key.slot = number;
  body.key.table = static_cast<std::uint8_t>(number % 2);
}

inline void vary(tables::ReturnMacBody& body, BodyDice& dice) noexcept {
  body.generation = dice.below<std::uint16_t>(tables::kGenerationMask + 1U);
  dice.fill(body.mac);
  body.mac[0] = 2;
  body.port = dice.below<std::uint8_t>(tables::ReturnMacBody::kPortMax + 1U);
}

template <class Body>
Body body_of(std::uint32_t number, std::uint32_t variant = 0) noexcept {
  Body body;
  std::memset(static_cast<void*>(&body), 0, sizeof body);
  BodyDice dice(number, variant * 1000);
  vary(body, dice);
  number_key(body, number);
  return body;
}

}  // namespace twinplane::tests
