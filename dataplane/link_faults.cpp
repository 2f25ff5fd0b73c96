// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/link_faults.hpp"

#include <algorithm>

#include "dataplane/clock.hpp"

namespace twinplane::dataplane {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kNsPerS = 1'000'000'000;
constexpr std::uint16_t kDamageFromByte = 14;  // behind the Ethernet header, so that it arrives
constexpr std::uint64_t kFlippedBitsMax = 4;
constexpr std::uint32_t kRateBurstsPerS = 100;  // what may come at once: a hundredth of a second's

std::uint64_t ns_of(double milliseconds) {
  return static_cast<std::uint64_t>(milliseconds * static_cast<double>(kNsPerMs));
}

}  // namespace

LinkFaults::LinkFaults(const FaultsConfig& config, std::uint8_t box_id, std::uint16_t sender,
                       std::uint64_t now_ns)
    : loss_(chance_of(config.loss_percent)),
      burst_(chance_of(config.burst_percent)),
      duplicate_(chance_of(config.duplicate_percent)),
      reorder_(chance_of(config.reorder_percent)),
      corrupt_(chance_of(config.corrupt_percent)),
      burst_frames_(config.burst_frames),
      delay_min_ns_(ns_of(config.delay_ms)),
      delay_max_ns_(ns_of(config.delay_max_ms)),
      stall_ns_(config.stall_ms * kNsPerMs),
      stall_every_ns_(config.stall_every_s * kNsPerS),
      start_ns_(now_ns),
      random_((config.seed << 24U) ^ (std::uint64_t{box_id} << 16U) ^ sender) {
  if (config.rate_frames_per_s != 0)
    rate_.emplace(TokenBucketLimits{.rate_per_s = config.rate_frames_per_s,
                                    .burst = std::max<std::uint64_t>(
                                        1, config.rate_frames_per_s / kRateBurstsPerS)},
                  now_ns);
}

LinkFaults::~LinkFaults() {
  for (std::size_t i = 0; i < held_count_; ++i) rte_pktmbuf_free(held_[i].packet);
}

std::unique_ptr<LinkFaults> LinkFaults::try_make(const Config& config, std::uint16_t sender) {
  if (!config.faults.enabled) return nullptr;
  return std::make_unique<LinkFaults>(config.faults, config.box.id, sender, dataplane::now_ns());
}

bool LinkFaults::is_later(const Held& one, const Held& other) noexcept {
  return one.due_ns != other.due_ns ? one.due_ns > other.due_ns : one.number > other.number;
}

std::uint64_t LinkFaults::chance_of(double percent) noexcept {
  return static_cast<std::uint64_t>(percent / 100 * 4294967296.0);
}

// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t LinkFaults::draw() noexcept {
  std::uint64_t value = random_ += 0x9E37'79B9'7F4A'7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D0'49BB'1331'11EBU;
  return value ^ (value >> 31U);
}

std::uint64_t LinkFaults::draw_between(std::uint64_t min, std::uint64_t max) noexcept {
  return min + draw() % (max - min + 1);
}

bool LinkFaults::is_lost(std::uint64_t now_ns) noexcept {
  if (burst_left_ == 0 && happens(burst_)) burst_left_ = burst_frames_;
  if (burst_left_ != 0) {
    --burst_left_;
    add(LinkFault::kLostInBurst);
    return true;
  }
  if (happens(loss_)) {
    add(LinkFault::kLost);
    return true;
  }
  if (rate_.has_value() && !rate_->try_take(now_ns)) {
    add(LinkFault::kQueueFull);
    return true;
  }
  return false;
}

void LinkFaults::corrupt(rte_mbuf* packet) noexcept {
  auto* const start = rte_pktmbuf_mtod_offset(packet, std::uint8_t*, kDamageFromByte);
  const std::uint64_t bit_count = (packet->data_len - std::uint64_t{kDamageFromByte}) * 8;
  for (std::uint64_t left = draw_between(1, kFlippedBitsMax); left != 0; --left) {
    const std::uint64_t bit = draw_between(0, bit_count - 1);
    start[bit / 8] = static_cast<std::uint8_t>(start[bit / 8] ^ (1U << (bit % 8)));
  }
  add(LinkFault::kCorrupted);
}

// A stall ends its period, so that a box which starts is not in one.
bool LinkFaults::is_stalled(std::uint64_t now_ns) const noexcept {
  return stall_ns_ != 0 && is_on() &&
         (now_ns - start_ns_) % stall_every_ns_ >= stall_every_ns_ - stall_ns_;
}

bool LinkFaults::try_hold(rte_mbuf* packet, std::uint64_t due_ns, bool is_in_order) noexcept {
  if (held_count_ == kHeldMax) return false;
  held_[held_count_++] = {due_ns, held_number_++, packet, is_in_order};
  in_order_count_ += is_in_order ? 1 : 0;
  std::push_heap(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(held_count_), is_later);
  return true;
}

bool LinkFaults::take(rte_mbuf* packet, std::uint64_t now_ns) noexcept {
  if (!is_on()) return in_order_count_ != 0 && try_hold(packet, last_due_ns_, true);
  add(LinkFault::kFrames);
  if (is_lost(now_ns)) {
    rte_pktmbuf_free(packet);
    return true;
  }
  if (happens(corrupt_)) corrupt(packet);
  std::uint64_t due_ns = now_ns;
  if (delay_max_ns_ != 0) {
    due_ns += draw_between(delay_min_ns_, delay_max_ns_);
    add(LinkFault::kDelayed);
  }
  last_due_ns_ = due_ns = std::max(last_due_ns_, due_ns);
  const bool is_stalled_now = is_stalled(now_ns);
  if (is_stalled_now) add(LinkFault::kStalled);
  const bool is_reordered = happens(reorder_);
  if (is_reordered) due_ns += draw_between(kReorderMinNs, kReorderMaxNs);
  if (happens(duplicate_)) {
    // The same buffer twice: a device or ring gives it back twice.
    rte_mbuf_refcnt_update(packet, 1);
    if (try_hold(packet, due_ns + draw_between(0, kReorderMaxNs), false)) {
      add(LinkFault::kDuplicated);
    } else {
      rte_mbuf_refcnt_update(packet, -1);
      add(LinkFault::kNotHeld);
    }
  }
  // What is held in order may be due, and not released yet.
  if (due_ns <= now_ns && !is_stalled_now && in_order_count_ == 0) return false;
  if (try_hold(packet, due_ns, !is_reordered)) {
    if (is_reordered) add(LinkFault::kReordered);
    return true;
  }
  if (!is_stalled_now && in_order_count_ == 0) {
    add(LinkFault::kNotHeld);
    return false;
  }
  add(LinkFault::kQueueFull);
  rte_pktmbuf_free(packet);
  return true;
}

std::uint16_t LinkFaults::release(std::span<rte_mbuf*> out, std::uint64_t now_ns) noexcept {
  if (held_count_ == 0 || is_stalled(now_ns)) return 0;
  const std::uint64_t until_ns = is_on() ? now_ns : ~std::uint64_t{0};
  std::uint16_t count = 0;
  while (count < out.size() && held_count_ != 0 && held_.front().due_ns <= until_ns) {
    std::pop_heap(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(held_count_),
                  is_later);
    const Held& held = held_[--held_count_];
    in_order_count_ -= held.is_in_order ? 1 : 0;
    out[count++] = held.packet;
  }
  return count;
}

}  // namespace twinplane::dataplane
