// SPDX-License-Identifier: BSD-3-Clause
#include "ha2/sa_database.hpp"

#include <algorithm>
#include <bit>

namespace twinplane::ha2 {

namespace {

using tables::SaCipher;
using tables::SaIntegrity;
using tables::SecurityAssociationBody;
using tables::TableKind;

constexpr std::uint32_t kSpiMin = 256;  // RFC 4303 section 2.1: those below are reserved
constexpr std::uint8_t kEsp = 50;
constexpr std::uint8_t kAh = 51;
// Every SA is looked at once in so long, for its lifetimes, and its use is told.
constexpr std::uint64_t kLookNs = 1'000'000'000;

std::uint32_t seconds(std::uint64_t ns) noexcept {
  return static_cast<std::uint32_t>(ns / 1'000'000'000U);
}

bool is_aes_key(std::uint8_t bytes) noexcept { return bytes == 16 || bytes == 24 || bytes == 32; }

unsigned integrity_bytes(SaIntegrity integrity) noexcept {
  switch (integrity) {
    case SaIntegrity::kNone:
      return 0;
    case SaIntegrity::kSha1:
      return 20;
    case SaIntegrity::kSha256:
      return 32;
    case SaIntegrity::kSha512:
      return 64;
  }
  return ~0U;
}

bool is_within(const tables::Address6& address, const tables::SaSelector& selector) noexcept {
  for (unsigned bit = 0; bit < selector.prefix_bits; bit += 8) {
    const unsigned rest = std::min(8U, selector.prefix_bits - bit);
    const unsigned mask = 0xFF00U >> rest & 0xFFU;
    if (((address[bit / 8] ^ selector.address[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

bool is_chosen(const tables::SaSelector& selector, const tables::Address6& address,
               std::uint8_t protocol, std::uint16_t port) noexcept {
  return is_within(address, selector) &&
         (selector.protocol == 0 || selector.protocol == protocol) && port >= selector.port_first &&
         port <= selector.port_last;
}

// At or past that share of a bound; 0 = no bound.
bool is_past_share(std::uint64_t value, std::uint64_t bound, unsigned percent) noexcept {
  return bound != 0 && percent != 0 && value >= bound / 100 * percent + bound % 100 * percent / 100;
}

}  // namespace

const char* why_unsound(const SecurityAssociationBody& sa) noexcept {
  if (!sa.is_sound()) return "a field has a value that no box writes";
  if (sa.key.spi < kSpiMin) return "SPIs below 256 are reserved";
  if (sa.key.protocol != kEsp && sa.key.protocol != kAh)
    return "the protocol is 50 (ESP) or 51 (AH)";
  const auto integrity = static_cast<SaIntegrity>(sa.integrity);
  if (integrity_bytes(integrity) != sa.integrity_key_bytes)
    return "the integrity key has 20 bytes for SHA-1, 32 for SHA-256, 64 for SHA-512, else none";
  const bool is_authenticated = integrity != SaIntegrity::kNone;
  switch (static_cast<SaCipher>(sa.cipher)) {
    case SaCipher::kNull:
      if (sa.cipher_key_bytes != 0) return "the null cipher has no key";
      return is_authenticated ? nullptr : "without a cipher there must be an integrity key";
    case SaCipher::kAesCbc:
      if (!is_aes_key(sa.cipher_key_bytes)) return "an AES key has 16, 24 or 32 bytes";
      return is_authenticated ? nullptr : "AES-CBC needs an integrity key beside it";
    case SaCipher::kAesGcm16:
      if (!is_aes_key(sa.cipher_key_bytes)) return "an AES key has 16, 24 or 32 bytes";
      return is_authenticated ? "AES-GCM authenticates by itself: no integrity key" : nullptr;
    case SaCipher::kChaCha20:
      if (sa.cipher_key_bytes != 32) return "a ChaCha20-Poly1305 key has 32 bytes";
      return is_authenticated ? "ChaCha20-Poly1305 authenticates by itself: no integrity key"
                              : nullptr;
  }
  return "the cipher is none of null, AES-CBC, AES-GCM and ChaCha20-Poly1305";
}

SaDatabase::SaDatabase(Replica& replica, const SequenceLimits& limits)
    : replica_(replica),
      table_(replica.partition().table<TableKind::kSecurityAssociation>()),
      keeper_(replica, limits),
      sequence_slots_(table_.slots().slot_count(), tables::kNoSlot),
      uses_(table_.slots().slot_count()) {}

// ---- owner: SAs come and go ---------------------------------------------------------------------

SaInstalled SaDatabase::install(const Body& sa, std::uint64_t now_ns, bool is_sealed) noexcept {
  if (const char* const why = why_unsound(sa)) return {SaInstall::kUnsound, tables::kNoSlot, why};
  if (find(sa.key) != tables::kNoSlot || keeper_.find(sa.key) != tables::kNoSlot)
    return {SaInstall::kExists, tables::kNoSlot, nullptr};
  const bool is_inbound = (sa.flags & tables::kSaInbound) != 0;
  const bool is_extended = (sa.flags & tables::kSaExtendedSequence) != 0;
  const auto flags =
      static_cast<std::uint8_t>((is_inbound ? unsigned{tables::kSequenceInbound} : 0U) |
                                (is_extended ? unsigned{tables::kSequenceExtended} : 0U));
  const tables::InsertResult numbers =
      is_sealed ? keeper_.open_sealed(sa.key, flags, now_ns) : keeper_.open(sa.key, flags, now_ns);
  if (numbers.status != tables::InsertStatus::kInserted)
    return {SaInstall::kFull, tables::kNoSlot, nullptr};
  const tables::InsertResult made = table_.create(sa, seconds(now_ns));
  if (made.status != tables::InsertStatus::kInserted) {
    keeper_.close(numbers.slot);
    return {SaInstall::kFull, tables::kNoSlot, nullptr};
  }
  sequence_slots_[made.slot] = numbers.slot;
  uses_[made.slot] = {};
  return {SaInstall::kInstalled, made.slot, nullptr};
}

SaInstalled SaDatabase::install(const Body& sa, std::uint64_t now_ns) noexcept {
  return install(sa, now_ns, false);
}

SaInstalled SaDatabase::install_sealed(const Body& sa, std::uint64_t now_ns) noexcept {
  Body dying = sa;
  dying.flags |= tables::kSaDying;
  return install(dying, now_ns, true);
}

SaInstalled SaDatabase::succeed(std::uint32_t slot, const Body& sa, std::uint64_t now_ns) noexcept {
  const SaInstalled made = install(sa, now_ns);
  if (made.status == SaInstall::kInstalled && !needs_successor(slot))
    table_.patch(slot,
                 Body::Patch{static_cast<std::uint8_t>(this->sa(slot).flags | tables::kSaDying)});
  return made;
}

// The table makes the entry zeros, keys and all, and the mirror's with it.
void SaDatabase::end(std::uint32_t slot) noexcept {
  if (sequence_slots_[slot] != tables::kNoSlot) keeper_.close(sequence_slots_[slot]);
  sequence_slots_[slot] = tables::kNoSlot;
  uses_[slot] = {};
  table_.end(slot);
}

// ---- owner: packets -----------------------------------------------------------------------------

tables::SequenceRun SaDatabase::take(std::uint32_t slot, SaUse use, std::uint64_t now_ns) noexcept {
  const Body& body = sa(slot);
  const Body::Refresh& used = uses_[slot];
  const bool is_over = body.bytes_max != 0 && used.used_bytes + use.bytes > body.bytes_max;
  std::uint32_t wanted = is_over ? 0 : use.packets;
  if (body.packets_max != 0)
    wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        wanted, body.packets_max - std::min(used.used_packets, body.packets_max)));
  tables::SequenceRun run = keeper_.take(sequence_slots_[slot], wanted, now_ns);
  if (wanted < use.packets && run.count == wanted)
    run.outcome = tables::SequenceOutcome::kExhausted;  // by a lifetime
  if (run.count == use.packets)
    count(slot, use);
  else if (run.count != 0)
    count(slot, {run.count, use.bytes / use.packets * run.count});
  return run;
}

tables::ReplayVerdict SaDatabase::accept(std::uint32_t slot, std::uint64_t sequence,
                                         std::uint64_t bytes, std::uint64_t now_ns) noexcept {
  const tables::ReplayVerdict verdict = keeper_.accept(sequence_slots_[slot], sequence, now_ns);
  if (verdict == tables::ReplayVerdict::kNew) count(slot, {1, bytes});
  return verdict;
}

void SaDatabase::count(std::uint32_t slot, SaUse use) noexcept {
  uses_[slot].used_packets += use.packets;
  uses_[slot].used_bytes += use.bytes;
}

// ---- lifetimes ----------------------------------------------------------------------------------

std::uint32_t SaDatabase::age_s(std::uint32_t slot, std::uint64_t now_ns) const noexcept {
  return seconds(now_ns) - table_.slots().entry(slot).since_s;
}

bool SaDatabase::is_past(std::uint32_t slot, unsigned percent,
                         std::uint64_t now_ns) const noexcept {
  const Body& body = sa(slot);
  return is_past_share(age_s(slot, now_ns), body.seconds_max, percent) ||
         is_past_share(uses_[slot].used_bytes, body.bytes_max, percent) ||
         is_past_share(uses_[slot].used_packets, body.packets_max, percent);
}

void SaDatabase::look_at(std::uint32_t slot, std::uint64_t now_ns) noexcept {
  if (is_past(slot, 100, now_ns)) {
    end(slot);
    ++expired_count_;
    return;
  }
  const bool is_dying =
      is_past(slot, sa(slot).soft_percent, now_ns) || sequences(slot, now_ns).needs_new_sa;
  if (is_dying && !needs_successor(slot))
    table_.patch(slot, Body::Patch{static_cast<std::uint8_t>(sa(slot).flags | tables::kSaDying)});
  auto& told = table_.slots().changeable(slot).refresh;
  if (told.used_packets == uses_[slot].used_packets) return;
  told = uses_[slot];
  table_.slots().mark(slot, tables::kMarkWindow);
}

void SaDatabase::poll(std::uint64_t now_ns) noexcept {
  keeper_.poll(now_ns);
  if (last_holding_ != Holding::kOwner) return;
  // As many as the time since the last poll asks for.
  const std::uint32_t slot_count = table_.slots().slot_count();
  const std::uint64_t share =
      std::min<std::uint64_t>(now_ns - looked_ns_, kLookNs) * slot_count / kLookNs;
  if (share == 0) return;
  looked_ns_ = now_ns;
  for (std::uint64_t i = 0; i < share; ++i) {
    if (table_.slots().live().is_live(next_slot_)) look_at(next_slot_, now_ns);
    next_slot_ = next_slot_ + 1 == slot_count ? 0 : next_slot_ + 1;
  }
}

// ---- taking over --------------------------------------------------------------------------------

void SaDatabase::follow(std::uint64_t now_ns) noexcept {
  keeper_.follow(now_ns);
  const Assignment& now = replica_.assignment();
  const bool was_owner = last_holding_ == Holding::kOwner;
  if (now.holding == Holding::kOwner && !was_owner) take_over(now_ns);
  last_holding_ = now.holding;
}

void SaDatabase::take_over(std::uint64_t now_ns) noexcept {
  looked_ns_ = now_ns;
  for (std::uint32_t slot = 0; slot < table_.slots().slot_count(); ++slot) {
    sequence_slots_[slot] = tables::kNoSlot;
    if (!table_.slots().live().is_live(slot)) continue;
    uses_[slot] = table_.slots().entry(slot).refresh;
    const Body& body = sa(slot);
    std::uint32_t numbers = keeper_.find(body.key);
    if (numbers == tables::kNoSlot) {
      // The SA came, its numbers did not.
      const bool is_inbound = (body.flags & tables::kSaInbound) != 0;
      numbers =
          keeper_
              .open_sealed(
                  body.key,
                  static_cast<std::uint8_t>((is_inbound ? unsigned{tables::kSequenceInbound} : 0U)),
                  now_ns)
              .slot;
    }
    sequence_slots_[slot] = numbers;
    if (numbers == tables::kNoSlot) end(slot);
  }
}

// ---- to look for, and at ------------------------------------------------------------------------

std::uint32_t SaDatabase::find_outbound(const SaFlow& flow) const noexcept {
  std::uint32_t best = tables::kNoSlot;
  const auto is_better = [&](std::uint32_t slot) {
    if (best == tables::kNoSlot) return true;
    if (needs_successor(slot) != needs_successor(best)) return needs_successor(best);
    const auto& entries = table_.slots();
    return static_cast<std::int32_t>(entries.entry(slot).since_s - entries.entry(best).since_s) > 0;
  };
  const tables::LiveMap& live = table_.slots().live();
  for (std::uint32_t word = 0; word < live.word_count(); ++word)
    for (std::uint64_t bits = live.live_word(word); bits != 0; bits &= bits - 1) {
      const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      const Body& body = sa(slot);
      if ((body.flags & tables::kSaInbound) == 0 &&
          is_chosen(body.local, flow.local, flow.protocol, flow.local_port) &&
          is_chosen(body.remote, flow.remote, flow.protocol, flow.remote_port) && is_better(slot))
        best = slot;
    }
  return best;
}

SequenceStatus SaDatabase::sequences(std::uint32_t slot, std::uint64_t now_ns) const noexcept {
  const std::uint32_t numbers =
      last_holding_ == Holding::kOwner ? sequence_slots_[slot] : keeper_.find(sa(slot).key);
  return numbers == tables::kNoSlot ? SequenceStatus{} : keeper_.status(numbers, now_ns);
}

}  // namespace twinplane::ha2
