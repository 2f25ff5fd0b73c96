// SPDX-License-Identifier: BSD-3-Clause
// sequence_traffic.hpp - packets of IPsec SAs at the box that owns them, through its keeper; and
// invariant I6 beside it: no number is used twice, and none accepted twice, whoever does it.
//
// Thread:  one.
// Memory:  every number that was accepted; allocates freely.
// Limits:  65535 SAs, one after the other. Inbound packets come at a constant rate that the owner
//          was told, as a takeover can only make up for a rate that is known.
// Errors:  an empty string when all is well, else one sentence.
// Spec:    ha2/PROTOCOL.md section 12 and invariant I6.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "tests/support/prng.hpp"
#include "tests/support/sim_pair.hpp"

namespace twinplane::tests {

class SequenceTraffic {
 public:
  explicit SequenceTraffic(std::uint64_t seed) : prng_(seed) {}

  // A moment at the owner: packets on each SA, and now and then an SA that comes or goes.
  void turn(Box& owner, std::uint64_t now_ns);

  // After a time without turns, in which nobody has followed the rates of what comes in.
  void end_inbound(Box& owner);

  // I6, as far as it was broken.
  const std::string& why_wrong() const noexcept { return why_wrong_; }

  // Results of takeovers, by ha2::SequenceResult, and moments in which an SA went on without
  // answers.
  std::uint64_t result_count(ha2::SequenceResult result) const noexcept {
    return results_[static_cast<std::size_t>(result)];
  }

  std::uint64_t ungranted_count() const noexcept { return ungranted_count_; }

  // Each takeover is looked at once.
  void note_takeover(const Box& taker, std::uint64_t now_ns);

 private:
  struct Sa {
    bool is_inbound = false;
    std::uint32_t rate_per_s = 0;  // inbound: of the peer's packets
    std::uint64_t opened_ns = 0;
    std::uint64_t used = 0;            // outbound: the highest number that any box has used
    std::uint64_t arrived = 0;         // inbound: the highest that has come
    std::set<std::uint64_t> accepted;  // inbound
  };

  void blame(const std::string& why) {
    if (why_wrong_.empty()) why_wrong_ = "I6 " + why;
  }

  void open(Box& owner, std::uint64_t now_ns);
  void send(Box& owner, std::uint32_t slot, std::uint32_t spi, std::uint64_t now_ns);
  void receive(Box& owner, std::uint32_t slot, std::uint32_t spi, std::uint64_t now_ns);
  void arrive(Box& owner, std::uint32_t slot, std::uint32_t spi, std::uint64_t sequence,
              std::uint64_t now_ns);

  Prng prng_;
  std::uint32_t last_spi_ = 0x100;
  std::map<std::uint32_t, Sa> sas_;
  std::array<std::uint64_t, 4> results_{};
  std::uint64_t ungranted_count_ = 0;
  std::string why_wrong_;
};

}  // namespace twinplane::tests
