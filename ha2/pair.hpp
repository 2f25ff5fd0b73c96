// SPDX-License-Identifier: BSD-3-Clause
// pair.hpp - the box and its peer: hello, what must match, keepalives on two paths, who is active.
//
// Thread:  one control thread.
// Memory:  a few kilobytes, taken at construction.
// Limits:  up to kHelloItemsMax items; two paths.
// Errors:  a peer that differs is refused with the reason in words, on both boxes; nothing is
//          replicated then.
// Spec:    PROTOCOL.md section 8; DESIGN.md D-H6, D-H7, D-H11. A peer is dead only when every path
//          to it is silent.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ha2/counters.hpp"
#include "ha2/decode.hpp"
#include "ha2/link.hpp"
#include "ha2/replica.hpp"

namespace twinplane::ha2 {

enum class Role : std::uint8_t { kInitial = 0, kActive = 1, kPassive = 2 };
std::string_view name_of(Role role) noexcept;

enum class Path : std::uint8_t { kHa2 = 0, kHa1 = 1 };
inline constexpr std::size_t kPathCount = 2;
inline constexpr std::size_t kHelloItemsMax = 32;

// A property of this box that the peer compares with its own.
struct PairItem {
  std::string name;  // up to 23 characters
  std::uint64_t value = 0;
  bool must_equal = true;
};

// The tables of an earlier life that a box starts with.
struct KeptTables {
  bool are_there = false;
  bool were_active = false;  // the box was the active one when it ended
  std::uint32_t term = 0;    // the highest that it had seen by then
};

struct PairConfig {
  std::uint8_t box_id = 0;      // 0 or 1
  std::uint8_t priority = 100;  // higher becomes active when both start
  std::uint16_t frame_bytes_max = 1500;
  // what the largest entry needs: a peer that takes less is refused
  std::uint16_t frame_bytes_min = kFrameBytesNeeded;
  std::uint64_t keepalive_interval_ns = 10'000'000;
  std::uint32_t keepalive_threshold = 3;
  std::uint64_t boot_hold_ns = 1'000'000'000;
  std::uint64_t hello_interval_ns = 100'000'000;
  tables::KindSet kinds = kept_kinds(HaMode::kActivePassive);  // what this box keeps equal
  KeptTables kept;
  std::vector<PairItem> items;
};

enum class Refusal : std::uint8_t { kNone = 0, kItemDiffers = 1, kItemMissing = 2, kSameBoxId = 3 };

// When things happened, on the clock given to poll().
struct TakeoverTimes {
  std::uint64_t last_heard_ns = 0;
  std::uint64_t detected_ns = 0;
};

class Pair {
 public:
  // boot_id and nonce_seed are drawn at start and differ at each start.
  Pair(PairConfig config, std::uint64_t boot_id, std::uint64_t nonce_seed);

  // A decoded hello or keepalive that came in on `path`.
  void on_frame(Path path, const FrameView& frame, std::uint64_t now_ns);

  // Decides, and sends what is due on each path. Call it at least twice a keepalive interval, after
  // all waiting frames.
  void poll(std::uint64_t now_ns, Link& ha2_link, Link& ha1_link);

  // What each partition is to do now.
  Assignment assignment() const noexcept;

  // What both boxes keep equal; nothing while there is no session.
  tables::KindSet kinds() const noexcept {
    return session_ == 0 ? tables::KindSet{} : config_.kinds & peer_.kinds;
  }

  // What the peer says that it keeps equal.
  tables::KindSet peer_kinds() const noexcept { return peer_.kinds; }

  // This box goes down on purpose: the peer takes over at the next keepalive.
  void leave() noexcept { is_leaving_ = true; }

  // Told to the peer with each keepalive: this box is active and the peer's mirror is complete.
  void set_synced(bool is_synced) noexcept { is_synced_ = is_synced; }

  Role role() const noexcept { return role_; }

  const std::string& reason() const noexcept { return reason_; }

  std::uint32_t term() const noexcept { return term_; }

  bool is_peer_alive(std::uint64_t now_ns) const noexcept;
  bool is_path_up(Path path, std::uint64_t now_ns) const noexcept;

  bool is_paired() const noexcept { return session_ != 0; }

  // Boot id of the peer's life that is believed to live; 0 = none was heard yet.
  std::uint64_t peer_boot_id() const noexcept { return peer_.boot_id; }

  bool is_refused() const noexcept {
    return my_refusal_ != Refusal::kNone || peer_refusal_ != Refusal::kNone;
  }

  bool is_peer_synced() const noexcept { return peer_.is_synced; }

  // From now on this box says `value` of the item, which it has said another of; it must be there.
  void set_item(std::string_view name, std::uint64_t value);

  // The peer, whose hello is compared, says another value of the item than this box; what need not
  // be equal is told by this alone.
  bool is_different(std::string_view name) const noexcept;

  const std::string& refusal_text() const noexcept { return refusal_text_; }

  // "link MTU: here 9000, peer 1500: frames of 1500 are used", or empty.
  const std::string& mtu_note() const noexcept { return mtu_note_; }

  const TakeoverTimes& takeover() const noexcept { return takeover_; }

  // How often neighbors of this active box may have been drawn to the peer: it gave way, or another
  // life of it speaks, which may have been active unheard. Each time the box's addresses are to be
  // announced again.
  std::uint32_t reannounce_count() const noexcept { return reannounce_count_; }

  std::uint64_t refused_hello_count() const noexcept { return refused_hello_count_; }

  std::uint64_t bad_frame_count() const noexcept { return bad_frame_count_; }

 private:
  struct Peer {
    std::uint64_t boot_id = 0;       // believed: it echoed my nonce
    std::uint64_t candidate_id = 0;  // seen, not believed yet
    std::uint64_t speaker_id = 0;    // boot id of the last keepalive
    std::uint32_t keepalive_count = 0;
    std::uint64_t nonce = 0;  // to echo
    bool knows_me = false;
    // As it said when this life of it was first believed.
    bool holds_tables = false;
    std::uint16_t frame_bytes_max = 0;
    tables::KindSet kinds;
    Role role = Role::kInitial;
    std::uint8_t priority = 0;
    std::uint8_t box_id = 0;
    std::uint32_t term = 0;
    bool is_synced = false;
    bool is_leaving = false;
    KeptTables kept;  // as the speaker says
  };

  void on_hello(const FrameView& frame, std::uint64_t now_ns);
  void on_keepalive(Path path, const FrameView& frame, std::uint64_t now_ns);
  void compare_items(const FrameView& frame, const HelloBody& hello);
  void settle_session();
  void forgive_own_stall(std::uint64_t now_ns) noexcept;
  void decide(std::uint64_t now_ns);
  void become(Role role, std::string reason, std::uint64_t now_ns);
  bool is_better_than_peer() const noexcept;
  bool is_better_at_start() const noexcept;
  FrameHeader header_of(FrameType type, std::uint64_t now_ns) const noexcept;
  void send_hello(std::uint64_t now_ns, Link& link);
  void send_keepalive(Path path, std::uint64_t now_ns, Link& link);
  std::uint64_t next_nonce() noexcept;
  void bury_peer_life() noexcept;
  bool is_over(std::uint64_t boot_id) const noexcept;

  std::uint64_t silence_max_ns() const noexcept {
    return config_.keepalive_interval_ns * config_.keepalive_threshold;
  }

  PairConfig config_;
  std::uint64_t boot_id_;
  std::uint64_t nonce_state_;
  std::uint64_t nonce_;
  Peer peer_;
  // The last lives of the peer that were believed and have a successor, the newest in front; 0 =
  // none. Their keepalives are not heard; by a hello that echoes a nonce one would live again.
  static constexpr std::size_t kLivesOverMax = 8;
  std::array<std::uint64_t, kLivesOverMax> lives_over_{};
  std::uint32_t session_ = 0;
  Refusal my_refusal_ = Refusal::kNone;
  Refusal peer_refusal_ = Refusal::kNone;
  std::string refusal_text_;
  std::bitset<kHelloItemsMax> is_different_;  // by item
  std::string mtu_note_;
  Role role_ = Role::kInitial;
  std::string reason_ = "starting";
  std::uint32_t term_ = 0;
  bool is_leaving_ = false;
  bool is_synced_ = false;
  bool holds_tables_;
  bool had_stream_ = false;  // with some life of the peer
  std::uint64_t started_ns_ = 0;
  std::uint64_t last_poll_ns_ = 0;
  std::uint64_t last_hello_ns_ = 0;
  std::uint64_t last_keepalive_ns_ = 0;
  std::array<std::uint64_t, kPathCount> last_heard_ns_{};
  std::uint32_t keepalive_count_ = 0;
  TakeoverTimes takeover_;
  std::uint64_t refused_hello_count_ = 0;
  std::uint64_t bad_frame_count_ = 0;
  std::uint32_t reannounce_count_ = 0;
};

}  // namespace twinplane::ha2
