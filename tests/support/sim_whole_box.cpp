// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sim_whole_box.hpp"

#include <algorithm>
#include <cstring>

namespace twinplane::tests {

namespace {

constexpr int kFramesPerTurn = 32;

// Where nothing is to be sent.
class NoLink final : public ha2::Link {
 public:
  std::span<std::byte> try_frame() noexcept override { return {}; }

  void send(std::size_t, std::uint16_t) noexcept override {}
};

std::uint16_t partition_of(std::span<const std::byte> frame) noexcept {
  ha2::FrameHeader header{};
  std::memcpy(&header, frame.data(), std::min(frame.size(), sizeof header));
  return header.partition.get();
}

ha2::PairConfig pair_config(const WholeShape& shape, const ha2::KeptTables& kept) {
  ha2::PairConfig config = shape.pair;
  config.kept = kept;
  return config;
}

}  // namespace

bool FrameRing::put(const SimLink::Received& frame, std::size_t frames_max) {
  if (count_ >= std::min(frames_max, kFramesMax)) return false;
  Kept& kept = frames_[(first_ + count_++) % kFramesMax];
  kept.bytes.assign(frame.bytes.begin(), frame.bytes.end());
  kept.sent_ns = frame.sent_ns;
  kept.is_malformed = frame.is_malformed;
  return true;
}

SimLink::Received FrameRing::take() {
  if (count_ == 0) return {};
  const Kept& kept = frames_[first_];
  first_ = (first_ + 1) % kFramesMax;
  --count_;
  return {kept.bytes, kept.sent_ns, kept.is_malformed};
}

WholeBox::WholeBox(const WholeShape& shape, std::uint64_t boot_id,
                   std::array<SimLink*, ha2::kPathCount> out, std::vector<TableBlock> kept,
                   const ha2::KeptTables& kept_as)
    : boot_id_(boot_id),
      shape_(shape),
      out_(out),
      pair_(pair_config(shape, kept_as), boot_id, ~boot_id),
      rings_(shape.worker_count),
      followed_(shape.worker_count),
      turn_counts_(shape.worker_count),
      turns_(shape.worker_count),
      turned_ns_(shape.worker_count) {
  for (std::uint32_t i = 0; i < shape.partition_count; ++i) {
    BoxShape part = shape.partition;
    part.stream.partition = static_cast<std::uint16_t>(i);
    part.hash_seed += i;
    partitions_.push_back(std::make_unique<Box>(part, kept.empty() ? nullptr : std::move(kept[i])));
  }
}

std::vector<TableBlock> WholeBox::end(std::unique_ptr<WholeBox> box) {
  std::vector<TableBlock> blocks;
  for (std::unique_ptr<Box>& partition : box->partitions_)
    blocks.push_back(Box::end(std::move(partition)));
  return blocks;
}

bool WholeBox::deliver(ha2::Path path, const SimLink::Received& frame, std::size_t ring_frames) {
  if (path == ha2::Path::kHa1) return ha1_ring_.put(frame, FrameRing::kFramesMax);
  const std::uint16_t partition = partition_of(frame.bytes);
  const std::uint32_t worker = partition < shape_.partition_count ? worker_of(partition) : 0;
  return rings_[worker].put(frame, ring_frames);
}

// ---- a worker's turn ----------------------------------------------------------------------------

void WholeBox::follow(std::uint32_t worker, std::uint64_t local_ns) {
  if (followed_[worker] == order_number_) return;
  for (std::uint32_t i = worker; i < shape_.partition_count; i += shape_.worker_count) {
    Box& box = *partitions_[i];
    const ha2::Assignment before = box.replica().assignment();
    const bool takes_over =
        before.holding == ha2::Holding::kMirror && order_.holding == ha2::Holding::kOwner;
    const std::uint64_t fingerprint = takes_over ? box.fingerprint() : 0;
    box.assume(order_, local_ns);
    if (takes_over) taken_over_.push_back({i, before.name, box.fingerprint() != fingerprint});
  }
  followed_[worker] = order_number_;
  ++follow_count_;
}

void WholeBox::follow_and_receive(std::uint32_t worker, std::uint64_t local_ns) {
  ++turns_[worker];
  follow(worker, local_ns);
  for (auto frame = rings_[worker].take(); !frame.bytes.empty(); frame = rings_[worker].take()) {
    const std::uint16_t partition = partition_of(frame.bytes);
    if (partition < shape_.partition_count)
      partitions_[partition]->receive(frame, local_ns);
    else
      control_ring_.put(frame, FrameRing::kFramesMax);
  }
}

void WholeBox::send(std::uint32_t worker, std::uint64_t local_ns) {
  for (std::uint32_t i = worker; i < shape_.partition_count; i += shape_.worker_count)
    partitions_[i]->poll(local_ns, *out_[0]);
}

// ---- control's turn -----------------------------------------------------------------------------

void WholeBox::take_link_frame(ha2::Path path, const SimLink::Received& frame,
                               std::uint64_t local_ns) {
  const ha2::Decoded decoded = ha2::decode(frame.bytes);
  if (decoded.error != ha2::DecodeError::kNone ||
      decoded.frame.header.partition.get() != ha2::kLinkPartition)
    return;
  pair_.on_frame(path, decoded.frame, local_ns);
  const bool is_keepalive =
      static_cast<ha2::FrameType>(decoded.frame.header.type) == ha2::FrameType::kKeepalive;
  Heard& heard = heard_[static_cast<std::size_t>(path)];
  if (!is_keepalive) return;
  // One of an earlier life, sent again, may be refused: it ends no silence that is judged.
  if (frame.sent_ns > newest_sent_ns_) {
    newest_sent_ns_ = frame.sent_ns;
    if (path == ha2::Path::kHa1) own_silence_ns_ = 0;
  }
  // One of an earlier life, sent again, is believed on HA1 until the next one comes.
  const bool is_overtaken = frame.sent_ns < std::max(heard_[0].sent_ns, heard_[1].sent_ns);
  if (is_overtaken)
    heard_ = {};
  else
    heard = {frame.sent_ns, 0};
}

bool WholeBox::are_all_followed() const noexcept {
  return std::ranges::all_of(followed_, [this](auto number) { return number == order_number_; });
}

bool WholeBox::is_mirror_complete() const noexcept {
  if (!are_all_followed() || !(order_ == pair_.assignment())) return false;
  return pair_.role() == ha2::Role::kActive && pair_.is_paired() &&
         std::ranges::all_of(partitions_, [](const auto& partition) {
           const ha2::OwnerStream& owner = partition->replica().owner();
           return owner.is_running() && owner.is_bulk_done();
         });
}

bool WholeBox::are_workers_alive(std::uint64_t local_ns) {
  const std::uint64_t silence_ns =
      shape_.pair.keepalive_interval_ns * shape_.pair.keepalive_threshold;
  bool are_alive = true;
  for (std::size_t i = 0; i < turns_.size(); ++i) {
    if (turns_[i] != turn_counts_[i] || turned_ns_[i] == 0) {
      turn_counts_[i] = turns_[i];
      turned_ns_[i] = local_ns;
    }
    are_alive = are_alive && local_ns - turned_ns_[i] < 4 * silence_ns;
  }
  return are_alive;
}

void WholeBox::begin_leaving(std::uint64_t local_ns) noexcept {
  if (doors_closed_ns_ == 0) doors_closed_ns_ = local_ns;
}

bool WholeBox::has_left(std::uint64_t local_ns) const noexcept {
  return leave_until_ns_ != 0 && local_ns >= leave_until_ns_;
}

bool WholeBox::are_changes_answered() const noexcept {
  return std::ranges::all_of(
      partitions_, [](const auto& partition) { return partition->replica().owner().is_quiet(); });
}

// The times are those of dataplane/control.cpp, in keepalive intervals of 10 ms.
void WholeBox::leave_in_order(std::uint64_t local_ns) noexcept {
  if (doors_closed_ns_ == 0 || leave_until_ns_ != 0) return;
  const std::uint64_t tell_max_ns = 5 * shape_.pair.keepalive_interval_ns;
  const bool is_told = !is_mirror_complete() || are_changes_answered();
  if (!is_told && local_ns < doors_closed_ns_ + tell_max_ns) return;
  pair_.leave();
  leave_until_ns_ = local_ns + 10 * shape_.pair.keepalive_interval_ns;
}

void WholeBox::turn_control(std::uint64_t local_ns) {
  // Where it stood still for longer than an interval it has heard nothing because it did not
  // listen.
  const std::uint64_t gap_ns = last_turn_ns_ == 0 ? 0 : local_ns - last_turn_ns_;
  own_silence_ns_ += std::min(gap_ns, shape_.pair.keepalive_interval_ns);
  last_turn_ns_ = local_ns;
  const bool was_passive = pair_.role() == ha2::Role::kPassive;
  leave_in_order(local_ns);
  for (int i = 0; i < kFramesPerTurn; ++i) {
    const SimLink::Received frame = control_ring_.take();
    if (frame.bytes.empty()) break;
    take_link_frame(ha2::Path::kHa2, frame, local_ns);
  }
  for (int i = 0; i < kFramesPerTurn; ++i) {
    const SimLink::Received frame = ha1_ring_.take();
    if (frame.bytes.empty()) break;
    take_link_frame(ha2::Path::kHa1, frame, local_ns);
  }
  pair_.set_synced(is_mirror_complete());
  NoLink nowhere;
  is_silent_ = !are_workers_alive(local_ns);
  if (is_silent_)
    pair_.poll(local_ns, nowhere, nowhere);
  else
    pair_.poll(local_ns, *out_[0], *out_[1]);
  for (Heard& heard : heard_) ++heard.polls_since;
  if (was_passive && pair_.role() == ha2::Role::kActive && !pair_.is_peer_alive(local_ns))
    own_silence_at_takeover_ns_ = own_silence_ns_;
  const ha2::Assignment wanted = pair_.assignment();
  if (wanted == order_ || !are_all_followed()) return;
  order_ = wanted;
  ++order_number_;
}

}  // namespace twinplane::tests
