// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sim_pair.hpp"

#include <cstring>

#include "tests/support/allocation_count.hpp"

namespace twinplane::tests {

namespace {

void set_first_generation(tables::Partition& partition, std::uint16_t generation) noexcept {
  tables::for_each_kind([&](auto kind) {
    auto& slots = partition.slots<kind()>();
    for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot)
      tables::TableOf<kind()>::Slots::TraitsType::generation(slots.changeable(slot)) = generation;
  });
}

template <class Slots>
std::uint64_t fingerprint_of(const Slots& slots, std::uint64_t value) noexcept {
  if (slots.slot_count() == 0) return value;
  return XXH3_64bits_withSeed(&slots.entry(0), sizeof(slots.entry(0)) * slots.slot_count(), value);
}

}  // namespace

Box::Box(const BoxShape& shape, TableBlock kept) : block_(std::move(kept)) {
  using BlockState = tables::Carver::Block;
  const std::size_t block_bytes = tables::Partition::bytes(shape.limits);
  const BlockState state = block_ == nullptr ? BlockState::kZeroed : BlockState::kUsed;
  if (state == BlockState::kZeroed) {
    block_.reset(static_cast<std::byte*>(std::aligned_alloc(tables::kCacheLineBytes, block_bytes)));
    std::memset(block_.get(), 0, block_bytes);
  }
  tables::Carver carver(std::span(block_.get(), block_bytes), state);
  partition_ =
      std::make_unique<tables::Partition>(carver, shape.limits, tables::HashSeed{shape.hash_seed});
  if (state == BlockState::kUsed) {
    if (partition_->adopt().refused != 0) blame("a table that was kept has lost entries");
  } else {
    set_first_generation(*partition_, shape.first_generation);
  }
  builder_ = std::make_unique<ha2::FrameBuilder>(shape.stream.frame_bytes_max);
  replica_ = std::make_unique<ha2::Replica>(shape.stream, *partition_, *builder_);
  if (shape.sequences) keeper_ = std::make_unique<ha2::SequenceKeeper>(*replica_, *shape.sequences);
}

std::uint64_t Box::fingerprint() const noexcept {
  std::uint64_t value = 0;
  tables::for_each_kind(
      [&](auto kind) { value = fingerprint_of(partition_->slots<kind()>(), value); });
  return value;
}

void Box::receive(const SimLink::Received& frame, std::uint64_t now_ns) {
  const ha2::Decoded decoded = ha2::decode(frame.bytes);
  if (decoded.error != ha2::DecodeError::kNone)
    return replica_->counters().add(ha2::counter_of(decoded.error));
  const ha2::FrameHeader& header = decoded.frame.header;
  const ha2::StreamName mine = replica_->assignment().name;
  const bool is_foreign = header.session.get() != mine.session || header.term.get() != mine.term;
  // From a seq so far ahead the gap in between is given up and what was held is applied, whatever
  // the frame itself says (section 5.2, item 6).
  const bool is_far_ahead =
      header.seq.get() > replica_->mirror().passed_seq() + ha2::ReorderBuffer::kPlaces;
  const bool is_suspect = is_foreign || (frame.is_malformed && !is_far_ahead);
  const std::uint64_t before = is_suspect ? fingerprint() : 0;
  const std::uint64_t allocations = allocation_count();
  replica_->on_frame(decoded.frame, frame.bytes, now_ns);
  if (allocation_count() != allocations) blame("I7 taking a frame allocates");
  if (!is_suspect || fingerprint() == before) return;
  if (frame.is_malformed) return blame("I8 a malformed frame changed a table");
  blame("I5 a frame of session " + std::to_string(header.session.get()) + " term " +
        std::to_string(header.term.get()) + " changed a table of session " +
        std::to_string(mine.session) + " term " + std::to_string(mine.term));
}

void Box::assume(const ha2::Assignment& assignment, std::uint64_t now_ns) {
  const std::uint64_t allocations = allocation_count();
  replica_->assume(assignment);
  if (keeper_ != nullptr) keeper_->follow(now_ns);
  if (allocation_count() != allocations) blame("I7 a change of role allocates");
  if (assignment.has_peer) last_stream_ = assignment.name;
}

void Box::poll(std::uint64_t now_ns, SimLink& link) {
  const std::uint64_t allocations = allocation_count() - link.allocation_count();
  replica_->poll(now_ns, link);
  if (allocation_count() - link.allocation_count() != allocations) blame("I7 sending allocates");
}

SimPair::SimPair(const BoxShape& shape, std::uint64_t seed, std::uint64_t start_ns,
                 std::uint32_t first_term)
    : shape_(shape),
      prng_(seed),
      boxes_{std::make_unique<Box>(shape), std::make_unique<Box>(shape)},
      links_{SimLink(seed ^ 0x5151U, shape.stream.frame_bytes_max),
             SimLink(seed ^ 0xA2A2U, shape.stream.frame_bytes_max)},
      now_ns_(start_ns) {
  begin_stream({new_session(), first_term}, 0, 0);
}

std::uint32_t SimPair::new_session() noexcept {
  return static_cast<std::uint32_t>(prng_.next()) | 1U;
}

bool SimPair::is_joined() const noexcept {
  const ha2::Assignment& mine = owner().replica().assignment();
  const ha2::Assignment& theirs = mirror().replica().assignment();
  return mine.holding == ha2::Holding::kOwner && theirs.holding == ha2::Holding::kMirror &&
         mine.name.session == theirs.name.session && mine.name.term == theirs.name.term;
}

void SimPair::begin_stream(ha2::StreamName name, std::size_t first_told,
                           std::uint32_t delay_ns_max) {
  name_ = name;
  ++stream_number_;
  tell(first_told, now_ns_);
  tell(1 - first_told, now_ns_ + prng_.below(delay_ns_max + 1));
}

void SimPair::tell(std::size_t index, std::uint64_t at_ns) {
  ha2::Assignment assignment;
  assignment.holding = index == owner_index_ ? ha2::Holding::kOwner : ha2::Holding::kMirror;
  assignment.has_peer = true;
  assignment.name = name_;
  assignment.frame_bytes = shape_.stream.frame_bytes_max;
  assignment.peer_holds_tables = do_tables_match_;
  assignment.kinds = shape_.kinds;
  waiting_[index].reset();
  if (at_ns <= now_ns_)
    boxes_[index]->assume(assignment, now_ns_);
  else
    waiting_[index] = Waiting{at_ns, assignment};
}

void SimPair::restart(std::size_t index, std::uint32_t delay_ns_max, bool keeps_tables) {
  TableBlock kept = Box::end(std::move(boxes_[index]));
  if (!keeps_tables) kept.reset();
  boxes_[index] = std::make_unique<Box>(shape_, std::move(kept));
  if (!keeps_tables) do_tables_match_ = false;
  paused_until_ns_[index] = 0;
  begin_stream({new_session(), name_.term}, index, delay_ns_max);
}

void SimPair::take_over(bool is_orderly, std::uint32_t delay_ns_max) {
  owner_index_ = 1 - owner_index_;
  do_tables_match_ = true;
  paused_until_ns_[owner_index_] = 0;
  begin_stream({is_orderly ? name_.session : new_session(), name_.term + 1}, owner_index_,
               delay_ns_max);
}

void SimPair::reconnect(std::uint32_t delay_ns_max) {
  do_tables_match_ = true;
  begin_stream({new_session(), name_.term}, prng_.below(2), delay_ns_max);
}

void SimPair::flap(std::size_t index, std::uint32_t duration_ns_max) {
  const ha2::Assignment known = boxes_[index]->replica().assignment();
  if (waiting_[index] || !known.has_peer) return;
  ha2::Assignment alone = known;
  alone.has_peer = false;
  boxes_[index]->assume(alone, now_ns_);
  waiting_[index] = Waiting{now_ns_ + prng_.below(duration_ns_max + 1), known};
}

void SimPair::set_faults(const LinkFaults& faults) noexcept {
  for (SimLink& link : links_) link.set_faults(faults);
}

void SimPair::receive(std::size_t index) {
  SimLink& link = links_[1 - index];
  for (auto frame = link.try_receive(); !frame.bytes.empty(); frame = link.try_receive())
    boxes_[index]->receive(frame, now_ns_);
}

void SimPair::advance(std::uint64_t step_ns) {
  now_ns_ += step_ns;
  for (SimLink& link : links_) link.set_now(now_ns_);
  for (std::size_t index = 0; index < 2; ++index) {
    if (waiting_[index] && waiting_[index]->at_ns <= now_ns_) {
      boxes_[index]->assume(waiting_[index]->assignment, now_ns_);
      waiting_[index].reset();
    }
    if (!is_paused(index)) receive(index);
  }
}

void SimPair::tend() {
  for (std::size_t index = 0; index < 2; ++index) {
    Box& box = *boxes_[index];
    if (box.keeper() == nullptr || is_paused(index)) continue;
    // Who was the owner until now changes nothing more, whether it has heard or not.
    if (index == owner_index_ || box.replica().assignment().holding == ha2::Holding::kMirror)
      box.keeper()->poll(now_ns_);
  }
}

void SimPair::poll() {
  for (std::size_t index = 0; index < 2; ++index)
    if (!is_paused(index)) boxes_[index]->poll(now_ns_, links_[index]);
}

}  // namespace twinplane::tests
