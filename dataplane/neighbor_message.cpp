// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbor_message.hpp"

#include "dataplane/bytes.hpp"
#include "dataplane/neighbor_frames.hpp"
#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {
namespace {

bool is_usable_mac(const MacAddress& mac) noexcept {
  return (mac[0] & 1U) == 0 && mac != MacAddress{};
}

NeighborFault read_arp(std::span<const std::byte> frame, const PacketView& view,
                       NeighborMessage& out) noexcept {
  const auto sender = IpAddress::of(view.source4.address);
  const auto target = IpAddress::of(view.target4.address);
  const bool is_request = view.arp_operation == kArpRequest;
  const bool is_probe = is_request && view.source4.address == tables::Address4{};
  out.has_mac = true;
  out.mac = load_raw<MacAddress>(frame.data() + view.l3_offset + 8);
  if (!is_usable_mac(out.mac) || (!is_probe && !is_unicast(sender)))
    return NeighborFault::kMalformed;
  out.is_solicitation = is_request && sender != target;
  if (out.is_solicitation) {
    out.subject = target;
    if (!is_probe) out.sender = sender;
    return NeighborFault::kNone;
  }
  out.is_answer = sender != target;
  out.is_override = true;
  out.subject = sender;
  out.receiver = target;
  return NeighborFault::kNone;
}

// parse() has checked that the options fill the message.
void read_link_option(std::span<const std::byte> options, std::uint8_t type,
                      NeighborMessage& out) noexcept {
  while (!options.empty()) {
    const std::size_t bytes = load_u8(options.data() + 1) * std::size_t{8};
    if (load_u8(options.data()) == type && bytes == 8) {
      out.has_mac = true;
      out.mac = load_raw<MacAddress>(options.data() + 2);
      return;
    }
    options = options.subspan(bytes);
  }
}

// A message that asks who has `subject` for oneself goes to the subject's group and tells no link
// address (RFC 4861 7.1.1).
bool is_right_probe(const PacketView& view, const tables::Address6& subject,
                    const NeighborMessage& message) noexcept {
  return !message.has_mac && view.target6.address == solicited_node_of(subject);
}

NeighborFault read_discovery(std::span<const std::byte> frame, const PacketView& view,
                             NeighborMessage& out) noexcept {
  constexpr std::size_t kFixedBytes = 24;
  const bool asks = view.icmp_type == kNdNeighborSolicitation;
  if (!asks && view.icmp_type != kNdNeighborAdvertisement) return NeighborFault::kOther;
  const auto message = frame.subspan(view.l4_offset, view.l4_bytes);
  const auto subject = load_raw<tables::Address6>(message.data() + 8);
  out.subject = IpAddress::of(subject);
  read_link_option(message.subspan(kFixedBytes), asks ? kNdSourceLinkOption : kNdTargetLinkOption,
                   out);
  if (!is_unicast(out.subject) || (out.has_mac && !is_usable_mac(out.mac)))
    return NeighborFault::kMalformed;
  if (asks) {
    out.is_solicitation = true;
    if (!view.is_unspecified_source)
      out.sender = IpAddress::of(view.source6.address);
    else if (!is_right_probe(view, subject, out))
      return NeighborFault::kMalformed;
    return NeighborFault::kNone;
  }
  const std::uint8_t flags = load_u8(message.data() + 4);
  out.is_answer = (flags & kNaSolicited) != 0;
  out.is_override = (flags & kNaOverride) != 0;
  out.receiver = IpAddress::of(view.target6.address);
  // An answer to a group, or from nobody, answers nothing.
  const bool lies = (out.is_answer && view.is_group_target) || view.is_unspecified_source;
  return lies ? NeighborFault::kMalformed : NeighborFault::kNone;
}

}  // namespace

NeighborFault read_neighbor_message(std::span<const std::byte> frame, const PacketView& view,
                                    NeighborMessage& out) noexcept {
  out = NeighborMessage{};
  return view.kind == PacketKind::kArp ? read_arp(frame, view, out)
                                       : read_discovery(frame, view, out);
}

}  // namespace twinplane::dataplane
