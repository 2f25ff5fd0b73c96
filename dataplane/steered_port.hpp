// SPDX-License-Identifier: BSD-3-Clause
// steered_port.hpp - a port such that packets with it lead to a given partition, where no rule's
// range says which may be used.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  looks at kSteeredPortTries ports.
// Errors:  nothing when none of these fits.
// Spec:    dataplane/DESIGN.md D-D5, D-D31.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/bytes.hpp"
#include "dataplane/rss.hpp"

namespace twinplane::dataplane {

inline constexpr std::uint32_t kSteeredPortTries = 512;

struct SteeredPortQuery {
  std::uint16_t preferred_be;  // looked at first
  std::uint32_t home;          // the partition
  std::uint32_t partition_count;
};

// `base` is of what the packets hold beside the port; fits(port_be) has the last word.
template <class Fits>
std::optional<std::uint16_t> try_steered_port(ReplyBase base, const SteeredPortQuery& query,
                                              Fits&& fits) noexcept {
  if (fits(query.preferred_be)) return query.preferred_be;
  // From the one that is preferred on, so that sessions do not all look at the same ones.
  const std::uint32_t count = 65536 / query.partition_count;
  const std::uint32_t first = network_order(query.preferred_be) * 0x9E3779B1U >> 16U;
  for (std::uint32_t i = 0; i < kSteeredPortTries && i < count; ++i) {
    const std::uint16_t port =
        base.nth_port((first + i) % count, query.home, query.partition_count);
    if (port >= 1024 && fits(network_order(port))) return network_order(port);
  }
  return std::nullopt;
}

}  // namespace twinplane::dataplane
