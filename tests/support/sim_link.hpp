// SPDX-License-Identifier: BSD-3-Clause
// sim_link.hpp - one direction of the HA2 link, with every fault that a link can have, in virtual
// time.
//
// Thread:  one.
// Memory:  what is under way, and a few old frames to replay; allocates freely.
// Limits:  loss to 1000 permille; delays below 2^32 ns.
// Errors:  none: faults are its purpose.
// Spec:    link.hpp; ha2/PROTOCOL.md section 5 says what the streams must bear.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "ha2/link.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::tests {

// Rates in permille of the frames. All zero: a perfect link with a delay.
struct LinkFaults {
  std::uint32_t loss = 0;
  std::uint32_t burst_start = 0;  // a run of up to burst_frames_max frames is lost
  std::uint32_t burst_frames_max = 0;
  std::uint32_t status_loss = 0;  // of status frames alone
  std::uint32_t duplicate = 0;
  std::uint32_t reorder = 0;  // held back by up to reorder_ns_max more
  std::uint32_t reorder_ns_max = 0;
  std::uint32_t flip = 0;  // up to 8 bits changed
  std::uint32_t truncate = 0;
  std::uint32_t replay = 0;  // with a frame goes an old one, of any stream that ever ran here
  std::uint32_t refuse = 0;  // no buffer, for up to refuse_ns_max
  std::uint32_t refuse_ns_max = 0;
  std::uint32_t delay_ns_min = 0;
  std::uint32_t delay_ns_max = 0;
};

class SimLink final : public ha2::Link {
 public:
  SimLink(std::uint64_t seed, std::size_t frame_bytes) : prng_(seed), scratch_(frame_bytes) {}

  std::span<std::byte> try_frame() noexcept override;
  void send(std::size_t frame_bytes, std::uint16_t partition) noexcept override;

  void set_now(std::uint64_t now_ns) noexcept { now_ns_ = now_ns; }

  // What the old faults had begun, a burst or a shortage of buffers, ends.
  void set_faults(const LinkFaults& faults) noexcept {
    faults_ = faults;
    burst_left_ = 0;
    refuse_until_ns_ = 0;
  }

  // Everything sent while cut is lost.
  void set_cut(bool is_cut) noexcept { is_cut_ = is_cut; }

  // What is under way is lost too.
  void drop_all() noexcept { under_way_.clear(); }

  // Hands over the next frame that has arrived by now; false when there is none.
  [[nodiscard]] bool try_receive(std::vector<std::byte>& frame);

  bool is_idle() const noexcept { return under_way_.empty(); }

  std::uint64_t sent_count() const noexcept { return sent_count_; }

 private:
  bool is_lost(std::span<const std::byte> frame) noexcept;
  void put_under_way(std::span<const std::byte> frame);
  void damage(std::vector<std::byte>& frame) noexcept;

  static constexpr std::size_t kArchiveFrames = 256;

  Prng prng_;
  std::vector<std::byte> scratch_;
  LinkFaults faults_;
  bool is_cut_ = false;
  std::uint64_t now_ns_ = 0;
  std::uint64_t refuse_until_ns_ = 0;
  std::uint32_t burst_left_ = 0;
  std::uint64_t sent_count_ = 0;
  std::multimap<std::uint64_t, std::vector<std::byte>> under_way_;  // by arrival
  std::array<std::vector<std::byte>, kArchiveFrames> archive_;
};

}  // namespace twinplane::tests
