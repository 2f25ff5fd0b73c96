// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what is done with a packet from outside: parsed, translated, answered, cut, sent on.
//
// The first two bytes choose what is made right in the frame that follows (length, checksums), and
// numbers for what is done to it. Held against it: a view stays within its frame; what was
// translated parses to what its view says, keeps right checksums right, and is the same when it is
// translated back; errors about it and fragments of it parse; fragments put together are the
// packet. What a bridge reads of the frame is what parse() reads, and what stays on its link parses
// if what leaves it does.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/bridge_frame.hpp"
#include "dataplane/icmp_error.hpp"
#include "dataplane/ip4_fragments.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/quote.hpp"
#include "dataplane/rewrite.hpp"
#include "dataplane/syn_proxy.hpp"
#include "tests/fuzz/kit/input.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/support/packet_builder.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::dataplane;
using fuzz::require;
using tables::Address4;
using tables::Address6;
using tests::Bytes;
using tests::get16;
using tests::put16;

// Of the first byte; the rest of it is a number.
constexpr std::uint8_t kRightIpChecksum = 0x01;
constexpr std::uint8_t kRightL4Checksum = 0x02;
constexpr std::uint8_t kRightLength = 0x04;  // the IP packet is as long as its frame
constexpr MacAddress kBoxMac{0, 0x1B, 0x17, 0, 1, 0};
constexpr MacAddress kNextMac{2, 0, 0, 0, 0, 0x0C};

// In memory of exactly its size.
ParseResult parse_exact(std::span<const std::byte> frame, PacketView& view) {
  const auto copy = std::make_unique_for_overwrite<std::byte[]>(frame.size());
  std::ranges::copy(frame, copy.get());
  const ParseResult result = parse({copy.get(), frame.size()}, view);
  require(name(result) != "unknown", "a result without a name");
  return result;
}

bool is_ip(const PacketView& view) {
  return view.kind == PacketKind::kIp4 || view.kind == PacketKind::kIp6;
}

void require_inside(std::span<const std::byte> frame, const PacketView& view) {
  require(view.l3_offset >= kEthernetBytes && view.vlan_count <= kVlanTagsMax,
          "the view begins before the packet");
  if (!is_ip(view)) return;
  const std::size_t end = std::size_t{view.l3_offset} + view.l3_bytes;
  require(end <= frame.size(), "the packet is longer than its frame");
  require(view.l4_offset >= view.l3_offset + (view.kind == PacketKind::kIp4 ? 20 : 40),
          "the transport begins inside the IP header");
  require(std::size_t{view.l4_offset} + view.l4_bytes <= end,
          "the transport is longer than the packet");
  require(view.payload_offset >= view.l4_offset &&
              std::size_t{view.payload_offset} + view.payload_bytes <= end,
          "the payload is longer than the packet");
}

std::span<const std::byte> segment_of(std::span<const std::byte> frame, const PacketView& view) {
  return frame.subspan(view.l4_offset, view.l4_bytes);
}

// 0, or 0xFFFF in its other form, when the segment's checksum is right.
unsigned l4_remainder(std::span<const std::byte> frame, const PacketView& view) {
  const auto segment = segment_of(frame, view);
  if (view.protocol == kProtocolIcmp && view.kind == PacketKind::kIp4)
    return tests::slow_checksum(segment);
  if (view.kind == PacketKind::kIp4)
    return tests::slow_l4_checksum(view.source4.address, view.target4.address, view.protocol,
                                   segment);
  return tests::slow_l4_checksum(view.source6.address, view.target6.address, view.protocol,
                                 segment);
}

// Where the checksum stands in the segment, or -1: an ICMP of the other family is just a payload.
int checksum_at(const PacketView& view) {
  const bool is_foreign = view.protocol == (view.kind == PacketKind::kIp4 ? 58 : 1);
  return is_foreign ? -1 : tests::checksum_offset(view.protocol);
}

bool has_l4_checksum(const PacketView& view) {
  const int at = checksum_at(view);
  return is_ip(view) && at >= 0 && view.fragment.part == FragmentPart::kWhole &&
         view.l4_bytes >= static_cast<std::size_t>(at) + 2 && !view.is_routed_elsewhere;
}

bool is_right(std::span<const std::byte> frame, const PacketView& view) {
  return has_l4_checksum(view) && l4_remainder(frame, view) == 0;
}

void repair(Bytes& frame, std::uint8_t flags) {
  std::size_t l3 = 12;
  while (frame.size() >= l3 + 6 && (get16(frame, l3) == 0x8100 || get16(frame, l3) == 0x88A8))
    l3 += 4;
  l3 += 2;
  const bool is_four = frame.size() >= l3 + 20 && get16(frame, l3 - 2) == 0x0800;
  if ((flags & kRightLength) != 0) {
    if (is_four) put16(frame, l3 + 2, static_cast<unsigned>(frame.size() - l3));
    if (frame.size() >= l3 + 40 && get16(frame, l3 - 2) == 0x86DD)
      put16(frame, l3 + 4, static_cast<unsigned>(frame.size() - l3 - 40));
  }
  if ((flags & kRightIpChecksum) != 0 && is_four) {
    const std::size_t header_bytes = (std::to_integer<std::size_t>(frame[l3]) & 0x0FU) * 4;
    if (header_bytes >= 20 && l3 + header_bytes <= frame.size()) tests::fix_ip4_checksum(frame, l3);
  }
  PacketView view;
  static_cast<void>(parse(frame, view));
  if ((flags & kRightL4Checksum) == 0 || !has_l4_checksum(view)) return;
  const std::size_t at = view.l4_offset + static_cast<std::size_t>(checksum_at(view));
  put16(frame, at, 0);
  const unsigned sum = l4_remainder(frame, view);
  put16(frame, at, sum == 0 && view.protocol == kProtocolUdp ? 0xFFFF : sum);
}

// Equal, but that a checksum may have its other zero.
void require_same_but_zeros(std::span<const std::byte> left, std::span<const std::byte> right,
                            std::initializer_list<std::size_t> checksums) {
  Bytes copy(left.begin(), left.end());
  const Bytes wanted(right.begin(), right.end());
  for (const std::size_t at : checksums) {
    const bool are_zeros = at + 2 <= copy.size() &&
                           (get16(copy, at) == 0 || get16(copy, at) == 0xFFFF) &&
                           (get16(wanted, at) == 0 || get16(wanted, at) == 0xFFFF);
    if (are_zeros) put16(copy, at, get16(wanted, at));
  }
  require(copy == wanted, "translated and back, the frame is another");
}

void require_alike(const PacketView& kept, const PacketView& parsed) {
  require(kept.source4 == parsed.source4 && kept.target4 == parsed.target4 &&
              kept.source6 == parsed.source6 && kept.target6 == parsed.target6 &&
              kept.l3_offset == parsed.l3_offset && kept.l4_offset == parsed.l4_offset &&
              kept.payload_offset == parsed.payload_offset &&
              kept.payload_bytes == parsed.payload_bytes && kept.l4_bytes == parsed.l4_bytes &&
              kept.l3_bytes == parsed.l3_bytes && kept.l4_kind == parsed.l4_kind &&
              kept.vlan_count == parsed.vlan_count && kept.vlan_tcis == parsed.vlan_tcis &&
              kept.ttl == parsed.ttl && kept.tcp.sequence == parsed.tcp.sequence,
          "the view that was kept up and the frame differ");
}

template <class Address>
constexpr Address kNat;
template <>
constexpr Address4 kNat<Address4> = tests::kNat4;
template <>
constexpr Address6 kNat<Address6> = tests::kNat6;

// What is translated: everything with an address of its own; ports only where there are some.
template <class Address>
Translation<Address> outward(const PacketView& view, std::uint16_t port_be) {
  const bool has_ports = view.l4_kind == L4Kind::kTcp || view.l4_kind == L4Kind::kUdp ||
                         view.l4_kind == L4Kind::kIcmpEcho;
  const std::uint16_t own_be = view.source<Address>().port_be;
  return {{kNat<Address>, has_ports ? port_be : own_be}, view.target<Address>()};
}

template <class Address>
void translate_and_back(std::span<const std::byte> original, const PacketView& before,
                        std::uint16_t port_be) {
  Bytes frame(original.begin(), original.end());
  PacketView view = before;
  translate<Address>(frame, view, outward<Address>(view, port_be));
  PacketView parsed;
  const ParseResult result = parse_exact(frame, parsed);
  const bool is_land =
      result == ParseResult::kLand && before.target<Address>().address == kNat<Address>;
  // The neighbor's checksum covers addresses, and only a right one is looked at any further.
  require(result == ParseResult::kOk || is_land, "a translated packet does not parse");
  if (!is_land) require_alike(view, parsed);
  require(!is_right(original, before) || l4_remainder(frame, view) == 0 ||
              (before.protocol == kProtocolUdp && get16(original, before.l4_offset + 6U) == 0),
          "a right checksum was made wrong");
  translate<Address>(frame, view, {before.source<Address>(), before.target<Address>()});
  const std::size_t l4_at =
      before.l4_offset + static_cast<std::size_t>(std::max(0, checksum_at(before)));
  require_same_but_zeros(frame, original, {before.l3_offset + std::size_t{10}, l4_at});
}

template <class Address>
void translate_quote_and_back(std::span<const std::byte> original, const PacketView& error,
                              std::uint16_t port_be) {
  const auto copy = std::make_unique_for_overwrite<std::byte[]>(original.size());
  std::ranges::copy(original, copy.get());
  const std::span<std::byte> frame(copy.get(), original.size());
  PacketView quote;
  const ParseResult result = parse_quote(frame, error, quote);
  if (result != ParseResult::kOk) {
    require(result == ParseResult::kQuoteCut || result == ParseResult::kQuoteMalformed,
            "a quote is refused for something else");
    return;
  }
  const std::size_t end = std::size_t{error.l4_offset} + error.l4_bytes;
  require(
      quote.l4_offset >= quote.l3_offset && quote.l4_offset + std::size_t{quote.l4_bytes} <= end,
      "the quoted packet is longer than the quote");
  const PacketView before = quote;
  translate_quote<Address>(frame, error, quote, outward<Address>(quote, port_be));
  PacketView parsed;
  require(parse_quote(frame, error, parsed) == ParseResult::kOk,
          "a translated quote does not parse");
  require(parsed.source<Address>() == quote.source<Address>() &&
              parsed.target<Address>() == quote.target<Address>(),
          "the quote's view and the frame differ");
  require(!is_right(original, error) || l4_remainder(frame, error) == 0,
          "an error's right checksum was made wrong");
  translate_quote<Address>(frame, error, quote,
                           {before.source<Address>(), before.target<Address>()});
  const std::size_t l4_at =
      before.l4_offset + static_cast<std::size_t>(std::max(0, checksum_at(before)));
  require_same_but_zeros(
      frame, original,
      {before.l3_offset + std::size_t{10}, l4_at, error.l4_offset + std::size_t{2}});
}

void age(std::span<const std::byte> original, const PacketView& before) {
  if (before.ttl == 0) return;
  Bytes frame(original.begin(), original.end());
  PacketView view = before;
  decrement_ttl(frame, view);
  PacketView parsed;
  const ParseResult result = parse_exact(frame, parsed);
  if (before.l4_kind == L4Kind::kNeighbor) return;  // it has come through a router now
  require(result == ParseResult::kOk, "an aged packet does not parse");
  require_alike(view, parsed);
  require(parsed.ttl + 1 == before.ttl, "the TTL has not fallen by one");
}

// A handshake in another's name: whatever came, what becomes of it is a right packet. Nobody speaks
// in a group's name.
void shake_hands(std::span<const std::byte> original, const PacketView& before,
                 std::uint8_t number) {
  if (!is_plain_tcp(before) || before.is_group_target) return;
  const SynOffer offer = syn_offer(original, before);
  Bytes frame(original.begin(), original.end());
  frame.resize(frame.size() + number % 16U);
  PacketView view = before;
  const std::size_t bytes =
      become_bare(frame, view, {.sequence = 1, .window = 2, .flags = kTcpSyn, .offer = offer});
  if (bytes == 0) return;
  require(bytes <= frame.size(), "a packet outgrew its room");
  frame.resize(bytes);
  turn_round(frame, view, kBoxMac);
  PacketView parsed;
  require(parse_exact(frame, parsed) == ParseResult::kOk, "a SYN of our own does not parse");
  require_alike(view, parsed);
  require(before.is_routed_elsewhere || is_right(frame, parsed),
          "a SYN of our own has a wrong checksum");
  require(syn_offer(frame, parsed) == offer, "a SYN of our own offers something else");
}

void answer(std::span<const std::byte> original, const PacketView& about, std::uint8_t number) {
  const IcmpErrorOrder order{.kind = static_cast<IcmpErrorKind>(number % 6U),
                             .mtu_bytes = static_cast<std::uint16_t>(68U + 8U * number),
                             .mac = kBoxMac,
                             .source4 = {10, 1, 0, 254},
                             .source6 = {0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFE}};
  Bytes out(kIcmpErrorFrameBytesMax);
  const IcmpErrorResult result = build_icmp_error(original, about, order, out);
  if (result.verdict != IcmpErrorVerdict::kBuilt) return;
  require(result.frame_bytes <= out.size(), "an error is larger than errors are");
  out.resize(result.frame_bytes);
  PacketView view;
  const ParseResult parsed = parse_exact(out, view);
  if (parsed == ParseResult::kLand) return;  // the packet said that it came from this box
  require(parsed == ParseResult::kOk && view.l4_kind == L4Kind::kIcmpError,
          "an ICMP error of our own does not parse");
  require(is_right(out, view), "an ICMP error of our own has a wrong checksum");
  PacketView quote;
  if (parse_quote(out, view, quote) != ParseResult::kOk) return;
  require(quote.source4.address == about.source4.address &&
              quote.target6.address == about.target6.address,
          "an ICMP error quotes other addresses");
}

void send_on(std::span<const std::byte> original, const PacketView& before, std::uint16_t number) {
  const LinkHeader header{.target = kNextMac,
                          .source = kBoxMac,
                          .vlan = static_cast<std::uint16_t>(number % 4 == 0 ? 0 : number % 4095)};
  const std::ptrdiff_t growth = link_header_growth(before, header);
  Bytes frame(static_cast<std::size_t>(static_cast<std::ptrdiff_t>(original.size()) + growth));
  std::ranges::copy(
      original.subspan(static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, -growth))),
      frame.begin() + std::max<std::ptrdiff_t>(0, growth));
  PacketView view = before;
  write_link_header(frame, view, header);
  PacketView parsed;
  require(parse_exact(frame, parsed) == ParseResult::kOk,
          "with a new link header it does not parse");
  require_alike(view, parsed);
}

void cut(std::span<const std::byte> original, const PacketView& view, std::uint16_t number) {
  const auto mtu_bytes = static_cast<std::uint16_t>(68 + number % 1500);
  const Ip4Fragments fragments(original, view, mtu_bytes);
  const std::size_t body_bytes = view.l3_bytes - view.l3_header_bytes();
  Bytes body(body_bytes);
  std::size_t sum_bytes = 0;
  for (std::size_t place = 0; place < fragments.count(); ++place) {
    Bytes piece(fragments.frame_bytes_max());
    piece.resize(fragments.write(place, piece));
    require(piece.size() <= std::size_t{view.l3_offset} + mtu_bytes, "a fragment above the MTU");
    const std::span<const std::byte> packet = std::span(piece).subspan(view.l3_offset);
    const std::size_t header_bytes = (std::to_integer<std::size_t>(packet[0]) & 0x0FU) * 4;
    require(tests::slow_checksum(packet.first(header_bytes)) == 0,
            "a fragment's checksum is wrong");
    const std::size_t offset = (get16(packet, 6) & 0x1FFFU) * 8 - view.fragment.offset_bytes;
    const auto part = packet.subspan(header_bytes, get16(packet, 2) - header_bytes);
    require(offset + part.size() <= body_bytes, "a fragment reaches beyond the packet");
    std::ranges::copy(part, body.begin() + static_cast<std::ptrdiff_t>(offset));
    sum_bytes += part.size();
    const bool has_more = (get16(packet, 6) & 0x2000U) != 0;
    require(has_more == (place + 1 < fragments.count() || view.fragment.more),
            "more fragments, or none, were promised");
  }
  require(sum_bytes == body_bytes &&
              std::ranges::equal(body, original.subspan(view.l4_offset, body_bytes)),
          "the fragments are not the packet");
}

template <class Address>
void treat(std::span<const std::byte> frame, const PacketView& view, std::uint8_t number,
           std::uint16_t port_be) {
  translate_and_back<Address>(frame, view, port_be);
  if (view.l4_kind == L4Kind::kIcmpError) translate_quote_and_back<Address>(frame, view, port_be);
  age(frame, view);
  answer(frame, view, number);
  shake_hands(frame, view, number);
  send_on(frame, view, port_be);
}

void bridge(std::span<const std::byte> original, ParseResult parsed, const PacketView& view) {
  const auto copy = std::make_unique_for_overwrite<std::byte[]>(original.size());
  std::ranges::copy(original, copy.get());
  const std::span<const std::byte> frame(copy.get(), original.size());
  BridgeFrame read;
  const BridgeFrameFault fault = read_bridge_frame(frame, read);
  PacketView on_link;
  const ParseResult result = parse(frame, on_link, ParseScope::kLink);
  require(parsed != ParseResult::kOk || result == ParseResult::kOk,
          "a packet may be routed, and not stay on its link");
  if (fault != BridgeFrameFault::kNone) return;
  require(read.l3_offset <= frame.size() && read.vlan <= 4094, "a frame that cannot be");
  if (result != ParseResult::kOk) return;
  require(read.l3_offset == on_link.l3_offset && read.ether_type == on_link.ethertype,
          "a bridge sees another packet");
  const std::uint16_t vlan = on_link.vlan_count == 0 ? 0 : on_link.vlan_tcis[0] & kVlanNumberMask;
  require(on_link.vlan_count <= 1 && read.vlan == vlan, "a bridge sees another VLAN");
  require(on_link.is_group_frame == (read.target_kind != BridgeTarget::kUnicast),
          "a bridge sees another target");
  if (parsed == ParseResult::kOk) require_alike(on_link, view);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const std::uint8_t flags = input.u8();
  const std::uint8_t number = input.u8();
  const auto rest = input.take_rest();
  Bytes frame(rest.begin(), rest.end());
  repair(frame, flags);
  PacketView view;
  const ParseResult parsed = parse_exact(frame, view);
  bridge(frame, parsed, view);
  if (parsed != ParseResult::kOk) return 0;
  require_inside(frame, view);
  const auto port_be = static_cast<std::uint16_t>(number * 257U + flags);
  if (view.kind == PacketKind::kIp6) treat<Address6>(frame, view, number, port_be);
  if (view.kind != PacketKind::kIp4) return 0;
  treat<Address4>(frame, view, number, port_be);
  if (!view.dont_fragment) cut(frame, view, port_be);
  return 0;
}
