// SPDX-License-Identifier: BSD-3-Clause
// link_fakes.hpp - a link that keeps what is sent on it, a box with two ports, and its neighbors'
// messages.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  messages are built with packet_builder.hpp's arithmetic, not with dataplane/'s.
// Errors:  GoogleTest failures for frames that parse() refuses.
// Spec:    RFC 826, RFC 4861.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "dataplane/bytes.hpp"
#include "dataplane/config.hpp"
#include "dataplane/frame_sink.hpp"
#include "dataplane/held_packets.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::tests {

using dataplane::MacAddress;

inline constexpr MacAddress kHostMac{0x02, 0, 0, 0, 0, 0x0A};
inline constexpr MacAddress kOtherMac{0x02, 0, 0, 0, 0, 0x0C};
inline constexpr MacAddress kInsideMac{0x00, 0x1B, 0x17, 0x00, 3, 0};
inline constexpr MacAddress kOutsideMac{0x00, 0x1B, 0x17, 0x00, 1, 1};

inline dataplane::IpAddress ip(const char* text) { return dataplane::parse_address(text).value(); }

// "inside" is untagged, "outside" is VLAN 100 and has a NAT address, 10.2.0.77.
inline dataplane::Config two_ports() {
  using dataplane::parse_prefix;
  dataplane::Config config;
  config.zones = {"trust", "untrust"};
  dataplane::PortConfig inside;
  inside.name = "inside";
  inside.virtual_mac_group = 3;
  inside.addresses = {parse_prefix("10.1.0.254/24").value(), parse_prefix("fd00:1::fe/64").value()};
  dataplane::PortConfig outside;
  outside.name = "outside";
  outside.zone_index = 1;
  outside.vlan = 100;
  outside.addresses = {parse_prefix("10.2.0.254/24").value()};
  config.ports = {inside, outside};
  dataplane::NatConfig nat;
  nat.to_zones = {1};
  nat.addresses = {ip("10.2.0.77")};
  config.nat = {nat};
  return config;
}

struct SentFrame {
  std::size_t port_index;
  Bytes bytes;
};

struct FakeLink : dataplane::FrameSink {
  std::span<std::byte> try_frame(std::size_t) noexcept override {
    return is_out_of_frames ? std::span<std::byte>{} : std::span(buffer);
  }

  void send(std::size_t port_index, std::size_t frame_bytes) noexcept override {
    sent.push_back({port_index, Bytes(buffer.begin(),
                                      buffer.begin() + static_cast<std::ptrdiff_t>(frame_bytes))});
    buffer.fill(std::byte{0xEE});
  }

  bool is_out_of_frames = false;
  std::array<std::byte, 128> buffer{};
  std::vector<SentFrame> sent;
};

struct FakePackets : dataplane::HeldPacketSink {
  struct Released {
    void* packet;
    std::size_t port_index;
    MacAddress mac;
    friend bool operator==(const Released&, const Released&) = default;
  };

  struct Dropped {
    void* packet;
    dataplane::NeighborDrop reason;
    friend bool operator==(const Dropped&, const Dropped&) = default;
  };

  void release(void* packet, std::size_t port_index, const MacAddress& mac) noexcept override {
    released.push_back({packet, port_index, mac});
  }

  void drop(void* packet, std::size_t, dataplane::NeighborDrop reason) noexcept override {
    dropped.push_back({packet, reason});
  }

  // Handles: addresses of the elements of an array.
  void* packet(std::size_t index) { return &handles.at(index); }

  std::vector<Released> released;
  std::vector<Dropped> dropped;
  std::array<char, 1024> handles{};
};

inline void append_bytes(Bytes& to, const auto& array) {
  append(to, std::as_bytes(std::span(array)));
}

// Sent by `sender_mac` to everybody.
inline Bytes arp_frame(int operation, const MacAddress& sender_mac, const char* sender,
                       const char* target) {
  Bytes frame = bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
  append_bytes(frame, sender_mac);
  append(frame, bytes_of({8, 6, 0, 1, 8, 0, 6, 4, 0, operation}));
  append_bytes(frame, sender_mac);
  append_bytes(frame, ip(sender).v4());
  append(frame, Bytes(6));
  append_bytes(frame, ip(target).v4());
  return frame;
}

struct NdOrder {
  int type;  // 135 or 136
  const char* source;
  const char* target;
  const char* subject;
  unsigned flags = 0;
  int option = 0;  // 1 or 2; 0 = none
  MacAddress mac = kHostMac;
};

inline Bytes nd_frame(const NdOrder& order) {
  Bytes body;
  append_bytes(body, ip(order.subject).v6());
  if (order.option != 0) {
    append(body, bytes_of({order.option, 1}));
    append_bytes(body, order.mac);
  }
  Bytes frame = frame6({.source = ip(order.source).v6(),
                        .target = ip(order.target).v6(),
                        .protocol = 58,
                        .hop_limit = 255},
                       icmp_message(order.type, 0, order.flags << 24U, body));
  const bool is_group = (order.mac[0] & 1U) != 0;  // no sender's
  if (!is_group) std::ranges::copy(std::as_bytes(std::span(order.mac)), frame.begin() + 6);
  return frame;
}

inline dataplane::PacketView parsed(std::span<const std::byte> frame) {
  dataplane::PacketView view;
  EXPECT_EQ(dataplane::name(dataplane::parse(frame, view)), "ok");
  return view;
}

inline MacAddress mac_at(std::span<const std::byte> frame, std::size_t at) {
  return dataplane::load_raw<MacAddress>(frame.data() + at);
}

}  // namespace twinplane::tests
