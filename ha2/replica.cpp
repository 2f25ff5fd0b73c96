// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/replica.hpp"

#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

void Replica::assume(const Assignment& assignment) noexcept {
  if (assignment == assignment_) return;
  assignment_ = assignment;
  owner_.stop();
  mirror_.stop();
  if (!assignment.has_peer) return;
  // A name stands for one stream: the other end may never have seen this one stop, so it goes on
  // where it stood.
  const bool is_resumed = assignment.holding == last_holding_ && assignment.name == last_name_ &&
                          !tables::is_mutant(tables::Mutant::kBeginsKnownStreamAnew);
  // What this session has told that life of the peer it still holds, whatever it held at its start.
  const bool has_told = assignment.name.session == last_name_.session;
  const bool was_owner = last_holding_ == Holding::kOwner;
  last_holding_ = assignment.holding;
  last_name_ = assignment.name;
  if (assignment.holding == Holding::kOwner) {
    const auto beginning =
        assignment.peer_holds_tables || has_told ? Beginning::kCompare : Beginning::kBulk;
    if (is_resumed)
      owner_.resume(assignment.frame_bytes);
    else
      owner_.start(assignment.name, assignment.frame_bytes, assignment.kinds, beginning, was_owner);
  } else if (is_resumed) {
    mirror_.resume();
  } else {
    mirror_.start(assignment.name, assignment.kinds);
  }
}

// The order of the checks is the specification: PROTOCOL.md section 5.1.
void Replica::on_frame(const FrameView& frame, std::span<const std::byte> bytes,
                       std::uint64_t now_ns) noexcept {
  const FrameHeader& header = frame.header;
  if (header.partition.get() != partition_index_) return counters_.add(Counter::kDropPartition);
  if (!assignment_.has_peer || (header.session.get() != assignment_.name.session &&
                                !tables::is_mutant(tables::Mutant::kAcceptsOldSession)))
    return counters_.add(Counter::kDropSession);
  if (header.term.get() < assignment_.name.term &&
      !tables::is_mutant(tables::Mutant::kAcceptsOldTerm))
    return counters_.add(Counter::kDropOldTerm);
  if (header.term.get() > assignment_.name.term) return counters_.add(Counter::kDropFutureTerm);
  const bool is_answer = static_cast<FrameType>(header.type) == FrameType::kStatus;
  if (assignment_.holding != (is_answer ? Holding::kOwner : Holding::kMirror))
    return counters_.add(Counter::kDropRole);
  if (is_answer)
    owner_.on_status(frame, now_ns);
  else
    mirror_.on_frame(frame, bytes, now_ns);
}

std::uint32_t Replica::poll(std::uint64_t now_ns, Link& link) noexcept {
  if (assignment_.holding == Holding::kMirror) return mirror_.poll(now_ns, link);
  return assignment_.holding == Holding::kOwner ? owner_.poll(now_ns, link) : 0;
}

}  // namespace twinplane::ha2
