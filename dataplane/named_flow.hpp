// SPDX-License-Identifier: BSD-3-Clause
// named_flow.hpp - which packet names the session: the one at hand or, of an ICMP error, the one it
// quotes; the partition that it leads to; and the decision that goes with it.
//
// Thread:  as parse_quote() and Forwarder.
// Memory:  none; what is returned points at one of the views given.
// Limits:  frames that parse() called kOk.
// Errors:  parse_quote()'s: then nothing is named, and the packet is to be dropped under that
//          reason.
// Spec:    dataplane/DESIGN.md D-D5, D-D17; RFC 5508 section 4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/destination_nat.hpp"
#include "dataplane/forward.hpp"
#include "dataplane/quote.hpp"
#include "dataplane/rss.hpp"

namespace twinplane::dataplane {

struct NamedFlow {
  ParseResult parsed;
  const PacketView* packet;  // whose flow and key lead to the session; null unless kOk
};

// `quote` is written for an ICMP error alone.
[[nodiscard]] inline NamedFlow named_flow(std::span<const std::byte> frame, const PacketView& view,
                                          PacketView& quote) noexcept {
  if (view.l4_kind != L4Kind::kIcmpError) return {ParseResult::kOk, &view};
  if (const ParseResult parsed = parse_quote(frame, view, quote); parsed != ParseResult::kOk)
    return {parsed, nullptr};
  return {ParseResult::kOk, &quote};
}

// The flow_hash of `named` as the real server knows the flow. A quoted packet has left by the port
// that its error comes in by: what would come in there is the packet's answer. Nothing when the
// flow's destination is not translated: then the hash of the packet as it is names the partition.
template <class Address>
[[nodiscard]] inline std::optional<std::uint32_t> try_real_hash(const DestinationNat& destinations,
                                                                const PacketView& named,
                                                                bool is_quoted,
                                                                std::uint8_t zone) noexcept {
  const tables::Endpoint<Address>& source = named.source<Address>();
  const tables::Endpoint<Address>& target = named.target<Address>();
  const Arrival<Address> arrival{.protocol = named.protocol,
                                 .source = is_quoted ? target : source,
                                 .target = is_quoted ? source : target,
                                 .zone = zone};
  const auto real = destinations.try_real_target(arrival);
  if (!real) return std::nullopt;
  return flow_hash(named.protocol, arrival.source, *real);
}

// `key` and `found` are those of the packet that named_flow() gave.
template <class Address>
[[nodiscard]] ForwardResult forward_named(const Forwarder& forwarder, tables::Partition& partition,
                                          std::span<std::byte> frame, PacketView& view,
                                          PacketView& quote,
                                          const tables::DirectedKey<Address>& key,
                                          tables::Found found, std::uint8_t ingress_port,
                                          BurstTime time) noexcept {
  return view.l4_kind == L4Kind::kIcmpError
             ? forwarder.forward_error(partition, frame, view, quote, key, found, ingress_port)
             : forwarder.forward(partition, frame, view, key, found, ingress_port, time);
}

}  // namespace twinplane::dataplane
