// SPDX-License-Identifier: BSD-3-Clause
// ha2_link.hpp - ha2::Link over packet buffers: frames are built in place behind their
// encapsulation and sent in bursts, past the faults that an operator asked for.
//
// Thread:  one core each; flush() by the same core.
// Memory:  packet buffers from the HA2 pool, at most kBurst at a time; with faults, those held too.
// Limits:  frames up to the link's MTU.
// Errors:  no buffer: try_frame() is empty. Device or ring full at flush(): frames are dropped and
//          counted, the stream repairs them.
// Spec:    ha2/PROTOCOL.md section 1.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/handoff_ring.hpp"
#include "dataplane/link_faults.hpp"
#include "dataplane/packet_pool.hpp"
#include "dataplane/port.hpp"
#include "ha2/encap.hpp"
#include "ha2/link.hpp"

namespace twinplane::dataplane {

// The peer's MAC as the control thread learned it, six bytes in one word.
class PeerMac {
 public:
  explicit PeerMac(const ha2::MacAddress& initial) noexcept { set(initial); }

  void set(const ha2::MacAddress& mac) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, mac.data(), mac.size());
    // a value of its own: nothing else is published with it
    word_.store(word, std::memory_order_relaxed);
  }

  ha2::MacAddress get() const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);  // as in set()
    ha2::MacAddress mac;
    std::memcpy(mac.data(), &word, mac.size());
    return mac;
  }

 private:
  std::atomic<std::uint64_t> word_{0};
};

class Ha2Link final : public ha2::Link {
 public:
  // Sends by `port`'s queue of this worker, or, where `relay` is given, through the ring of the
  // worker that has one. `faults`: what is done to them on the way; null: nothing.
  Ha2Link(Port* port, std::uint16_t worker, HandoffRing* relay, const PacketPool& pool,
          const ha2::EncapConfig& encap, const PeerMac& peer_mac, std::uint16_t frame_bytes_max,
          std::unique_ptr<LinkFaults> faults = nullptr) noexcept;
  ~Ha2Link();

  std::span<std::byte> try_frame() noexcept override;
  void send(std::size_t frame_bytes, std::uint16_t partition) noexcept override;

  // Sends packets that are complete: another core's, on their way through this one. No fault is
  // done to them, as it was done where they were made.
  void pass_on(std::span<rte_mbuf*> packets) noexcept;

  // Sends what waits here; with faults, also what was held until now.
  void flush() noexcept;

  // Null where none are enabled.
  LinkFaults* faults() const noexcept { return faults_.get(); }

  std::uint64_t dropped_count() const noexcept {
    return dropped_count_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint16_t kBurst = 32;

  void apply_faults() noexcept;

  Port* port_;
  std::uint16_t worker_;
  HandoffRing* relay_;
  rte_mempool* pool_;
  ha2::EncapConfig encap_;
  const PeerMac& peer_mac_;
  std::uint16_t frame_bytes_max_;
  std::size_t encap_bytes_;
  std::unique_ptr<LinkFaults> faults_;
  rte_mbuf* open_ = nullptr;
  std::array<rte_mbuf*, kBurst> waiting_{};
  std::uint16_t waiting_count_ = 0;
  std::atomic<std::uint64_t> dropped_count_{0};  // relaxed: a statistic with one writer
};

}  // namespace twinplane::dataplane
