// SPDX-License-Identifier: BSD-3-Clause
// user.cpp - a program outside the tree that uses the installed library.
#include <cstdio>

#include "tables/flow_key.hpp"
#include "tables/session.hpp"
#include "tables/tcp_track.hpp"

int main() {
  using namespace twinplane::tables;
  const Endpoint<Address4> client{{10, 1, 0, 2}, 1};
  const Endpoint<Address4> server{{10, 2, 0, 2}, 2};
  const auto there = make_key(client, server, 6, 0);
  const auto back = make_key(server, client, 6, 0);
  if (!(there.key == back.key) || !(source_of(back) == server)) return 1;

  SessionState state{};
  tcp_open(state, {.seq = 1,
                   .ack = 0,
                   .payload_bytes = 0,
                   .window = 1000,
                   .flags = kTcpSyn,
                   .window_scale = kNoWindowScale});
  if (tcp_rank(state, kFromClient) != TcpRank::kSynSent || tcp_is_over(state)) return 1;
  return std::puts("a key and a session") < 0 ? 1 : 0;
}
