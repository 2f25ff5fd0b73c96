// SPDX-License-Identifier: BSD-3-Clause
// sim_link.hpp - one direction of a link, HA2 or HA1, with every fault that a link can have, in
// virtual time.
//
// Thread:  one.
// Memory:  what is under way, and a few old frames to replay; buffers are used again. What it
//          allocates while the engine calls it is counted, so that a checker can take it off.
// Limits:  loss to 1000 permille; delays below 2^32 ns.
// Errors:  none: faults are its purpose.
// Spec:    link.hpp; ha2/PROTOCOL.md section 5 says what the streams must bear.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <queue>
#include <span>
#include <string>
#include <tuple>
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
  std::uint32_t squeeze_frames_per_ms = 0;  // bandwidth; 0 = as much as comes
  std::uint32_t squeeze_queue_frames = 0;   // that wait for it; what comes then is dropped
  std::uint32_t ring_frames = 0;            // that wait at the receiver; 0 = as many as come
  std::uint32_t malformed = 0;  // with a frame goes one under a right checksum that no engine makes
};

// What a fault did, counted for each link.
enum class LinkFault : std::uint8_t {
  kLoss,
  kBurst,
  kStatusLoss,
  kDuplicate,
  kReorder,
  kFlip,
  kTruncate,
  kReplay,
  kRefuse,
  kSqueeze,
  kRing,
  kMalformed,
  kCut,
  kCount
};
inline constexpr std::size_t kLinkFaultCount = static_cast<std::size_t>(LinkFault::kCount);

// Changes what is sent before any fault has it.
class FrameStage {
 public:
  FrameStage() = default;
  FrameStage(const FrameStage&) = delete;
  FrameStage& operator=(const FrameStage&) = delete;
  virtual ~FrameStage() = default;

  // A sealed frame in the first frame_bytes of `room`; returns its new size.
  virtual std::size_t rework(std::span<std::byte> room, std::size_t frame_bytes) = 0;
};

// Makes a frame malformed, under a right checksum; false when it does not know how.
using MakeMalformed = bool (*)(std::vector<std::byte>& frame, Prng& prng);

class SimLink final : public ha2::Link {
 public:
  SimLink(std::uint64_t seed, std::size_t frame_bytes)
      : prng_(seed),
        later_(seed ^ 0x1A7E1A7EU),
        frame_bytes_(frame_bytes),
        scratch_(frame_bytes + kStageBytesMax) {}

  std::span<std::byte> try_frame() noexcept override;
  void send(std::size_t frame_bytes, std::uint16_t partition) noexcept override;

  void set_now(std::uint64_t now_ns);

  // What the old faults had begun, a burst or a shortage of buffers, ends.
  void set_faults(const LinkFaults& faults) noexcept {
    faults_ = faults;
    burst_left_ = 0;
    refuse_until_ns_ = 0;
    busy_until_ns_ = 0;
  }

  // Everything sent while cut is lost.
  void set_cut(bool is_cut) noexcept { is_cut_ = is_cut; }

  bool is_cut() const noexcept { return is_cut_; }

  void set_stage(FrameStage* stage) noexcept { stage_ = stage; }

  void set_malformer(MakeMalformed make_malformed) noexcept { make_malformed_ = make_malformed; }

  // The sender began anew, with frames of its own size.
  void set_frame_bytes(std::size_t frame_bytes) {
    frame_bytes_ = frame_bytes;
    scratch_.resize(frame_bytes + kStageBytesMax);
  }

  // Up to so many of the hellos, or of the other frames, that were ever sent here arrive again.
  // Returns how many.
  std::uint32_t replay(bool are_hellos, std::uint32_t count);

  // What is under way is lost too.
  void drop_all() noexcept;

  struct Received {
    std::span<const std::byte> bytes;
    std::uint64_t sent_ns = 0;  // of a replayed frame: when it was sent first
    bool is_malformed = false;
  };

  // Hands over the next frame that has arrived by now, valid until the next call; no bytes when
  // there is none.
  [[nodiscard]] Received try_receive();

  bool is_idle() const noexcept { return under_way_.empty() && ring_.empty(); }

  std::uint64_t sent_count() const noexcept { return sent_count_; }

  std::uint64_t count_of(LinkFault fault) const noexcept {
    return fault_counts_[static_cast<std::size_t>(fault)];
  }

  // Made by this link within send().
  std::uint64_t allocation_count() const noexcept { return allocation_count_; }

  // S2: a data frame under a seq that its stream had used before; empty when there was none.
  const std::string& seq_used_twice() const noexcept { return seq_used_twice_; }

 private:
  static constexpr std::uint32_t kArchiveFrames = 256;
  static constexpr std::uint32_t kArchiveHellos = 32;
  static constexpr std::size_t kStageBytesMax = 256;  // what a stage may add

  struct Kept {
    std::vector<std::byte> bytes;
    std::uint64_t sent_ns = 0;
    bool is_malformed = false;
  };

  struct Arrival {
    std::uint64_t at_ns;
    std::uint64_t order;  // frames of one moment keep their order
    std::uint32_t place;  // in kept_

    friend bool operator>(const Arrival& left, const Arrival& right) noexcept {
      return std::tie(left.at_ns, left.order) > std::tie(right.at_ns, right.order);
    }
  };

  bool is_lost(std::span<const std::byte> frame) noexcept;
  bool hits(std::uint32_t permille, LinkFault fault) noexcept;

  void note(LinkFault fault) noexcept { ++fault_counts_[static_cast<std::size_t>(fault)]; }

  void put_under_way(std::span<const std::byte> frame, std::uint64_t sent_ns, bool is_malformed);
  bool try_replay(const Kept& old);
  void damage(std::vector<std::byte>& frame) noexcept;
  void watch_seq(std::span<const std::byte> frame);
  std::uint32_t take_place();

  Prng prng_;
  Prng later_;  // for what came later, so that older seeds keep their meaning
  std::size_t frame_bytes_;
  std::vector<std::byte> scratch_;
  LinkFaults faults_;
  FrameStage* stage_ = nullptr;
  MakeMalformed make_malformed_ = nullptr;
  bool is_cut_ = false;
  std::uint64_t now_ns_ = 0;
  std::uint64_t refuse_until_ns_ = 0;
  std::uint64_t busy_until_ns_ = 0;
  std::uint32_t burst_left_ = 0;
  std::uint64_t sent_count_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t allocation_count_ = 0;
  std::array<std::uint64_t, kLinkFaultCount> fault_counts_{};
  std::vector<Kept> kept_;
  std::vector<std::uint32_t> free_places_;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> under_way_;
  std::deque<std::uint32_t> ring_;  // arrived and waiting, where the ring has an end
  std::uint32_t received_place_ = kNoPlace;
  std::array<Kept, kArchiveFrames> archive_;
  std::map<std::tuple<std::uint16_t, std::uint32_t, std::uint32_t>, std::uint64_t> last_seqs_;
  std::string seq_used_twice_;

  static constexpr std::uint32_t kNoPlace = 0xFFFF'FFFF;
};

}  // namespace twinplane::tests
