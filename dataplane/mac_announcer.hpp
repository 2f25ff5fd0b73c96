// SPDX-License-Identifier: BSD-3-Clause
// mac_announcer.hpp - after a takeover: tells the switches around every bridge domain that the
// addresses behind it are reached through this box now.
//
// Thread:  the home worker.
// Memory:  a few words.
// Limits:  kBatchMax addresses in kPaceMs, so that neither a switch nor this box's own rings are
//          overrun; 8192 addresses take 82 ms a round. Two rounds, the second no earlier than
//          kAgainMs after the first began.
// Errors:  a frame that finds no buffer is counted, and left to the second round.
// Spec:    RFC 903: a reverse ARP request with the address as its sender, as hosts send it for a
//          virtual machine that has moved; D-D26.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/bridging.hpp"
#include "dataplane/frame_sink.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

// Writes the frame; returns its bytes, or 0 where it does not fit.
std::size_t write_mac_announcement(std::span<std::byte> frame, const tables::MacBytes& mac,
                                   std::uint16_t vlan) noexcept;

class MacAnnouncer {
 public:
  static constexpr std::size_t kBatchMax = 100;
  static constexpr std::uint64_t kPaceMs = 1;
  static constexpr std::uint64_t kAgainMs = 1000;
  static constexpr int kRounds = 2;

  MacAnnouncer(Bridging& bridging, const tables::Partition& home, FrameSink& frames) noexcept
      : bridging_(bridging), home_(home), frames_(frames) {}

  // Begins all rounds anew; the first batch goes out before it returns.
  void start(std::uint64_t now_ms) noexcept;

  void stop() noexcept { rounds_left_ = 0; }

  bool is_done() const noexcept { return rounds_left_ == 0; }

  // How many addresses it announced.
  std::size_t poll(std::uint64_t now_ms) noexcept;

 private:
  void announce(const tables::MacBody& body) noexcept;

  Bridging& bridging_;
  const tables::Partition& home_;
  FrameSink& frames_;
  std::uint64_t start_ms_ = 0;  // of this round
  std::uint64_t next_ms_ = 0;
  std::uint32_t next_slot_ = 0;
  int rounds_left_ = 0;
};

}  // namespace twinplane::dataplane
