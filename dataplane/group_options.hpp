// SPDX-License-Identifier: BSD-3-Clause
// group_options.hpp - what group membership is told at set-up: versions, times, limits, ports.
//
// Thread:  any; values.
// Memory:  none.
// Limits:  the ranges that the comments give; GroupMembership checks them.
// Errors:  none.
// Spec:    RFC 3376 section 8 and RFC 3810 section 9 for times and their defaults.
#pragma once

#include <cstdint>

#include "dataplane/group_message.hpp"
#include "dataplane/token_bucket.hpp"

namespace twinplane::dataplane {

struct GroupOptions {
  GroupVersion version4{GroupVersion::k3};  // of the queries that are sent
  GroupVersion version6{GroupVersion::k3};  // not k1
  std::uint32_t robustness{2};              // 1..7
  std::uint32_t query_interval_ms{125'000};
  std::uint32_t query_response_ms{10'000};  // below query_interval_ms
  std::uint32_t last_member_interval_ms{1000};
  std::uint32_t groups_max{4096};  // on all ports together, 1..65536
  std::uint32_t groups_per_port_max{1024};
  std::uint32_t sources_max{16'384};        // of all groups together, 1..1048576
  std::uint32_t sources_per_group_max{32};  // 1..kGroupSourcesMax
  TokenBucketLimits records{1000, 2048};    // that a port's reports may hold
};

enum class GroupPortRole : std::uint8_t {
  kOff,     // whatever it says is ignored
  kRouter,  // asks, unless there is a querier with a lower address
  kSnoop,   // never asks; learns who listens and behind which ports routers are
};

struct GroupPort {
  GroupPortRole role{GroupPortRole::kOff};
  MacAddress mac{};
  std::uint16_t vlan{};     // 0 = untagged; snooping ports of one number are one link
  std::uint16_t domain{};   // the bridge domain that the port belongs to; 0 = it is routed
  tables::Address6 own4{};  // kNoAddress: never asks in IPv4
  tables::Address6 own6{};  // link-local; kNoAddress: never asks in IPv6
};

// Of what a query or a record names; the rest counts as not named (counter kIgnoredManySources).
inline constexpr std::size_t kGroupSourcesMax = 64;

}  // namespace twinplane::dataplane
