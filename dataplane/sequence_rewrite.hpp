// SPDX-License-Identifier: BSD-3-Clause
// sequence_rewrite.hpp - moves the sequence numbers of a TCP packet as its session's shift says:
// its own, what it acknowledges, its SACK blocks; and those of a packet that an ICMP error quotes.
//
// Thread:  any; pure.
// Memory:  none; the packet keeps its length.
// Limits:  none.
// Errors:  none: the view must be of this frame and parse() must have said kOk. Options that lie
//          about their length end the search for blocks.
// Spec:    tables/DESIGN.md D-T20; RFC 9293, RFC 2018, RFC 1624 (checksums).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet_view.hpp"
#include "tables/sequence_shift.hpp"

namespace twinplane::dataplane {

using ShiftWays = std::array<tables::ShiftWay, 2>;  // by Direction of what is sent

// The packet goes in `direction`. `view` has its new numbers afterwards.
void rewrite_sequences(std::span<std::byte> frame, PacketView& view, const ShiftWays& ways,
                       tables::Direction direction) noexcept;

// The quoted packet went in `direction`, and its sender shall read the numbers that it wrote.
void rewrite_quoted_sequences(std::span<std::byte> frame, const PacketView& error,
                              PacketView& quote, const ShiftWays& ways,
                              tables::Direction direction) noexcept;

}  // namespace twinplane::dataplane
