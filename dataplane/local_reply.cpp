// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/local_reply.hpp"

#include <utility>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint8_t kReplyTtl = 64;

LocalReplyVerdict judge(const PacketView& view) noexcept {
  const bool is_four = view.kind == PacketKind::kIp4;
  if (view.fragment.part != FragmentPart::kWhole) return LocalReplyVerdict::kFragment;
  if (view.l4_kind != L4Kind::kIcmpEcho ||
      view.icmp_type != (is_four ? kIcmpEchoRequest : kIcmp6EchoRequest) || view.icmp_code != 0)
    return LocalReplyVerdict::kNotEchoRequest;
  if (!is_four && view.l3_header_bytes() != kIp6Bytes) return LocalReplyVerdict::kExtensions;
  if (view.is_group_frame || view.is_group_target) return LocalReplyVerdict::kGroup;
  return view.is_unspecified_source ? LocalReplyVerdict::kNoSingleSource
                                    : LocalReplyVerdict::kReplied;
}

// One 16-bit word that a checksum covers.
void replace_word(std::byte* word, std::uint16_t value_be, std::byte* checksum) noexcept {
  ChecksumDelta delta;
  delta.replace(load_raw<std::uint16_t>(word), value_be);
  store_raw(word, value_be);
  store_raw(checksum, delta.apply(load_raw<std::uint16_t>(checksum)));
}

}  // namespace

LocalReplyVerdict reply_to_echo(std::span<std::byte> frame, PacketView& view,
                                const MacAddress& mac) noexcept {
  const LocalReplyVerdict verdict = judge(view);
  if (verdict != LocalReplyVerdict::kReplied) return verdict;
  store_raw(frame.data(), load_raw<MacAddress>(frame.data() + 6));
  store_raw(frame.data() + 6, mac);

  // Exchanging the addresses changes no checksum.
  std::byte* ip = frame.data() + view.l3_offset;
  if (view.kind == PacketKind::kIp4) {
    std::swap(view.source4, view.target4);
    store_raw(ip + 12, view.source4.address);
    store_raw(ip + 16, view.target4.address);
    const auto ttl_and_protocol = std::to_array<std::uint8_t>({kReplyTtl, kProtocolIcmp});
    replace_word(ip + 8, load_raw<std::uint16_t>(std::as_bytes(std::span(ttl_and_protocol)).data()),
                 ip + 10);
  } else {
    std::swap(view.source6, view.target6);
    store_raw(ip + 8, view.source6.address);
    store_raw(ip + 24, view.target6.address);
    ip[7] = std::byte{kReplyTtl};
  }
  view.ttl = kReplyTtl;
  view.icmp_type = view.kind == PacketKind::kIp4 ? kIcmpEchoReply : kIcmp6EchoReply;

  std::byte* icmp = frame.data() + view.l4_offset;
  const auto type_and_code = std::to_array<std::uint8_t>({view.icmp_type, 0});
  replace_word(icmp, load_raw<std::uint16_t>(std::as_bytes(std::span(type_and_code)).data()),
               icmp + 2);
  return LocalReplyVerdict::kReplied;
}

}  // namespace twinplane::dataplane
