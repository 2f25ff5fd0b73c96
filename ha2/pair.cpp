// SPDX-License-Identifier: BSD-3-Clause
// Which box is active: keepalives, liveness, roles and terms, PROTOCOL.md sections 8.3 to 8.5.
// Hellos: pair_hello.cpp.
#include "ha2/pair.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "tables/base/check.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;

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
      holds_tables_(config_.kept.are_there) {
  TWINPLANE_CHECK(config_.items.size(), <=, kHelloItemsMax);
  TWINPLANE_CHECK(boot_id, !=, 0U);
}

FrameHeader Pair::header_of(FrameType type, std::uint64_t now_ns) const noexcept {
  FrameHeader header{};
  header.version = kProtocolVersion;
  header.type = static_cast<std::uint8_t>(type);
  header.partition.set(kLinkPartition);
  header.term.set(term_);
  header.send_time_us.set(static_cast<std::uint32_t>(now_ns / 1'000U));
  return header;
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
  // A new life knows nothing of the terms of the one before, and before it has a role its term is
  // that of the tables that it kept.
  const bool is_initial = peer_.role == Role::kInitial;
  const std::uint32_t term = is_initial ? 0 : alive.term.get();
  peer_.term = is_same_life ? std::max(peer_.term, term) : term;
  if (is_initial)
    peer_.kept = {alive.holds_tables != 0, alive.holds_tables == kHeldAsActive, alive.term.get()};
  peer_.is_synced = alive.is_synced != 0;
  peer_.is_leaving = alive.is_leaving != 0;
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

// Of two boxes that start together the one with the newest tables goes first: the other would have
// its sessions forgotten. A later term is newer; within one, what the active box had is.
bool Pair::is_better_at_start() const noexcept {
  const auto age_of = [](const KeptTables& kept) {
    return std::tuple(kept.are_there, kept.term, kept.were_active);
  };
  if (age_of(config_.kept) != age_of(peer_.kept)) return age_of(config_.kept) > age_of(peer_.kept);
  return is_better_than_peer();
}

void Pair::become(Role role, std::string reason, std::uint64_t now_ns) {
  if (role == Role::kActive) {
    // Above those of all tables that are there as well, so that the newest are always told.
    term_ = std::max({term_, peer_.term, config_.kept.term, peer_.kept.term});
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
  assignment.kinds = config_.kinds & peer_.kinds;
  assignment.frame_bytes = std::min(config_.frame_bytes_max, peer_.frame_bytes_max);
  return assignment;
}

void Pair::send_keepalive(Path path, std::uint64_t now_ns, Link& link) {
  constexpr std::size_t kFrameBytes =
      sizeof(FrameHeader) + sizeof(KeepaliveBody) + sizeof(Checksum);
  const std::span<std::byte> room = link.try_frame();
  if (room.size() < kFrameBytes) return;
  const FrameHeader header = header_of(FrameType::kKeepalive, now_ns);
  KeepaliveBody alive{};
  alive.boot_id.set(boot_id_);
  alive.box_id = config_.box_id;
  alive.role = static_cast<std::uint8_t>(role_);
  alive.priority = config_.priority;
  alive.path = static_cast<std::uint8_t>(path);
  const bool is_initial = role_ == Role::kInitial;
  alive.term.set(is_initial ? std::max(term_, config_.kept.term) : term_);
  alive.is_synced = is_synced_ ? 1 : 0;
  alive.is_leaving = is_leaving_ ? 1 : 0;
  alive.holds_tables = !holds_tables_                           ? 0
                       : is_initial && config_.kept.were_active ? kHeldAsActive
                                                                : 1;
  alive.count.set(keepalive_count_);
  std::memcpy(room.data(), &header, sizeof header);
  std::memcpy(room.data() + sizeof header, &alive, sizeof alive);
  seal(room.first(kFrameBytes));
  link.send(kFrameBytes, kLinkPartition);
}

}  // namespace twinplane::ha2
