// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/neighbor_sender.hpp"

#include "dataplane/neighbor_frames.hpp"
#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {

template <class Write>
bool NeighborSender::try_send(std::size_t port_index, NeighborCounter counter,
                              Write write) noexcept {
  const std::span<std::byte> frame = sink_.try_frame(port_index);
  if (frame.empty()) {
    counters_.add(NeighborCounter::kNoFrame);
    return false;
  }
  sink_.send(port_index, write(frame));
  counters_.add(counter);
  return true;
}

bool NeighborSender::try_ask(const NeighborKey& neighbor, const MacAddress* mac) noexcept {
  const std::size_t port_index = neighbor.port_index;
  const IpAddress target = neighbor.ip();
  const IpAddress source = own_.source_for(port_index, target);
  const auto counter =
      mac == nullptr ? NeighborCounter::kRequestsSent : NeighborCounter::kProbesSent;
  return try_send(port_index, counter, [&](std::span<std::byte> frame) {
    if (target.is4()) {
      const LinkHeader link = link_to(port_index, mac != nullptr ? *mac : kBroadcastMac);
      return write_arp(frame, link,
                       {.operation = kArpRequest, .sender = source.v4(), .target = target.v4()});
    }
    const tables::Address6 group = solicited_node_of(target.v6());
    const LinkHeader link = link_to(port_index, mac != nullptr ? *mac : multicast_mac_of(group));
    return write_neighbor_discovery(frame, link,
                                    {.type = kNdNeighborSolicitation,
                                     .source = source.v6(),
                                     .target = mac != nullptr ? target.v6() : group,
                                     .subject = target.v6()});
  });
}

bool NeighborSender::try_request(const NeighborKey& neighbor) noexcept {
  return try_ask(neighbor, nullptr);
}

bool NeighborSender::try_probe(const NeighborKey& neighbor, const MacAddress& mac) noexcept {
  return try_ask(neighbor, &mac);
}

bool NeighborSender::try_answer(std::size_t port_index, const NeighborMessage& question,
                                const MacAddress& frame_source) noexcept {
  const MacAddress& asker = question.has_mac ? question.mac : frame_source;
  return try_send(port_index, NeighborCounter::kAnswersSent, [&](std::span<std::byte> frame) {
    if (question.subject.is4()) {
      // Who probes for a duplicate has no address yet: 0.0.0.0 (RFC 5227 section 2.1.1).
      const auto target = question.sender.is_set() ? question.sender.v4() : tables::Address4{};
      return write_arp(frame, link_to(port_index, asker),
                       {kArpReply, question.subject.v4(), target, asker});
    }
    const bool is_probe = !question.sender.is_set();
    const auto flags = static_cast<std::uint8_t>(kNaRouter | kNaOverride |
                                                 (is_probe ? 0U : unsigned{kNaSolicited}));
    return write_neighbor_discovery(
        frame, link_to(port_index, is_probe ? multicast_mac_of(kAllNodes) : asker),
        {.type = kNdNeighborAdvertisement,
         .flags = flags,
         .source = question.subject.v6(),
         .target = is_probe ? kAllNodes : question.sender.v6(),
         .subject = question.subject.v6()});
  });
}

bool NeighborSender::try_announce(std::size_t port_index, const IpAddress& own) noexcept {
  if (own.is6()) {
    return try_send(port_index, NeighborCounter::kAnnouncementsSent,
                    [&](std::span<std::byte> frame) {
                      const LinkHeader link = link_to(port_index, multicast_mac_of(kAllNodes));
                      return write_neighbor_discovery(frame, link,
                                                      {.type = kNdNeighborAdvertisement,
                                                       .flags = kNaRouter | kNaOverride,
                                                       .source = own.v6(),
                                                       .target = kAllNodes,
                                                       .subject = own.v6()});
                    });
  }
  // Some listen to requests only, some to replies only.
  for (const std::uint16_t operation : {kArpRequest, kArpReply}) {
    const bool is_sent =
        try_send(port_index, NeighborCounter::kAnnouncementsSent, [&](std::span<std::byte> frame) {
          const MacAddress mac = operation == kArpReply ? own_.mac(port_index) : MacAddress{};
          return write_arp(frame, link_to(port_index, kBroadcastMac),
                           {operation, own.v4(), own.v4(), mac});
        });
    if (!is_sent) return false;
  }
  return true;
}

}  // namespace twinplane::dataplane
