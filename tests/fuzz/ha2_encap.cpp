// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the encapsulations: what open_encap() believes must be what PROTOCOL.md section 1 says,
// told here a second time with arithmetic of its own.
//
// The first byte chooses the transport, and whether the rest is a packet as it stands, or a packet
// of our own: a count of changes, those changes, and the frame it carries.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ha2/encap.hpp"
#include "tests/fuzz/kit/input.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/support/packet_builder.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::fuzz;
using ha2::EncapConfig;
using ha2::Transport;
using tests::get16;
using tests::put16;

constexpr std::size_t kEthernetBytes = 14;
constexpr std::uint8_t kOwnPacket = 0x08;       // of the first byte
constexpr std::uint8_t kRightChecksums = 0x10;  // after the changes

struct Way {
  Transport transport;
  bool is_ip6;
};

constexpr std::array<Way, 5> kWays{{{Transport::kEthernet, false},
                                    {Transport::kIp, false},
                                    {Transport::kIp, true},
                                    {Transport::kUdp, false},
                                    {Transport::kUdp, true}}};

EncapConfig box(Way way, bool is_first) {
  EncapConfig config;
  config.transport = way.transport;
  config.is_ip6 = way.is_ip6;
  const tables::Address4 a4{169, 254, 1, 1}, b4{169, 254, 1, 2};
  const tables::Address6 a6{0xFE, 0x80, 1}, b6{0xFE, 0x80, 2};
  config.local4 = is_first ? a4 : b4;
  config.peer4 = is_first ? b4 : a4;
  config.local6 = is_first ? a6 : b6;
  config.peer6 = is_first ? b6 : a6;
  config.local_mac = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(is_first ? 1 : 2)};
  return config;
}

template <std::size_t kSize>
bool holds(std::span<const std::byte> bytes, std::size_t at,
           const std::array<std::uint8_t, kSize>& value) {
  return std::memcmp(bytes.data() + at, value.data(), kSize) == 0;
}

// The frame, if section 1 lets it through.
std::optional<std::span<const std::byte>> frame_in(const EncapConfig& config,
                                                   std::span<const std::byte> packet) {
  if (packet.size() < kEthernetBytes) return std::nullopt;
  const unsigned ethertype = get16(packet, 12);
  std::span<const std::byte> rest = packet.subspan(kEthernetBytes);
  if (config.transport == Transport::kEthernet)
    return ethertype == 0x7261 ? std::optional(rest) : std::nullopt;
  if (ethertype != (config.is_ip6 ? 0x86DDU : 0x0800U)) return std::nullopt;
  const bool is_udp = config.transport == Transport::kUdp;
  const std::byte protocol{is_udp ? std::uint8_t{17} : std::uint8_t{99}};
  if (config.is_ip6) {
    if (rest.size() < 40 || (rest[0] & std::byte{0xF0}) != std::byte{0x60} || rest[6] != protocol ||
        !holds(rest, 8, config.peer6) || !holds(rest, 24, config.local6) ||
        get16(rest, 4) > rest.size() - 40)
      return std::nullopt;
    rest = rest.subspan(40, get16(rest, 4));
  } else {
    if (rest.size() < 20 || rest[0] != std::byte{0x45} || rest[9] != protocol ||
        !holds(rest, 12, config.peer4) || !holds(rest, 16, config.local4) ||
        (get16(rest, 6) & 0x3FFFU) != 0 || tests::slow_checksum(rest.first(20)) != 0 ||
        get16(rest, 2) < 20 || get16(rest, 2) > rest.size())
      return std::nullopt;
    rest = rest.subspan(20, get16(rest, 2) - 20U);
  }
  if (!is_udp) return rest;
  if (rest.size() < 8 || get16(rest, 2) != 29281 || get16(rest, 4) < 8 ||
      get16(rest, 4) > rest.size())
    return std::nullopt;
  rest = rest.first(get16(rest, 4));
  const unsigned sum = config.is_ip6
                           ? tests::slow_l4_checksum(config.peer6, config.local6, 17, rest)
                           : tests::slow_l4_checksum(config.peer4, config.local4, 17, rest);
  const bool is_unsummed = get16(rest, 6) == 0;
  if (is_unsummed ? config.is_ip6 : sum != 0) return std::nullopt;
  return rest.subspan(8);
}

void repair_checksums(const EncapConfig& config, tests::Bytes& packet) {
  if (config.transport == Transport::kEthernet) return;
  if (!config.is_ip6) {
    constexpr std::size_t kChecksumAt = kEthernetBytes + 10;
    put16(packet, kChecksumAt, 0);
    put16(packet, kChecksumAt, tests::slow_checksum(std::span(packet).subspan(kEthernetBytes, 20)));
  }
  const std::size_t udp_at = ha2::encap_bytes(config) - 8;
  if (config.transport != Transport::kUdp || packet.size() < udp_at + 8) return;
  const std::span<const std::byte> udp = std::span(packet).subspan(udp_at);
  const std::size_t udp_bytes = std::clamp<std::size_t>(get16(udp, 4), 8, udp.size());
  put16(packet, udp_at + 6, 0);
  const unsigned sum =
      config.is_ip6
          ? tests::slow_l4_checksum(config.peer6, config.local6, 17, udp.first(udp_bytes))
          : tests::slow_l4_checksum(config.peer4, config.local4, 17, udp.first(udp_bytes));
  put16(packet, udp_at + 6, sum == 0 ? 0xFFFF : sum);
}

// Both readings agree; the packet stands in memory of exactly its size.
void require_agreement(const EncapConfig& receiver, std::span<const std::byte> packet) {
  const auto copy = std::make_unique_for_overwrite<std::byte[]>(packet.size());
  std::ranges::copy(packet, copy.get());
  const std::span<const std::byte> exact(copy.get(), packet.size());
  const ha2::Opened opened = ha2::open_encap(receiver, exact);
  const auto expected = frame_in(receiver, exact);
  require(expected.has_value() == (opened.error == ha2::EncapError::kNone),
          "section 1: believed and not to be, or the other way round");
  if (!expected) {
    require(opened.frame.empty(), "a refused packet gives a frame");
    return;
  }
  require(opened.frame.data() == expected->data() && opened.frame.size() == expected->size(),
          "section 1: another frame was cut out");
}

void run_own(std::uint8_t choice, Way way, Input& input) {
  const EncapConfig sender = box(way, true);
  const EncapConfig receiver = box(way, false);
  const std::size_t change_count = input.u8() % 8;
  const auto changes = input.take(4 * change_count);
  const std::uint16_t partition = input.u16();
  const auto frame = input.take_rest();
  const std::size_t head_bytes = ha2::encap_bytes(sender);
  tests::Bytes packet(head_bytes);
  tests::append(packet, frame);
  ha2::write_encap(sender, partition, packet, std::span(packet).subspan(head_bytes));
  const ha2::Opened opened = ha2::open_encap(receiver, packet);
  require(opened.error == ha2::EncapError::kNone && std::ranges::equal(opened.frame, frame),
          "what one box wraps the other does not unwrap");
  require(opened.source_mac == sender.local_mac, "another source MAC");
  // Where, what, and whether the packet also ends there.
  Input change(changes);
  while (!change.is_empty() && !packet.empty()) {
    const std::size_t at = change.u16();
    const std::uint8_t value = change.u8();
    if (change.u8() == 0xFF) packet.resize(std::max<std::size_t>(at % (packet.size() + 1), 34));
    packet[at % packet.size()] = std::byte{value};
  }
  if ((choice & kRightChecksums) != 0 && packet.size() >= head_bytes)
    repair_checksums(receiver, packet);
  require_agreement(receiver, packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  Input input(data, bytes);
  const std::uint8_t choice = input.u8();
  const Way way = kWays[choice % 8U % kWays.size()];
  if ((choice & kOwnPacket) != 0)
    run_own(choice, way, input);
  else
    require_agreement(box(way, false), input.take_rest());
  return 0;
}
