// SPDX-License-Identifier: BSD-3-Clause
// announcer.hpp - tells every link that this box now has the pair's addresses: at once, after 100
// ms, after 1 s.
//
// Thread:  the home worker.
// Memory:  a few words.
// Limits:  kBatchMax addresses a call, so that a box with many does not overrun its own transmit
//          rings; poll() goes on.
// Errors:  an address that finds no buffer waits for the next round.
// Spec:    RFC 5227 sections 2.3 and 2.4, RFC 4861 section 7.2.6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/neighbor_sender.hpp"
#include "dataplane/own_addresses.hpp"

namespace twinplane::dataplane {

class Announcer {
 public:
  static constexpr std::size_t kBatchMax = 64;
  static constexpr std::array<std::uint64_t, 3> kRoundsMs{0, 100, 1000};  // after start()
  // RFC 5227 section 2.4 (c)
  static constexpr std::uint64_t kDefendIntervalMs = 10'000;

  Announcer(const OwnAddresses& own, NeighborSender& sender) noexcept
      : own_(own), sender_(sender) {}

  // Begins all rounds anew; the first goes out before it returns.
  void start(std::uint64_t now_ms) noexcept;

  void stop() noexcept { round_ = kRoundsMs.size(); }

  // Somebody else uses an address of ours: says once in kDefendIntervalMs whose it is.
  void defend(std::size_t port_index, const IpAddress& own, std::uint64_t now_ms) noexcept;

  // How many addresses it announced.
  std::size_t poll(std::uint64_t now_ms) noexcept;

 private:
  const OwnAddresses& own_;
  NeighborSender& sender_;
  std::uint64_t start_ms_ = 0;
  std::uint64_t may_defend_ms_ = 0;
  std::size_t round_ = kRoundsMs.size();  // into kRoundsMs; its size: nothing left to do
  std::size_t next_ = 0;                  // address of this round
};

}  // namespace twinplane::dataplane
