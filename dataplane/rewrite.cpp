// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rewrite.hpp"

#include <type_traits>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tables/base/check.hpp"

namespace twinplane::dataplane {
namespace {

template <class Address>
constexpr bool kIsFour = std::is_same_v<Address, tables::Address4>;

void apply_at(std::byte* checksum, const ChecksumDelta& delta) noexcept {
  store_raw(checksum, delta.apply(load_raw<std::uint16_t>(checksum)));
}

void apply_udp_at(std::byte* checksum, const ChecksumDelta& delta) noexcept {
  store_raw(checksum, delta.apply_udp(load_raw<std::uint16_t>(checksum)));
}

template <class Address>
void write_ports(std::byte* ports, const PacketView& view, const Translation<Address>& to,
                 ChecksumDelta& delta) noexcept {
  delta.replace(view.source<Address>().port_be, to.source.port_be);
  delta.replace(view.target<Address>().port_be, to.target.port_be);
  store_raw(ports, to.source.port_be);
  store_raw(ports + 2, to.target.port_be);
}

// Both ports of an echo hold the identifier. A translation of one end may have left the other end's
// as it was.
template <class Address>
std::uint16_t identifier_of(const PacketView& view, const Translation<Address>& to) noexcept {
  const std::uint16_t before_be = view.source<Address>().port_be;
  return to.source.port_be != before_be ? to.source.port_be : to.target.port_be;
}

}  // namespace

template <class Address>
void translate(std::span<std::byte> frame, PacketView& view,
               const Translation<Address>& to) noexcept {
  std::byte* ip = frame.data() + view.l3_offset;
  std::byte* l4 = frame.data() + view.l4_offset;
  tables::Endpoint<Address>& source = view.source<Address>();
  tables::Endpoint<Address>& target = view.target<Address>();

  ChecksumDelta pseudo_header;
  pseudo_header.replace(source.address, to.source.address);
  if (!view.is_routed_elsewhere) pseudo_header.replace(target.address, to.target.address);
  constexpr std::size_t kSourceOffset = kIsFour<Address> ? 12 : 8;
  store_raw(ip + kSourceOffset, to.source.address);
  store_raw(ip + kSourceOffset + sizeof(Address), to.target.address);
  if constexpr (kIsFour<Address>) apply_at(ip + 10, pseudo_header);

  ChecksumDelta delta = pseudo_header;
  switch (view.l4_kind) {
    case L4Kind::kTcp:
      write_ports(l4, view, to, delta);
      apply_at(l4 + 16, delta);
      break;
    case L4Kind::kUdp:
      write_ports(l4, view, to, delta);
      apply_udp_at(l4 + 6, delta);
      break;
    case L4Kind::kIcmpEcho: {
      if constexpr (kIsFour<Address>) delta = {};  // no pseudo header in ICMPv4
      const std::uint16_t identifier_be = identifier_of(view, to);
      delta.replace(source.port_be, identifier_be);
      store_raw(l4 + 4, identifier_be);
      apply_at(l4 + 2, delta);
      source = {to.source.address, identifier_be};
      target = {to.target.address, identifier_be};
      return;
    }
    case L4Kind::kIcmpError:
    case L4Kind::kIcmpOther:
    case L4Kind::kNeighbor:
      if constexpr (!kIsFour<Address>) apply_at(l4 + 2, delta);
      break;
    case L4Kind::kNone:
    case L4Kind::kSctp:
    case L4Kind::kOther:
      break;
  }
  source = to.source;
  target = to.target;
}

template void translate(std::span<std::byte>, PacketView&,
                        const Translation<tables::Address4>&) noexcept;
template void translate(std::span<std::byte>, PacketView&,
                        const Translation<tables::Address6>&) noexcept;

void decrement_ttl(std::span<std::byte> frame, PacketView& view) noexcept {
  TWINPLANE_DCHECK(view.ttl, >, 0U);
  std::byte* ip = frame.data() + view.l3_offset;
  --view.ttl;
  if (view.kind == PacketKind::kIp6) {
    ip[7] = std::byte{view.ttl};
    return;
  }
  constexpr std::size_t kTtlOffset = 8;  // TTL and protocol are one word of the checksum
  const auto before_be = load_raw<std::uint16_t>(ip + kTtlOffset);
  ip[kTtlOffset] = std::byte{view.ttl};
  ChecksumDelta delta;
  delta.replace(before_be, load_raw<std::uint16_t>(ip + kTtlOffset));
  apply_at(ip + 10, delta);
}

std::ptrdiff_t link_header_growth(const PacketView& view, const LinkHeader& header) noexcept {
  const std::size_t bytes = kEthernetBytes + (header.vlan != 0 ? kVlanTagBytes : 0);
  return static_cast<std::ptrdiff_t>(bytes) - view.l3_offset;
}

void write_link_header(std::span<std::byte> frame, PacketView& view,
                       const LinkHeader& header) noexcept {
  const auto growth = static_cast<int>(link_header_growth(view, header));
  std::byte* at = frame.data();
  store_raw(at, header.target);
  store_raw(at + 6, header.source);
  at += 12;
  if (header.vlan != 0) {
    const int priority =
        view.vlan_count != 0 ? view.vlan_tcis[view.vlan_count - 1U] & ~kVlanNumberMask : 0;
    const auto tci = static_cast<std::uint16_t>(priority | header.vlan);
    store_be(at, kEtherTypeVlan);
    store_be(at + 2, tci);
    at += kVlanTagBytes;
    view.vlan_tcis = {tci, 0};
  } else {
    view.vlan_tcis = {};
  }
  store_be(at, view.ethertype);
  view.vlan_count = header.vlan != 0 ? 1 : 0;
  view.is_group_frame = (header.target[0] & 1U) != 0;
  for (std::uint16_t* offset : {&view.l3_offset, &view.l4_offset, &view.payload_offset})
    *offset = static_cast<std::uint16_t>(*offset + growth);
}

}  // namespace twinplane::dataplane
