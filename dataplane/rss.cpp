// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rss.hpp"

namespace twinplane::dataplane {
namespace rss_internal {

constinit const LinearTable kHashTable{port_hash_bitwise};
constinit const LinearTable kInverseTable{inverse_bitwise};

}  // namespace rss_internal

std::uint32_t flow_hash(const PacketView& view) noexcept {
  const bool is4 = view.kind == PacketKind::kIp4;
  if (view.l4_kind == L4Kind::kSctp)
    return is4 ? port_pair_hash(view.source4.port_be, view.target4.port_be)
               : port_pair_hash(view.source6.port_be, view.target6.port_be);
  return is4 ? flow_hash(view.protocol, view.source4, view.target4)
             : flow_hash(view.protocol, view.source6, view.target6);
}

bool device_hash_holds(const PacketView& view) noexcept {
  const bool has_ports = view.l4_kind == L4Kind::kTcp || view.l4_kind == L4Kind::kUdp;
  const bool has_extensions = view.kind == PacketKind::kIp6 && view.l3_header_bytes() != kIp6Bytes;
  return has_ports && view.fragment.part == FragmentPart::kWhole && !has_extensions &&
         view.vlan_count < 2;
}

}  // namespace twinplane::dataplane
