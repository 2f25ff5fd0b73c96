// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/pair.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "tables/base/check.hpp"
#include "tables/base/hash.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;

FrameHeader link_header(FrameType type, std::uint32_t term, std::uint64_t now_ns) noexcept {
  FrameHeader header{};
  header.version = kProtocolVersion;
  header.type = static_cast<std::uint8_t>(type);
  header.partition.set(kLinkPartition);
  header.term.set(term);
  header.send_time_us.set(static_cast<std::uint32_t>(now_ns / 1'000U));
  return header;
}

HelloItem wire_item(const PairItem& item) noexcept {
  HelloItem wire{};
  std::memcpy(wire.name, item.name.data(), std::min(item.name.size(), sizeof wire.name - 1));
  wire.value.set(item.value);
  wire.must_equal = item.must_equal ? 1 : 0;
  return wire;
}

bool is_named_alike(const PairItem& item, const HelloItem& wire) noexcept {
  return std::memcmp(wire_item(item).name, wire.name, sizeof wire.name) == 0;
}

// It goes to logs and terminals: what is no printable ASCII becomes '?'.
std::string printable_name(const HelloItem& wire) {
  std::string name(wire.name, strnlen(wire.name, sizeof wire.name));
  for (char& letter : name)
    if (letter < ' ' || letter > '~') letter = '?';
  return name.empty() ? "an item without a name" : name;
}

}  // namespace

std::string_view name_of(Role role) noexcept {
  switch (role) {
    case Role::kActive:
      return "active";
    case Role::kPassive:
      return "passive";
    case Role::kInitial:
      break;
  }
  return "initial";
}

Pair::Pair(PairConfig config, std::uint64_t boot_id, std::uint64_t nonce_seed)
    : config_(std::move(config)),
      boot_id_(boot_id),
      nonce_state_(nonce_seed),
      nonce_(next_nonce()),
      holds_tables_(config_.holds_tables) {
  TWINPLANE_CHECK(config_.items.size(), <=, kHelloItemsMax);
  TWINPLANE_CHECK(boot_id, !=, 0U);
}

std::uint64_t Pair::next_nonce() noexcept {
  nonce_state_ += 0x9E3779B97F4A7C15U;
  return tables::hash_of(nonce_state_, tables::HashSeed{boot_id_}) | 1U;
}

void Pair::on_frame(Path path, const FrameView& frame, std::uint64_t now_ns) {
  switch (static_cast<FrameType>(frame.header.type)) {
    case FrameType::kHello:
      if (path == Path::kHa2) return on_hello(frame, now_ns);
      break;
    case FrameType::kKeepalive:
      return on_keepalive(path, frame, now_ns);
    default:
      break;
  }
  ++bad_frame_count_;
}

void Pair::on_hello(const FrameView& frame, std::uint64_t now_ns) {
  HelloBody hello;
  if (!try_read_body(frame, hello) || hello.item_count.get() > kHelloItemsMax ||
      frame.body.size() != sizeof hello + sizeof(HelloItem) * hello.item_count.get() ||
      hello.boot_id.get() == 0 || hello.mtu_bytes.get() < kFrameBytesNeeded) {
    ++bad_frame_count_;
    return;
  }
  if (hello.boot_id.get() == boot_id_) return;  // my own, come back over a loop
  if (hello.box_id == config_.box_id) {
    ++refused_hello_count_;
    if (session_ != 0) return;  // a third box: the pair goes on
    my_refusal_ = Refusal::kSameBoxId;
    refusal_text_ = "both boxes have box.id " + std::to_string(config_.box_id) +
                    ": give one of them " + std::to_string(1 - config_.box_id);
    return;
  }
  if (my_refusal_ == Refusal::kSameBoxId) my_refusal_ = Refusal::kNone;
  if (is_over(hello.boot_id.get())) return;
  if (hello.boot_id.get() != peer_.boot_id) {
    // A new incarnation is believed when it echoes a nonce that was made for it: an old hello
    // cannot.
    if (hello.boot_id.get() != peer_.candidate_id) {
      peer_.candidate_id = hello.boot_id.get();
      nonce_ = next_nonce();
      last_hello_ns_ = 0;
    }
    peer_.nonce = hello.nonce.get();
    if (hello.echo.get() != nonce_ && !is_mutant(Mutant::kBelievesAnyHello)) return;
    bury_peer_life();
    peer_.boot_id = hello.boot_id.get();
    peer_.knows_me = false;
    // Of use only where this box's tables have to do with the peer's: they are kept as well, or the
    // two have been a pair in this life.
    peer_.holds_tables = hello.holds_tables != 0 && (config_.holds_tables || had_stream_);
    session_ = 0;
    last_hello_ns_ = 0;
  }
  peer_.nonce = hello.nonce.get();
  peer_.box_id = hello.box_id;
  const bool knew_me = peer_.knows_me;
  // Once it has known me in this life it does; a late copy of an earlier hello says otherwise and
  // is only late.
  peer_.knows_me = knew_me || hello.peer_boot_id.get() == boot_id_;
  if (peer_.knows_me != knew_me) last_hello_ns_ = 0;
  peer_.frame_bytes_max = hello.mtu_bytes.get();
  peer_refusal_ = hello.refusal <= static_cast<std::uint8_t>(Refusal::kSameBoxId)
                      ? static_cast<Refusal>(hello.refusal)
                      : Refusal::kItemDiffers;
  compare_items(frame, hello);
  mtu_note_.clear();
  if (peer_.frame_bytes_max != config_.frame_bytes_max)
    mtu_note_ = "HA2 MTU differs: here " + std::to_string(config_.frame_bytes_max) +
                " bytes a frame, peer " + std::to_string(peer_.frame_bytes_max) +
                "; the smaller one is used";
  last_heard_ns_[static_cast<std::size_t>(Path::kHa2)] = now_ns;
  settle_session();
}

void Pair::compare_items(const FrameView& frame, const HelloBody& hello) {
  const auto refuse = [this](Refusal refusal, std::string text) {
    if (my_refusal_ != Refusal::kNone) return;
    my_refusal_ = refusal;
    refusal_text_ = std::move(text);
    ++refused_hello_count_;
  };
  my_refusal_ = Refusal::kNone;
  refusal_text_.clear();
  std::array<bool, kHelloItemsMax> is_said{};  // of my items: the peer says it as well
  for (std::size_t i = 0; i < hello.item_count.get(); ++i) {
    HelloItem theirs;
    std::memcpy(&theirs, frame.body.data() + sizeof hello + i * sizeof theirs, sizeof theirs);
    const auto mine = std::ranges::find_if(
        config_.items, [&theirs](const PairItem& item) { return is_named_alike(item, theirs); });
    if (mine == config_.items.end()) {
      if (theirs.must_equal != 0)
        refuse(Refusal::kItemMissing,
               printable_name(theirs) +
                   ": the peer asks for it and this box does not know it; the peer runs another "
                   "version or feature set: run one version on both");
      continue;
    }
    is_said[static_cast<std::size_t>(mine - config_.items.begin())] = true;
    if ((mine->must_equal || theirs.must_equal != 0) && theirs.value.get() != mine->value)
      refuse(Refusal::kItemDiffers, mine->name + " differs: here " + std::to_string(mine->value) +
                                        ", peer " + std::to_string(theirs.value.get()) +
                                        "; set both boxes alike");
  }
  for (std::size_t i = 0; i < config_.items.size(); ++i)
    if (config_.items[i].must_equal && !is_said[i])
      refuse(Refusal::kItemMissing,
             config_.items[i].name +
                 ": the peer does not say it; it runs another version or feature set: run one "
                 "version on both");
  if (my_refusal_ == Refusal::kNone && peer_refusal_ != Refusal::kNone)
    refusal_text_ = "the peer refuses this box: see its refusal text";
}

void Pair::settle_session() {
  if (peer_.boot_id == 0 || !peer_.knows_me || is_refused()) {
    session_ = 0;
    return;
  }
  std::array<std::uint64_t, 2> ids{};
  ids[config_.box_id & 1U] = boot_id_;
  ids[(config_.box_id & 1U) ^ 1U] = peer_.boot_id;
  const std::uint64_t hash = tables::hash_of(ids, tables::HashSeed{0x53455353});
  session_ = static_cast<std::uint32_t>(hash) | 1U;
}

void Pair::bury_peer_life() noexcept {
  if (peer_.boot_id == 0 || is_mutant(Mutant::kBelievesAnyHello)) return;
  std::shift_right(lives_over_.begin(), lives_over_.end(), 1);
  lives_over_.front() = peer_.boot_id;
}

bool Pair::is_over(std::uint64_t boot_id) const noexcept {
  return std::ranges::find(lives_over_, boot_id) != lives_over_.end();
}

void Pair::on_keepalive(Path path, const FrameView& frame, std::uint64_t now_ns) {
  KeepaliveBody alive;
  if (!try_read_body(frame, alive) || frame.body.size() != sizeof alive ||
      alive.boot_id.get() == boot_id_ || alive.role > static_cast<std::uint8_t>(Role::kPassive) ||
      alive.path != static_cast<std::uint8_t>(path)) {
    ++bad_frame_count_;
    return;
  }
  // A box with this box's id is never paired with, but while there is no other it counts as the
  // peer: two active boxes would answer for the same addresses.
  if (alive.box_id == config_.box_id && session_ != 0) {
    ++bad_frame_count_;
    return;
  }
  if (is_over(alive.boot_id.get())) return;
  // On HA2 a life speaks for itself by hellos. While none is believed yet, any keepalive counts: it
  // may be all that gets through.
  if (path == Path::kHa2 && peer_.boot_id != 0 && alive.boot_id.get() != peer_.boot_id &&
      alive.boot_id.get() != peer_.candidate_id)
    return;
  last_heard_ns_[static_cast<std::size_t>(path)] = now_ns;
  // The paths differ in delay. What was said earlier must not undo what was said later: it only
  // proves life.
  const bool is_same_life = alive.boot_id.get() == peer_.speaker_id;
  if (is_same_life && static_cast<std::int32_t>(alive.count.get() - peer_.keepalive_count) < 0)
    return;
  // It may have been active unheard: another life of it, or a new one that two cuts hid from start
  // to yielding.
  const bool gave_way =
      peer_.role != Role::kPassive && alive.role == static_cast<std::uint8_t>(Role::kPassive);
  if (role_ == Role::kActive && (gave_way || !is_same_life)) ++reannounce_count_;
  peer_.role = static_cast<Role>(alive.role);
  peer_.speaker_id = alive.boot_id.get();
  peer_.keepalive_count = alive.count.get();
  peer_.priority = alive.priority;
  peer_.box_id = alive.box_id;
  // A new life knows nothing of the terms of the one before.
  peer_.term = is_same_life ? std::max(peer_.term, alive.term.get()) : alive.term.get();
  peer_.is_synced = alive.is_synced != 0;
  peer_.is_leaving = alive.is_leaving != 0;
  peer_.speaker_holds_tables = alive.holds_tables != 0;
}

bool Pair::is_path_up(Path path, std::uint64_t now_ns) const noexcept {
  const std::uint64_t heard_ns = last_heard_ns_[static_cast<std::size_t>(path)];
  return heard_ns != 0 && now_ns - std::min(now_ns, heard_ns) < silence_max_ns();
}

bool Pair::is_peer_alive(std::uint64_t now_ns) const noexcept {
  if (is_mutant(Mutant::kOneSilentPathIsDeath))
    return is_path_up(Path::kHa2, now_ns) && is_path_up(Path::kHa1, now_ns);
  return is_path_up(Path::kHa2, now_ns) || is_path_up(Path::kHa1, now_ns);
}

// A box that did not run itself has not observed silence: its own pause is taken off what it holds
// against the peer.
void Pair::forgive_own_stall(std::uint64_t now_ns) noexcept {
  const std::uint64_t gap_ns = last_poll_ns_ == 0 ? 0 : now_ns - last_poll_ns_;
  last_poll_ns_ = now_ns;
  if (gap_ns <= config_.keepalive_interval_ns || is_mutant(Mutant::kForgivesNoStall)) return;
  for (std::uint64_t& heard_ns : last_heard_ns_)
    if (heard_ns != 0)
      heard_ns = std::min(now_ns, heard_ns + gap_ns - config_.keepalive_interval_ns);
}

bool Pair::is_better_than_peer() const noexcept {
  // The lower box id wins a tie; the boot id only where both boxes were given the same one.
  return std::tuple(config_.priority, -int{config_.box_id}, boot_id_) >
         std::tuple(peer_.priority, -int{peer_.box_id}, peer_.speaker_id);
}

// Of two boxes that start together one that has kept its tables goes first: the other would have
// its sessions forgotten.
bool Pair::is_better_at_start() const noexcept {
  if (holds_tables_ != peer_.speaker_holds_tables) return holds_tables_;
  return is_better_than_peer();
}

void Pair::become(Role role, std::string reason, std::uint64_t now_ns) {
  if (role == Role::kActive) {
    term_ = std::max(term_, peer_.term);
    // Only a peer that lies leads there: a term of 0 would undo what has been decided since.
    if (term_ != std::numeric_limits<std::uint32_t>::max() && !is_mutant(Mutant::kTermStays))
      ++term_;
    takeover_.last_heard_ns = std::max(last_heard_ns_[0], last_heard_ns_[1]);
    takeover_.detected_ns = now_ns;
  }
  holds_tables_ |= role == Role::kActive;
  role_ = role;
  reason_ = std::move(reason);
  last_keepalive_ns_ = 0;  // tell at once
}

void Pair::decide(std::uint64_t now_ns) {
  const bool is_alive = is_peer_alive(now_ns);
  switch (role_) {
    case Role::kInitial:
      if (is_alive && peer_.role == Role::kActive && !peer_.is_leaving) {
        become(Role::kPassive, "the peer is active", now_ns);
      } else if (is_alive && !is_leaving_ && peer_.role == Role::kInitial && is_better_at_start()) {
        // Both are new: the better one goes first, once a part of the hold has let it look round.
        if (now_ns - started_ns_ >= config_.boot_hold_ns / 4)
          become(Role::kActive, "higher priority at start", now_ns);
      } else if (!is_alive && now_ns - started_ns_ >= config_.boot_hold_ns) {
        become(Role::kActive, "no peer heard at start", now_ns);
      }
      break;
    case Role::kPassive:
      if (!is_alive)
        become(Role::kActive, "the peer is silent on every path", now_ns);
      else if (peer_.is_leaving && peer_.role == Role::kActive)
        become(Role::kActive, "the peer leaves", now_ns);
      else if (peer_.role == Role::kActive && peer_.term < term_)
        become(Role::kActive, "the peer is active under a lower term", now_ns);
      else if (peer_.role == Role::kInitial)
        become(Role::kActive, "the peer started anew", now_ns);
      else if (peer_.role == Role::kPassive && is_better_than_peer())
        become(Role::kActive, "nobody is active", now_ns);
      break;
    case Role::kActive:
      if (is_mutant(Mutant::kNeverYields)) break;
      if (is_alive && peer_.role == Role::kActive && !peer_.is_leaving &&
          std::tuple(peer_.term, !is_better_than_peer()) > std::tuple(term_, is_better_than_peer()))
        become(Role::kPassive, "the peer is active under a higher term or priority", now_ns);
      break;
  }
  if (role_ == Role::kPassive) term_ = std::max(term_, peer_.term);
}

void Pair::poll(std::uint64_t now_ns, Link& ha2_link, Link& ha1_link) {
  if (started_ns_ == 0) started_ns_ = now_ns;
  forgive_own_stall(now_ns);
  decide(now_ns);
  if (assignment().has_peer) had_stream_ = holds_tables_ = true;
  if (last_keepalive_ns_ == 0 || now_ns - last_keepalive_ns_ >= config_.keepalive_interval_ns) {
    // Kept on its grid, so that a late poll does not stretch the interval; after a long pause it
    // starts anew.
    const bool is_late =
        last_keepalive_ns_ == 0 || now_ns - last_keepalive_ns_ >= 2 * config_.keepalive_interval_ns;
    last_keepalive_ns_ = is_late ? now_ns : last_keepalive_ns_ + config_.keepalive_interval_ns;
    ++keepalive_count_;
    send_keepalive(Path::kHa2, now_ns, ha2_link);
    send_keepalive(Path::kHa1, now_ns, ha1_link);
  }
  const std::uint64_t hello_interval_ns =
      session_ != 0 ? 10 * config_.hello_interval_ns : config_.hello_interval_ns;
  if (last_hello_ns_ == 0 || now_ns - last_hello_ns_ >= hello_interval_ns) {
    last_hello_ns_ = now_ns;
    send_hello(now_ns, ha2_link);
  }
}

Assignment Pair::assignment() const noexcept {
  Assignment assignment;
  if (role_ == Role::kActive) assignment.holding = Holding::kOwner;
  if (role_ == Role::kPassive) assignment.holding = Holding::kMirror;
  // Two boxes that were active unheard may meet under one session and term: neither is the other's
  // mirror until one has given way (I5).
  const bool has_mirror = peer_.role == Role::kPassive && peer_.speaker_id == peer_.boot_id;
  assignment.has_peer = session_ != 0 && assignment.holding != Holding::kNothing &&
                        (assignment.holding == Holding::kMirror || has_mirror);
  assignment.name = {session_, term_};
  assignment.peer_holds_tables = peer_.holds_tables;
  assignment.frame_bytes = std::min(config_.frame_bytes_max, peer_.frame_bytes_max);
  return assignment;
}

void Pair::send_hello(std::uint64_t now_ns, Link& link) {
  const std::size_t frame_bytes = sizeof(FrameHeader) + sizeof(HelloBody) +
                                  sizeof(HelloItem) * config_.items.size() + sizeof(Checksum);
  const std::span<std::byte> room = link.try_frame();
  if (room.size() < frame_bytes) return;
  const FrameHeader header = link_header(FrameType::kHello, term_, now_ns);
  HelloBody hello{};
  hello.boot_id.set(boot_id_);
  hello.nonce.set(nonce_);
  hello.echo.set(peer_.nonce);
  hello.peer_boot_id.set(peer_.boot_id);
  hello.box_id = config_.box_id;
  hello.refusal = static_cast<std::uint8_t>(my_refusal_);
  hello.holds_tables = holds_tables_ ? 1 : 0;
  hello.mtu_bytes.set(config_.frame_bytes_max);
  hello.item_count.set(static_cast<std::uint16_t>(config_.items.size()));
  std::byte* at = room.data();
  std::memcpy(at, &header, sizeof header);
  at += sizeof header;
  std::memcpy(at, &hello, sizeof hello);
  at += sizeof hello;
  for (const PairItem& item : config_.items) {
    const HelloItem wire = wire_item(item);
    std::memcpy(at, &wire, sizeof wire);
    at += sizeof wire;
  }
  seal(room.first(frame_bytes));
  link.send(frame_bytes, kLinkPartition);
}

void Pair::send_keepalive(Path path, std::uint64_t now_ns, Link& link) {
  constexpr std::size_t kFrameBytes =
      sizeof(FrameHeader) + sizeof(KeepaliveBody) + sizeof(Checksum);
  const std::span<std::byte> room = link.try_frame();
  if (room.size() < kFrameBytes) return;
  const FrameHeader header = link_header(FrameType::kKeepalive, term_, now_ns);
  KeepaliveBody alive{};
  alive.boot_id.set(boot_id_);
  alive.box_id = config_.box_id;
  alive.role = static_cast<std::uint8_t>(role_);
  alive.priority = config_.priority;
  alive.path = static_cast<std::uint8_t>(path);
  alive.term.set(term_);
  alive.is_synced = is_synced_ ? 1 : 0;
  alive.is_leaving = is_leaving_ ? 1 : 0;
  alive.holds_tables = holds_tables_ ? 1 : 0;
  alive.count.set(keepalive_count_);
  std::memcpy(room.data(), &header, sizeof header);
  std::memcpy(room.data() + sizeof header, &alive, sizeof alive);
  seal(room.first(kFrameBytes));
  link.send(kFrameBytes, kLinkPartition);
}

}  // namespace twinplane::ha2
