// SPDX-License-Identifier: BSD-3-Clause
// forward_context.hpp - what the decisions for packets are made by, and the clock of a burst.
//
// Thread:  any; what is referred to is const, or safe for any number of cores.
// Memory:  none.
// Limits:  everything referred to outlives the context.
// Errors:  none.
// Spec:    none.
#pragma once

#include <cstdint>

namespace twinplane::dataplane {

struct Config;
class DestinationNat;
class Expectations;
class NatPool;
class ReturnPaths;
class RouteTable;
class RulesInUse;

// The clock of one burst.
struct BurstTime {
  std::uint64_t now_ns = 0;

  std::uint32_t milliseconds() const noexcept {
    return static_cast<std::uint32_t>(now_ns / 1'000'000U);
  }

  std::uint32_t seconds() const noexcept {
    return static_cast<std::uint32_t>(now_ns / 1'000'000'000U);
  }
};

struct ForwardContext {
  const Config& config;
  const RulesInUse& rules;
  const RouteTable& routes;
  const NatPool& nat;
  const DestinationNat& destinations;
  Expectations* expectations = nullptr;  // null: no helpers
  ReturnPaths* returns = nullptr;        // null: no port has symmetric_return
};

}  // namespace twinplane::dataplane
