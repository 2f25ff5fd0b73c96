// SPDX-License-Identifier: BSD-3-Clause
// neighbor_sender.hpp - says on a link what the box has to say: requests, answers, announcements.
//
// Thread:  the home worker.
// Memory:  three references; frames are the sink's.
// Limits:  every frame carries the port's virtual MAC and VLAN.
// Errors:  false when the sink has no buffer (counted); nothing has been sent then.
// Spec:    RFC 826, RFC 5227, RFC 4861 sections 7.2.2, 7.2.4, 7.2.6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/frame_sink.hpp"
#include "dataplane/neighbor_counters.hpp"
#include "dataplane/neighbor_key.hpp"
#include "dataplane/neighbor_message.hpp"
#include "dataplane/own_addresses.hpp"
#include "dataplane/rewrite.hpp"

namespace twinplane::dataplane {

class NeighborSender {
 public:
  NeighborSender(const OwnAddresses& own, FrameSink& sink, NeighborCounters& counters) noexcept
      : own_(own), sink_(sink), counters_(counters) {}

  // To everybody (ARP) or to the neighbor's group (ND).
  [[nodiscard]] bool try_request(const NeighborKey& neighbor) noexcept;
  // The same question, to the one who had the answer.
  [[nodiscard]] bool try_probe(const NeighborKey& neighbor, const MacAddress& mac) noexcept;
  // `question` asks for an address of this box. `frame_source` is who sent it on the link.
  [[nodiscard]] bool try_answer(std::size_t port_index, const NeighborMessage& question,
                                const MacAddress& frame_source) noexcept;
  // A gratuitous request and reply (IPv4) or an unsolicited advertisement.
  [[nodiscard]] bool try_announce(std::size_t port_index, const IpAddress& own) noexcept;

 private:
  // `write` fills a frame and returns its size.
  template <class Write>
  bool try_send(std::size_t port_index, NeighborCounter counter, Write write) noexcept;
  bool try_ask(const NeighborKey& neighbor, const MacAddress* mac) noexcept;

  LinkHeader link_to(std::size_t port_index, const MacAddress& target) const noexcept {
    return {target, own_.mac(port_index), own_.vlan(port_index)};
  }

  const OwnAddresses& own_;
  FrameSink& sink_;
  NeighborCounters& counters_;
};

}  // namespace twinplane::dataplane
