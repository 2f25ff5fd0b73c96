// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_pair.hpp"

#include "dataplane/replay_config.hpp"

namespace twinplane::dataplane {

namespace {

// so that no age is 0, which some fields read as "never"
constexpr std::uint64_t kStartNs = 1'000'000'000;
constexpr std::uint32_t kFrames = 4096;
constexpr std::uint16_t kLinkBytes = 64;  // what stands in front of a frame, rounded up

PoolSize frame_pool_size(const Ha2Config& ha2) {
  return {kFrames, static_cast<std::uint16_t>(ha2.mtu_bytes + kLinkBytes)};
}

}  // namespace

ReplayPair::ReplayPair(const Config& config, const ReplayOptions& options)
    : pool_("ha2", frame_pool_size(config.ha2)),
      to_passive_(kRingToPassive, config.ha2.mtu_bytes, pool_,
                  {options.loss_percent, 2 * options.seed}),
      to_active_(kRingToActive, config.ha2.mtu_bytes, pool_,
                 {options.loss_percent, 2 * options.seed + 1}),
      active_({config, ha2::Holding::kOwner, to_passive_, to_active_, pool_, options.seed}),
      passive_({config, ha2::Holding::kMirror, to_active_, to_passive_, pool_, ~options.seed}),
      stream_ns_(kStartNs),
      expired_ns_(kStartNs) {}

bool ReplayPair::turn(std::uint64_t now_ns) noexcept {
  bool is_quiet = true;
  for (std::uint32_t i = 0; i < active_.partition_count(); ++i) {
    if (active_.is_quiet(i)) continue;
    is_quiet = false;
    active_.poll(i, now_ns);
    passive_.take_frames(now_ns);
    passive_.poll(i, now_ns);
    active_.take_frames(now_ns);
  }
  return is_quiet;
}

void ReplayPair::advance_to(std::uint64_t target_ns, bool expires) noexcept {
  while (target_ns >= stream_ns_ + kTurnNs) {
    stream_ns_ += kTurnNs;
    if (turn(stream_ns_)) stream_ns_ = target_ns;
  }
  if (!expires) return;
  while (target_ns - expired_ns_ > kLongSilenceNs && active_.live_count() != 0)
    expire(expired_ns_ + kLongSilenceNs);
  if (target_ns - expired_ns_ >= kExpireIntervalNs) expire(target_ns);
}

void ReplayPair::expire(std::uint64_t now_ns) noexcept {
  active_.expire(now_ns, now_ns - expired_ns_);
  expired_ns_ = now_ns;
}

bool ReplayPair::try_settle() noexcept {
  for (std::uint64_t spent_ns = 0; spent_ns < kSettleNs; spent_ns += kSettleTurnNs) {
    stream_ns_ += kSettleTurnNs;
    if (turn(stream_ns_)) return true;
  }
  return false;
}

}  // namespace twinplane::dataplane
