// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstring>

#include "tables/session.hpp"

namespace twinplane::tables {
namespace {

template <class Address>
SessionOf<Address> translated_session() {
  SessionOf<Address> session{};
  session.client_side.address_a.fill(1);
  session.client_side.address_b.fill(2);
  session.client_side.port_a_be = 0x1111;
  session.client_side.port_b_be = 0x2222;
  session.server_side.address_a.fill(2);
  session.server_side.address_b.fill(3);
  session.server_side.port_a_be = 0x2222;
  session.server_side.port_b_be = 0x3333;
  session.protocol = 6;
  session.vsys = 9;
  session.flags = kLive | kTranslated | kClientIsA0;
  return session;
}

// The usual hit compares the slot's first bytes with the packet's key, protocol and vsys included.
template <class Address>
void expect_slot_starts_with_client_side_key() {
  const auto session = translated_session<Address>();
  const auto key = key_of(session, Side::kClient);
  EXPECT_EQ(std::memcmp(&session, &key, offsetof(FlowKey<Address>, zero)), 0);
}

TEST(Session, TakesOneCacheLineForIpv4AndTwoForIpv6) {
  EXPECT_EQ(sizeof(Session4), 64U);
  EXPECT_EQ(sizeof(Session6), 128U);
  EXPECT_EQ(alignof(Session4), 64U);
  EXPECT_EQ(alignof(Session6), 64U);
}

TEST(Session, StartsWithTheClientSideKeyOverIpv4) {
  expect_slot_starts_with_client_side_key<Address4>();
}

TEST(Session, StartsWithTheClientSideKeyOverIpv6) {
  expect_slot_starts_with_client_side_key<Address6>();
}

TEST(Session, NamesEachSideByItsOwnKey) {
  const auto session = translated_session<Address4>();
  const auto client = key_of(session, Side::kClient);
  const auto server = key_of(session, Side::kServer);
  EXPECT_EQ(client.port_a_be, 0x1111);
  EXPECT_EQ(server.port_b_be, 0x3333);
  EXPECT_EQ(server.protocol, 6);
  EXPECT_EQ(server.vsys, 9);
  EXPECT_FALSE(client == server);
}

TEST(Session, KnowsWhichEndTheClientIsOnEachSide) {
  const auto session = translated_session<Address4>();
  EXPECT_TRUE(client_is_a(session, Side::kClient));
  EXPECT_FALSE(client_is_a(session, Side::kServer));
}

TEST(Session, KeepsTheTcpRankOfEachDirectionApart) {
  SessionState state{};
  set_tcp_rank(state, kFromClient, TcpRank::kFinAcked);
  set_tcp_rank(state, kFromServer, TcpRank::kEstablished);
  EXPECT_EQ(tcp_rank(state, kFromClient), TcpRank::kFinAcked);
  EXPECT_EQ(tcp_rank(state, kFromServer), TcpRank::kEstablished);
  set_tcp_rank(state, kFromClient, TcpRank::kReset);
  EXPECT_EQ(tcp_rank(state, kFromClient), TcpRank::kReset);
  EXPECT_EQ(tcp_rank(state, kFromServer), TcpRank::kEstablished);
}

TEST(Session, NeverReplicatesTheLocalOnlyFlag) { EXPECT_EQ(kReplicatedFlags & kLocalOnly, 0); }

}  // namespace
}  // namespace twinplane::tables
