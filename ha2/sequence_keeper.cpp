// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/sequence_keeper.hpp"

#include <algorithm>
#include <bit>

#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::IpsecSequenceBody;
using tables::is_mutant;
using tables::Mutant;
using tables::TableKind;

// Slots that a poll looks at, besides those that packets use.
constexpr std::uint32_t kSlotsAPoll = 64;

constexpr IpsecSequenceBody::Key kPledgeKey{};

std::uint32_t seconds(std::uint64_t ns) noexcept {
  return static_cast<std::uint32_t>(ns / 1'000'000'000U);
}

// Two clocks may differ by a thousandth.
std::uint64_t with_drift(std::uint64_t ns) noexcept { return ns + ns / 1024 + 1; }

}  // namespace

SequenceKeeper::SequenceKeeper(Replica& replica, const SequenceLimits& limits)
    : replica_(replica),
      limits_(limits),
      table_(replica.partition().table<TableKind::kIpsecSequence>()),
      numbers_(table_.slots().slot_count()),
      is_listed_(table_.slots().slot_count()) {
  waiting_.reserve(table_.slots().slot_count());
}

template <class OnSlot>
void SequenceKeeper::for_each_sa(OnSlot&& on_slot) const noexcept {
  const tables::LiveMap& live = table_.slots().live();
  for (std::uint32_t word = 0; word < live.word_count(); ++word)
    for (std::uint64_t bits = live.live_word(word); bits != 0; bits &= bits - 1) {
      const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      if (!body(slot).is_pledge()) on_slot(slot);
    }
}

// ---- owner: SAs come and go ---------------------------------------------------------------------

tables::InsertResult SequenceKeeper::create(const IpsecSequenceBody& body,
                                            std::uint64_t now_ns) noexcept {
  const tables::InsertResult result = table_.create(body, seconds(now_ns));
  if (result.status == tables::InsertStatus::kInserted) numbers_[result.slot] = {};
  return result;
}

tables::InsertResult SequenceKeeper::open(const IpsecSequenceBody::Key& key, std::uint8_t flags,
                                          std::uint64_t now_ns, std::uint32_t rate_per_s) noexcept {
  IpsecSequenceBody body{.key = key, .news = {}, .flags = flags, .zero = {}};
  const auto ceiling =
      tables::open_ceiling(1, tables::grant_size(rate_per_s, limits_.grant), body.space());
  if (!body.is_inbound()) {
    const tables::SequenceGrant grant = tables::grant_of(ceiling);
    body.news.ceiling = grant.ceiling;
    body.news.size = grant.size;
  }
  const tables::InsertResult result = create(body, now_ns);
  if (result.status != tables::InsertStatus::kInserted) return result;
  Numbers& numbers = numbers_[result.slot];
  numbers.ceiling = ceiling;
  numbers.rate = tables::PacketRate(now_ns, rate_per_s);
  say(result.slot, now_ns);
  return result;
}

tables::InsertResult SequenceKeeper::open_sealed(const IpsecSequenceBody::Key& key,
                                                 std::uint8_t flags,
                                                 std::uint64_t now_ns) noexcept {
  const tables::InsertResult result = open(key, flags, now_ns);
  if (result.status != tables::InsertStatus::kInserted) return result;
  seal(result.slot);
  say(result.slot, now_ns);
  return result;
}

// Every number counts as used, or as seen.
void SequenceKeeper::seal(std::uint32_t slot) noexcept {
  Numbers& numbers = numbers_[slot];
  const tables::SequenceSpace space = body(slot).space();
  const std::uint64_t last = tables::last_sequence(space);
  numbers.ceiling = tables::open_ceiling(last, limits_.grant.size_min, space);
  numbers.ceiling.used = last;
  tables::replay_close(numbers.window, last);
  numbers.result = SequenceResult::kNewSaOnly;
}

void SequenceKeeper::close(std::uint32_t slot) noexcept {
  table_.end(slot);
  numbers_[slot] = {};
}

// ---- owner: packets -----------------------------------------------------------------------------

tables::SequenceRun SequenceKeeper::take(std::uint32_t slot, std::uint32_t count,
                                         std::uint64_t now_ns) noexcept {
  Numbers& numbers = numbers_[slot];
  tables::SequenceCeiling& ceiling = numbers.ceiling;
  const tables::SequenceSpace space = body(slot).space();
  if (is_mutant(Mutant::kCeilingBeforeAnswer)) ceiling.usable = ceiling.asked;
  put_off(ceiling);
  const tables::SequenceRun run =
      tables::take_sequences(ceiling, count, now_ns, limits_.grant, space);
  numbers.rate.note(run.count, now_ns);
  if (ceiling.asked - ceiling.used <= ceiling.size / 2) ask(slot, now_ns);
  return run;
}

// Where the mirror is heard of it will answer: only where it is not, waiting ends in going on.
void SequenceKeeper::put_off(tables::SequenceCeiling& ceiling) const noexcept {
  tables::put_off(ceiling, replica_.owner().heard().at_ns);
}

void SequenceKeeper::ask(std::uint32_t slot, std::uint64_t now_ns) noexcept {
  Numbers& numbers = numbers_[slot];
  tables::SequenceCeiling& ceiling = numbers.ceiling;
  put_off(ceiling);
  if (!tables::try_ask_grant(ceiling, numbers.rate.per_second(now_ns), now_ns, limits_.grant,
                             body(slot).space()))
    return;
  say(slot, now_ns);
  if (is_alone_) static_cast<void>(tables::answer_grant(ceiling, ceiling.asked));
}

SequenceKeeper::Checked SequenceKeeper::check(std::uint32_t slot,
                                              std::uint32_t wire) const noexcept {
  const Numbers& numbers = numbers_[slot];
  const std::uint64_t sequence = tables::replay_sequence(numbers.window, wire, body(slot).space());
  return {sequence, tables::replay_check(numbers.window, sequence)};
}

tables::ReplayVerdict SequenceKeeper::accept(std::uint32_t slot, std::uint64_t sequence,
                                             std::uint64_t now_ns) noexcept {
  Numbers& numbers = numbers_[slot];
  const std::uint64_t top = numbers.window.top;
  const tables::ReplayVerdict verdict = tables::replay_advance(numbers.window, sequence);
  if (verdict != tables::ReplayVerdict::kNew || numbers.window.top == top) return verdict;
  const std::uint64_t moved = std::min<std::uint64_t>(numbers.window.top - top, 0xFFFF'FFFF);
  numbers.rate.note(static_cast<std::uint32_t>(moved), now_ns);
  if (numbers.untold_since_ns == kNever) numbers.untold_since_ns = now_ns;
  if (is_tell_due(numbers, now_ns)) say(slot, now_ns);
  return verdict;
}

// A top that was said is given its time to be answered: said anew it would wait anew.
bool SequenceKeeper::is_tell_due(const Numbers& numbers, std::uint64_t now_ns) const noexcept {
  if (numbers.window.top == numbers.said || numbers.untold_since_ns == kNever) return false;
  if (numbers.is_waiting && now_ns - numbers.said_ns < limits_.tell_ns) return false;
  return numbers.window.top - numbers.said >= limits_.tell_packets ||
         now_ns - numbers.untold_since_ns >= limits_.tell_ns;
}

// ---- owner: what the mirror is told -------------------------------------------------------------

// What holds now goes to the mirror. What was said before and is not answered yet is overtaken.
void SequenceKeeper::say(std::uint32_t slot, std::uint64_t now_ns) noexcept {
  Numbers& numbers = numbers_[slot];
  auto& entry = table_.slots().changeable(slot);
  if (entry.body.is_inbound()) {
    entry.refresh.top = numbers.window.top;
    entry.refresh.rate = numbers.rate.per_second(now_ns);
    table_.slots().mark(slot, tables::kMarkWindow);
    numbers.said = numbers.window.top;
  } else {
    const tables::SequenceGrant grant = tables::grant_of(numbers.ceiling);
    entry.body.news.ceiling = grant.ceiling;
    entry.body.news.size = grant.size;
    table_.slots().mark(slot, tables::kMarkState);
    numbers.said = grant.ceiling;
  }
  numbers.said_ns = now_ns;
  wait_for(slot);
}

void SequenceKeeper::wait_for(std::uint32_t slot) noexcept {
  Numbers& numbers = numbers_[slot];
  numbers.receipt = replica_.owner().ask_receipt(TableKind::kIpsecSequence, slot);
  numbers.is_waiting = true;
  if (is_listed_[slot]) return;
  is_listed_[slot] = true;
  waiting_.push_back(slot);
}

void SequenceKeeper::take_receipts() noexcept {
  std::erase_if(waiting_, [this](std::uint32_t slot) {
    Numbers& numbers = numbers_[slot];
    if (numbers.is_waiting) {
      const ReceiptState state = replica_.owner().look_at(numbers.receipt);
      if (state == ReceiptState::kWaiting || state == ReceiptState::kNoPeer) return false;
      numbers.is_waiting = false;
      if (state == ReceiptState::kReceived) on_received(slot);
    }
    is_listed_[slot] = false;
    return true;
  });
}

// The mirror has what was said last of this slot.
void SequenceKeeper::on_received(std::uint32_t slot) noexcept {
  if (body(slot).is_pledge()) {
    pledged_ns_ = replica_.owner().heard().at_ns;
    return;
  }
  Numbers& numbers = numbers_[slot];
  numbers.is_told = true;
  if (body(slot).is_inbound()) {
    numbers.told_top = numbers.said;
    numbers.untold_since_ns = numbers.window.top == numbers.said ? kNever : numbers.said_ns;
  } else {
    static_cast<void>(tables::answer_grant(numbers.ceiling, numbers.said));
  }
}

void SequenceKeeper::poll(std::uint64_t now_ns) noexcept {
  if (last_.holding == Holding::kMirror) return read_pledge(now_ns);
  if (!is_owner()) return;
  take_receipts();
  const std::uint32_t slot_count = table_.slots().slot_count();
  for (std::uint32_t i = 0; i < std::min(kSlotsAPoll, slot_count); ++i) {
    const std::uint32_t slot = next_slot_;
    next_slot_ = next_slot_ + 1 == slot_count ? 0 : next_slot_ + 1;
    if (!table_.slots().live().is_live(slot) || body(slot).is_pledge()) continue;
    Numbers& numbers = numbers_[slot];
    if (!body(slot).is_inbound()) {
      ask(slot, now_ns);
      continue;
    }
    // A top that stands still is told in its time, and a rate that has halved.
    const std::uint32_t told_rate = table_.slots().entry(slot).refresh.rate;
    if (is_tell_due(numbers, now_ns) || numbers.rate.per_second(now_ns) < told_rate / 2)
      say(slot, now_ns);
  }
  pledge_if_due(now_ns);
}

// ---- the pledge ---------------------------------------------------------------------------------

// The mirror knows every number that is in use, but for what its takeover makes up for.
bool SequenceKeeper::is_known(const Numbers& numbers, std::uint32_t slot,
                              std::uint64_t now_ns) const noexcept {
  if (!numbers.is_told) return false;
  if (!body(slot).is_inbound()) return !tables::is_ungranted(numbers.ceiling);
  return numbers.window.top - numbers.told_top <= limits_.untold_max &&
         (numbers.untold_since_ns == kNever ||
          now_ns - numbers.untold_since_ns <= 2 * limits_.tell_ns);
}

void SequenceKeeper::pledge_if_due(std::uint64_t now_ns) noexcept {
  const OwnerStream& stream = replica_.owner();
  const OwnerStream::Heard heard = stream.heard();
  if (!stream.is_running() || !stream.is_bulk_done() || heard.at_ns == pledged_heard_ns_ ||
      now_ns - pledged_ns_ < limits_.pledge_ns)
    return;
  // One at a time: the next one goes when this one is answered, and on from there.
  const std::uint32_t pledge = find(kPledgeKey);
  if (pledge != tables::kNoSlot && numbers_[pledge].is_waiting) return;
  if (last_.name.term == 0) return;  // it would read as no word
  bool are_known = true;
  std::uint32_t count = 0;
  for_each_sa([&](std::uint32_t slot) {
    are_known &= is_known(numbers_[slot], slot, now_ns);
    ++count;
  });
  if (count == 0 || !are_known) return;
  write_pledge(last_.name.term, heard.sent_us, now_ns);
  pledged_heard_ns_ = heard.at_ns;
}

void SequenceKeeper::write_pledge(std::uint32_t term, std::uint32_t echo_us,
                                  std::uint64_t now_ns) noexcept {
  const IpsecSequenceBody::Patch news{0, 0, term, echo_us, 0};
  std::uint32_t slot = find(kPledgeKey);
  if (slot != tables::kNoSlot) {
    table_.patch(slot, news);
  } else {
    if (term == 0) return;
    slot = create({kPledgeKey, news, 0, {}}, now_ns).slot;
    if (slot == tables::kNoSlot) return;
  }
  numbers_[slot].is_waiting = false;
  if (term != 0) wait_for(slot);
}

void SequenceKeeper::read_pledge(std::uint64_t now_ns) noexcept {
  const std::uint32_t slot = find(kPledgeKey);
  if (slot == tables::kNoSlot) {
    pledge_term_ = 0;
    return;
  }
  const IpsecSequenceBody::Patch& news = body(slot).news;
  if (news.term == pledge_term_ && news.echo_us == pledge_echo_us_) return;
  pledge_term_ = news.term;
  pledge_echo_us_ = news.echo_us;
  const std::uint32_t age_us = static_cast<std::uint32_t>(now_ns / 1'000) - news.echo_us;
  proven_ns_ = now_ns - std::min(now_ns, (std::uint64_t{age_us} + 1) * 1'000);
}

bool SequenceKeeper::is_pledge_valid() const noexcept {
  return pledge_term_ != 0 &&
         (pledge_term_ == last_.name.term || is_mutant(Mutant::kBelievesOldPledge));
}

// ---- taking over --------------------------------------------------------------------------------

void SequenceKeeper::follow(std::uint64_t now_ns) noexcept {
  const Assignment& now = replica_.assignment();
  if (now.holding == Holding::kOwner) {
    // Under another term somebody else may have been the owner in between.
    if (last_.holding == Holding::kMirror || (is_owner() && now.name.term != last_.name.term))
      take_over(now_ns);
    else if (!is_owner())
      for_each_sa([this](std::uint32_t slot) { close(slot); });  // of an earlier life
  }
  last_ = now;
  if (!is_owner() || !now.has_peer || now.name == stream_) return;
  // Another stream: what an earlier mirror has answered says nothing of this one.
  stream_ = now.name;
  pledged_heard_ns_ = 0;
  write_pledge(0, 0, now_ns);
  for_each_sa([&](std::uint32_t slot) {
    numbers_[slot].is_told = false;
    say(slot, now_ns);
  });
}

void SequenceKeeper::take_over(std::uint64_t now_ns) noexcept {
  read_pledge(now_ns);
  const bool is_valid = !is_owner() && is_pledge_valid();
  const std::uint64_t stale_ns = with_drift(now_ns - std::min(now_ns, proven_ns_));
  stream_ = {};
  write_pledge(0, 0, now_ns);
  for_each_sa([&](std::uint32_t slot) {
    numbers_[slot] = {};
    if (is_valid)
      take_over(slot, stale_ns, now_ns);
    else
      seal(slot);
    say(slot, now_ns);
  });
}

void SequenceKeeper::take_over(std::uint32_t slot, std::uint64_t stale_ns,
                               std::uint64_t now_ns) noexcept {
  Numbers& numbers = numbers_[slot];
  const auto& entry = table_.slots().entry(slot);
  const tables::SequenceSpace space = entry.body.space();
  if (entry.body.is_inbound()) {
    const std::uint32_t rate = entry.refresh.rate;
    std::uint64_t packets = tables::packets_within(rate, stale_ns);
    const std::uint64_t untold = std::min<std::uint64_t>(
        tables::packets_within(rate, 2 * limits_.tell_ns), limits_.untold_max);
    if (__builtin_add_overflow(packets, untold, &packets)) packets = kNever;
    numbers.rate = tables::PacketRate(now_ns, rate);
    numbers.window.top = entry.refresh.top;
    if (is_mutant(Mutant::kWindowNotMoved)) return;
    const tables::ReplayJump jump = tables::replay_jump(numbers.window, packets, space);
    numbers.jump = numbers.window.top - entry.refresh.top;
    numbers.result =
        jump == tables::ReplayJump::kMoved ? SequenceResult::kJumped : SequenceResult::kNewSaOnly;
    return;
  }
  tables::SequenceGrant known{entry.body.news.ceiling,
                              std::max(entry.body.news.size, limits_.grant.size_min), 0};
  if (is_mutant(Mutant::kTakesOverBelowCeiling)) known.ceiling -= known.size / 2;
  if (is_mutant(Mutant::kNoJump)) stale_ns = 0;
  const auto result = tables::take_over(known, stale_ns, limits_.grant, space, numbers.ceiling);
  numbers.rate = tables::PacketRate(now_ns);
  numbers.jump = numbers.ceiling.used - entry.body.news.ceiling;
  numbers.result = result == tables::SequenceTakeover::kAbove    ? SequenceResult::kAbove
                   : result == tables::SequenceTakeover::kJumped ? SequenceResult::kJumped
                                                                 : SequenceResult::kNewSaOnly;
}

// ---- to look at ---------------------------------------------------------------------------------

SequenceStatus SequenceKeeper::status(std::uint32_t slot, std::uint64_t now_ns) const noexcept {
  const auto& entry = table_.slots().entry(slot);
  SequenceStatus status;
  status.rate_per_s = entry.refresh.rate;
  if (!is_owner()) {
    status.used = status.told = entry.refresh.top;
    status.ceiling = entry.body.news.ceiling;
    return status;
  }
  const Numbers& numbers = numbers_[slot];
  tables::PacketRate rate = numbers.rate;
  status.rate_per_s = rate.per_second(now_ns);
  status.result = numbers.result;
  status.jump = numbers.jump;
  if (entry.body.is_inbound()) {
    status.used = numbers.window.top;
    status.told = numbers.told_top;
    status.needs_new_sa = numbers.result == SequenceResult::kNewSaOnly;
    return status;
  }
  status.used = numbers.ceiling.used;
  status.ceiling = numbers.ceiling.asked;
  status.told = numbers.is_told ? numbers.ceiling.answered : 0;
  status.is_ungranted = tables::is_ungranted(numbers.ceiling);
  status.needs_new_sa = numbers.result == SequenceResult::kNewSaOnly ||
                        tables::needs_new_sa(numbers.ceiling, entry.body.space());
  return status;
}

}  // namespace twinplane::ha2
