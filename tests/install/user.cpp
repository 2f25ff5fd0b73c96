// SPDX-License-Identifier: BSD-3-Clause
// user.cpp - a program outside the tree that uses the installed library.
#include <cstdio>

#include "tables/flow_key.hpp"
#include "tables/session.hpp"

int main() {
  using namespace twinplane::tables;
  const Endpoint<Address4> client{{10, 1, 0, 2}, 1};
  const Endpoint<Address4> server{{10, 2, 0, 2}, 2};
  const auto there = make_key(client, server, 6, 0);
  const auto back = make_key(server, client, 6, 0);
  if (!(there.key == back.key) || !(source_of(back) == server)) return 1;
  return std::printf("one key for both directions\n") > 0 ? 0 : 1;
}
