// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/checkers_receipts.hpp"

#include <algorithm>

#include "ha2/digest.hpp"
#include "tests/support/checkers_scene.hpp"

namespace twinplane::tests {

namespace {

constexpr std::size_t kAskedMax = 32;
constexpr std::uint32_t kAskPermille = 300;
constexpr std::uint32_t kLatePermille = 200;

template <class Slots>
std::uint32_t draw_slot(Slots& slots, Prng& prng) {
  const auto& changes = slots.changes();
  if (!changes.empty() && prng.chance(800)) return changes.peek(changes.size() - 1);
  return prng.below(slots.slot_count());
}

}  // namespace

void ReceiptsAreTrue::learn(SimPair& pair) {
  for (Asked& asked : asked_) {
    const std::uint64_t digest = tables::with_kind(asked.receipt.kind, [&](auto of) {
      return digest_of(pair.owner().partition().slots<of()>(), {asked.receipt.slot, 1},
                       ha2::DigestEnd::kOwner);
    });
    if (asked.digests.empty() || asked.digests.back() != digest) asked.digests.push_back(digest);
  }
}

void ReceiptsAreTrue::ask(SimPair& pair) {
  ask_one(pair);
  learn(pair);
}

void ReceiptsAreTrue::ask_one(SimPair& pair) {
  if (asked_.size() >= kAskedMax || !prng_.chance(kAskPermille)) return;
  const auto kind = static_cast<tables::TableKind>(prng_.below(tables::kTableKindCount));
  if (!pair.shape().kinds.has(kind)) return;
  Box& owner = pair.owner();
  tables::with_kind(kind, [&](auto of) {
    using Traits = typename tables::TableOf<of()>::Slots::TraitsType;
    auto& slots = owner.partition().slots<of()>();
    if (slots.slot_count() == 0) return;
    const std::uint32_t slot = draw_slot(slots, prng_);
    const auto& entry = slots.entry(slot);
    if (!Traits::is_live(entry)) return;
    asked_.push_back(
        {owner.replica().owner().ask_receipt(of(), slot), Traits::generation(entry), {}});
  });
}

std::string ReceiptsAreTrue::look(SimPair& pair) {
  std::string fault;
  std::erase_if(asked_, [&](Asked& asked) {
    if (!fault.empty() || prng_.chance(kLatePermille)) return false;
    switch (pair.owner().replica().owner().look_at(asked.receipt)) {
      case ha2::ReceiptState::kReceived:
        ++received_count_;
        // What an answer says of a mirror that has ended since cannot be seen any more.
        if (pair.is_joined()) fault = judge(pair, asked);
        return true;
      case ha2::ReceiptState::kGone:
        return true;
      default:
        return false;
    }
  });
  return fault;
}

bool ReceiptsAreTrue::are_waiting(SimPair& pair) {
  return std::ranges::any_of(asked_, [&](Asked& asked) {
    return pair.owner().replica().owner().look_at(asked.receipt) == ha2::ReceiptState::kWaiting;
  });
}

std::string ReceiptsAreTrue::judge(SimPair& pair, const Asked& asked) {
  const ha2::Receipt& receipt = asked.receipt;
  return tables::with_kind(receipt.kind, [&](auto of) -> std::string {
    using Traits = typename tables::TableOf<of()>::Slots::TraitsType;
    const ha2::SlotRange range{receipt.slot, 1};
    const auto& mine = pair.owner().partition().slots<of()>();
    const auto& theirs = pair.mirror().partition().slots<of()>();
    const std::string place = place_text(tables::index_of(receipt.kind), receipt.slot);
    if (Traits::generation(mine.entry(receipt.slot)) != asked.generation)
      return "5.5 a receipt came for another entry of " + place;
    const std::uint64_t held = digest_of(theirs, range, ha2::DigestEnd::kMirror);
    if (std::ranges::find(asked.digests, held) == asked.digests.end())
      return "5.5 a receipt came and the mirror does not hold " + place;
    return {};
  });
}

}  // namespace twinplane::tests
