// SPDX-License-Identifier: BSD-3-Clause
// pair_fixture.hpp - two Pair machines over links that can be cut one by one, on one virtual clock.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  none.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md section 8.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ha2/pair.hpp"

namespace twinplane::ha2 {

inline constexpr std::uint64_t kMs = 1'000'000;

// One direction of one path.
class Wire final : public Link {
 public:
  std::span<std::byte> try_frame() noexcept override { return room_; }

  void send(std::size_t frame_bytes, std::uint16_t /*partition*/) noexcept override {
    if (is_cut) return;
    frames.emplace_back(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(frame_bytes));
    last_sent = frames.back();
  }

  bool is_cut = false;
  std::deque<std::vector<std::byte>> frames;
  std::vector<std::byte> last_sent;

 private:
  std::array<std::byte, 1500> room_{};
};

struct Box {
  std::optional<Pair> pair;
  std::array<Wire, kPathCount> out;  // by path
};

class Boxes : public testing::Test {
 protected:
  PairConfig config(std::uint8_t id) {
    PairConfig config;
    config.box_id = id;
    config.priority = static_cast<std::uint8_t>(id == 0 ? 100 : 50);
    config.items = {{"partitions", 4, true}, {"mtu", 1500, false}};
    return config;
  }

  // Box 0 as ever, box 1 as given, and time enough to agree.
  void meet(const PairConfig& other) {
    start(0, config(0));
    start(1, other);
    run(1500);
  }

  void start(std::size_t id, PairConfig config) {
    ++boot_id_;
    boxes_[id].pair.emplace(std::move(config), boot_id_, boot_id_ * 77);
    for (Wire& wire : boxes_[id].out) wire.frames.clear();
  }

  void start_both() {
    start(0, config(0));
    start(1, config(1));
    run(1500);
  }

  // Both at once, each with what it has kept.
  void start_both_with(const KeptTables& kept0, const KeptTables& kept1) {
    PairConfig config0 = config(0);
    PairConfig config1 = config(1);
    config0.kept = kept0;
    config1.kept = kept1;
    start(0, std::move(config0));
    start(1, std::move(config1));
    run(3000);
  }

  void kill(std::size_t id) { boxes_[id].pair.reset(); }

  // `frozen`: a box that does not run, as under SIGSTOP.
  void run(std::uint64_t ms, std::optional<std::size_t> frozen = {}) {
    for (std::uint64_t i = 0; i < ms; ++i) {
      now_ns_ += kMs;
      for (std::size_t id = 0; id < 2; ++id) {
        if (!boxes_[id].pair || frozen == id) continue;
        deliver(1 - id, id);
        boxes_[id].pair->poll(now_ns_, boxes_[id].out[0], boxes_[id].out[1]);
      }
    }
  }

  void deliver(std::size_t from, std::size_t to) {
    for (std::size_t path = 0; path < kPathCount; ++path) {
      std::deque<std::vector<std::byte>>& frames = boxes_[from].out[path].frames;
      while (!frames.empty()) {
        const Decoded decoded = decode(frames.front());
        ASSERT_EQ(decoded.error, DecodeError::kNone);
        const auto type = static_cast<FrameType>(decoded.frame.header.type);
        if (are_keepalives_lost_ && type == FrameType::kKeepalive) {
          frames.pop_front();
          continue;
        }
        boxes_[to].pair->on_frame(static_cast<Path>(path), decoded.frame, now_ns_);
        frames.pop_front();
      }
    }
  }

  void cut(Path path, bool is_cut) {
    for (Box& box : boxes_) box.out[static_cast<std::size_t>(path)].is_cut = is_cut;
  }

  Pair& pair(std::size_t id) { return *boxes_[id].pair; }

  Role role(std::size_t id) { return pair(id).role(); }

  std::uint64_t now_ns_ = 1'000 * kMs;
  std::uint64_t boot_id_ = 1000;
  bool are_keepalives_lost_ = false;
  std::array<Box, 2> boxes_;
};

}  // namespace twinplane::ha2
