// SPDX-License-Identifier: BSD-3-Clause
// nat_block.hpp - source NAT by blocks: which inside address has which ports of which public one,
// by arithmetic alone.
//
// Thread:  any; pure, but for texts, which allocate.
// Memory:  none.
// Limits:  a rule whose `block_ports` is set and that load_config has passed: each address of its
//          `source` has a block, so the ordinal of one is below 2^24.
// Errors:  none; what belongs to nobody is not there.
// Spec:    dataplane/DESIGN.md D-D18; RFC 7422 (deterministic mapping), RFC 6888 REQ-4, REQ-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/config.hpp"

namespace twinplane::dataplane {

// Ports of Config::nat[].addresses[address_index], as a closed range.
struct NatBlock {
  std::uint32_t address_index;
  PortRange ports;
};

// How many inside addresses the rule's `source` names; for prefixes of 2^32 addresses and above, no
// less than 2^32.
std::uint64_t inside_count(const NatConfig& nat) noexcept;

// How many blocks there are.
std::uint64_t block_count(const NatConfig& nat) noexcept;

// The inside address's number in the order of `source`; nothing when it is in none of its prefixes.
std::optional<std::uint32_t> try_ordinal(const NatConfig& nat, const IpAddress& inside) noexcept;

// The block of that number: public addresses take turns, so that few inside addresses use all.
NatBlock block_of(const NatConfig& nat, std::uint32_t ordinal) noexcept;

// Whose port that is.
std::optional<IpAddress> try_inside_of(const NatConfig& nat, const IpAddress& address,
                                       std::uint16_t port) noexcept;

// For an operator who asks: "ADDRESS" for the block of an inside address, "ADDRESS:PORT" for who
// has that port. A line for each rule that knows; empty when none does.
std::string blocks_text(const Config& config, std::string_view asked);

}  // namespace twinplane::dataplane
