// SPDX-License-Identifier: BSD-3-Clause
// Digests of ranges, stated in the stream, and what the mirror says of them.
#include <algorithm>

#include "ha2/owner_stream.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::Address4;
using tables::Address6;
using tables::is_mutant;
using tables::Mutant;
using tables::TableKind;

}  // namespace

void OwnerStream::start_verify() noexcept {
  if (!is_running_) return;
  is_verifying_ = true;
  verify_cursor_ = {};
  open_digest_count_ = redo_digest_count_ = 0;
  verify_equal_count_ = verify_different_count_ = 0;
}

OwnerStream::Verification OwnerStream::verification() const noexcept {
  std::uint32_t range_count = 0;
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table)
    range_count +=
        (partition_.slot_count(static_cast<TableKind>(table)) + kDigestSlots - 1) / kDigestSlots;
  return {is_verifying_, range_count, verify_equal_count_, verify_different_count_};
}

// Flushes what is dirty in the range, then states its digest: the mirror compares at exactly this
// point of the stream.
template <class Address>
void OwnerStream::add_digests(std::uint64_t now_ns) noexcept {
  constexpr TableKind kTable = SessionWire<Address>::kTable;
  auto& slots = partition_.sessions<Address>().slots();
  std::uint32_t& cursor = verify_cursor_[static_cast<std::size_t>(kTable)];
  for (int added = 0; added < 4; ++added) {
    const bool is_redo = redo_digest_count_ != 0 && redo_digests_[redo_digest_count_ - 1].table ==
                                                        static_cast<std::uint8_t>(kTable);
    if (!is_redo && (cursor >= slots.slot_count() ||
                     open_digest_count_ + redo_digest_count_ >= kDigestsOpenMax))
      return;
    const SlotRange range =
        is_redo ? redo_digests_[redo_digest_count_ - 1].range
                : SlotRange{cursor, std::min(kDigestSlots, slots.slot_count() - cursor)};
    for (std::uint32_t slot = range.first_slot; slot < range.first_slot + range.slot_count;
         ++slot) {
      if (is_mutant(Mutant::kDigestWithoutFlush)) break;
      const std::uint8_t marks = slots.take_marks(slot);
      if (marks == 0) continue;
      if (!add_slot<Address>(slot, marks, now_ns)) {
        slots.changeable(slot).state.marks = marks;
        return;
      }
    }
    DigestRange record;
    record.id.set(digest_next_id_);
    record.first_slot.set(range.first_slot);
    record.slot_count.set(range.slot_count);
    record.digest.set(digest_of(slots, range));
    if (!builder_.try_add(kTable, Operation::kDigest, record, range.first_slot)) return;
    open_digests_[open_digest_count_++] = {digest_next_id_++, static_cast<std::uint8_t>(kTable),
                                           range, next_seq_};
    if (is_redo)
      --redo_digest_count_;
    else
      cursor += range.slot_count;
  }
}

void OwnerStream::take_verdicts(const StatusBody& status) noexcept {
  const std::uint32_t next_id = status.digest_next_id.get();
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < open_digest_count_; ++i) {
    const OpenDigest open = open_digests_[i];
    if (open.seq > answered_seq_) {
      open_digests_[kept++] = open;
      continue;
    }
    // 0 = the newest the mirror saw; huge when it never saw this one
    const std::uint32_t back = next_id - 1 - open.id;
    const auto verdict =
        back < 64 ? static_cast<Verdict>(status.verdicts[back / 4] >> (back % 4 * 2) & 3U)
                  : Verdict::kNone;
    if (verdict == Verdict::kEqual) {
      ++verify_equal_count_;
    } else if (verdict == Verdict::kDifferent) {
      ++verify_different_count_;
      for (std::uint32_t slot = open.range.first_slot;
           slot < open.range.first_slot + open.range.slot_count; ++slot) {
        if (open.table == static_cast<std::uint8_t>(TableKind::kSession4))
          mark_repair<Address4>(slot);
        else
          mark_repair<Address6>(slot);
      }
    } else {
      redo_digests_[redo_digest_count_++] = open;  // lost, or the mirror could not tell: once more
    }
  }
  open_digest_count_ = kept;
  if (!is_verifying_) return;
  const Verification done = verification();
  if (done.equal_count + done.different_count >= done.range_count) is_verifying_ = false;
}

template void OwnerStream::add_digests<Address4>(std::uint64_t) noexcept;
template void OwnerStream::add_digests<Address6>(std::uint64_t) noexcept;

}  // namespace twinplane::ha2
