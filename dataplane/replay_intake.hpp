// SPDX-License-Identifier: BSD-3-Clause
// replay_intake.hpp - a packet from a capture on its way through the active box: what a worker
// does, with neighbors and groups heard and nobody asked.
//
// Thread:  main.
// Memory:  the fragment table, taken at construction.
// Limits:  frames of one packet buffer (65407 bytes); longer ones are dropped as no_buffer.
// Errors:  every packet is counted in exactly one place of counts().
// Spec:    the order of steps is that of worker_packets.cpp, and each step is the same code:
//          parse(), FragmentTable, named_flow(), flow_hash(), Forwarder, cut(), try_sign(),
//          build_icmp_error(). There is nobody to resolve a next hop for, so link headers stay.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/forward.hpp"
#include "dataplane/fragment.hpp"
#include "dataplane/replay_box.hpp"
#include "dataplane/replay_capture.hpp"
#include "dataplane/replay_counts.hpp"
#include "dataplane/replay_home.hpp"
#include "dataplane/sctp_forward.hpp"
#include "dataplane/token_bucket.hpp"

namespace twinplane::dataplane {

struct IntakeSetup {
  ForwardContext forward;
  ReplayBox& box;
  const PacketPool& pool;
  CaptureWriter* writer;  // null: what is sent is counted alone
  std::uint64_t seed;     // of the fragment table's hash
  bool accepts_any_vlan;  // else the VLAN of the port that the packet comes in by
  bool picks_up;
};

class ReplayIntake {
 public:
  ReplayIntake(const IntakeSetup& setup, std::uint64_t now_ns);

  // Takes the packet over.
  void take(rte_mbuf* packet, std::uint64_t now_ns) noexcept;

  const ReplayCounts& counts() const noexcept { return counts_; }

 private:
  // A packet, and the one that names its session: itself or, of an ICMP error, its quote.
  struct Intake {
    std::span<std::byte> frame;
    PacketView& view;
    PacketView& quote;
    const PacketView& named;
  };

  // What becomes of the packet; nothing when it has been counted.
  std::optional<ForwardResult> decide(std::span<std::byte> frame, PacketView& view,
                                      std::uint64_t now_ns) noexcept;
  template <class Address>
  ForwardResult forward(const Intake& intake, std::uint64_t now_ns) noexcept;
  std::optional<ForwardResult> forward_sctp(const Intake& intake, std::uint64_t now_ns) noexcept;
  std::uint8_t ingress_of(const PacketView& view) const noexcept;
  bool is_vlan_served(const PacketView& view) const noexcept;
  bool knows_fragment(PacketView& view, std::uint64_t now_ns) noexcept;
  // Takes the packet over.
  void send_on(rte_mbuf* packet, const PacketView& view, const ForwardResult& result) noexcept;
  void answer_with_error(std::span<const std::byte> frame, const PacketView& view,
                         const ForwardResult& result, std::uint64_t now_ns) noexcept;
  // Takes the packet over, in any case.
  [[nodiscard]] bool try_send(rte_mbuf* packet) noexcept;

  IntakeSetup setup_;
  Forwarder forwarder_;
  SctpForwarder sctp_forwarder_;
  ReplayHome home_;
  FragmentTable fragments_;
  TokenBucket icmp_errors_;
  ReplayCounts counts_;
  std::uint8_t ingress_port_ = 0;  // of the packet at hand
};

}  // namespace twinplane::dataplane
