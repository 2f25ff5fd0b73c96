// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sequence_traffic.hpp"

#include <algorithm>

namespace twinplane::tests {

namespace {

using tables::ReplayVerdict;
using tables::TableKind;

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

tables::IpsecSequenceBody::Key key_of(std::uint32_t spi) noexcept {
  return {.destination = {0x20, 1}, .spi = spi, .protocol = 50, .zero = {}};
}

template <class OnSa>
void for_each_sa(const Box& box, OnSa&& on_sa) {
  const auto& slots = box.partition().slots<TableKind::kIpsecSequence>();
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot)
    if (slots.live().is_live(slot) && !slots.entry(slot).body.is_pledge())
      on_sa(slot, slots.entry(slot).body);
}

}  // namespace

void SequenceTraffic::turn(Box& owner, std::uint64_t now_ns) {
  if (prng_.chance(20)) open(owner, now_ns);
  for_each_sa(owner, [&](std::uint32_t slot, const tables::IpsecSequenceBody& body) {
    const std::uint32_t spi = body.key.spi;
    if (prng_.chance(1)) return owner.keeper()->close(slot);
    if (body.is_inbound())
      receive(owner, slot, spi, now_ns);
    else
      send(owner, slot, spi, now_ns);
  });
}

void SequenceTraffic::end_inbound(Box& owner) {
  for_each_sa(owner, [&](std::uint32_t slot, const tables::IpsecSequenceBody& body) {
    if (body.is_inbound()) owner.keeper()->close(slot);
  });
}

void SequenceTraffic::open(Box& owner, std::uint64_t now_ns) {
  if (last_spi_ == 0xFFFF) return;
  Sa sa;
  sa.is_inbound = prng_.coin();
  sa.rate_per_s = sa.is_inbound ? prng_.between(100'000, 3'000'000) : 0;
  sa.opened_ns = now_ns;
  const auto flags =
      static_cast<std::uint8_t>((sa.is_inbound ? unsigned{tables::kSequenceInbound} : 0U) |
                                (prng_.coin() ? unsigned{tables::kSequenceExtended} : 0U));
  const std::uint32_t spi = last_spi_ + 1;
  const auto result = owner.keeper()->open(key_of(spi), flags, now_ns, sa.rate_per_s);
  if (result.status != tables::InsertStatus::kInserted) return;
  last_spi_ = spi;
  sas_.emplace(spi, std::move(sa));
}

void SequenceTraffic::send(Box& owner, std::uint32_t slot, std::uint32_t spi,
                           std::uint64_t now_ns) {
  const std::uint32_t wanted = prng_.chance(50) ? prng_.between(1, 40) : prng_.below(5);
  const tables::SequenceRun run = owner.keeper()->take(slot, wanted, now_ns);
  Sa& sa = sas_.at(spi);
  if (run.count != 0 && run.first <= sa.used)
    blame("number " + std::to_string(run.first) + " of SPI " + std::to_string(spi) +
          " was used before: up to " + std::to_string(sa.used));
  if (run.count != 0) sa.used = run.first + run.count - 1;
  ungranted_count_ += owner.keeper()->status(slot, now_ns).is_ungranted ? 1 : 0;
}

// What has come since the last time, at most some of it; now and then an old packet once more.
void SequenceTraffic::receive(Box& owner, std::uint32_t slot, std::uint32_t spi,
                              std::uint64_t now_ns) {
  Sa& sa = sas_.at(spi);
  const std::uint64_t newest = (now_ns - sa.opened_ns) * sa.rate_per_s / kNsPerSecond;
  const std::uint64_t before = sa.arrived;
  sa.arrived = std::max(sa.arrived, newest);
  if (sa.arrived > before)
    for (int i = 0; i < 4; ++i)
      arrive(owner, slot, spi,
             sa.arrived - std::min<std::uint64_t>(sa.arrived - before - 1, prng_.below(6)), now_ns);
  if (sa.arrived != 0 && prng_.chance(300))
    arrive(owner, slot, spi, sa.arrived - std::min<std::uint64_t>(sa.arrived - 1, prng_.below(600)),
           now_ns);
}

void SequenceTraffic::arrive(Box& owner, std::uint32_t slot, std::uint32_t spi,
                             std::uint64_t sequence, std::uint64_t now_ns) {
  ha2::SequenceKeeper& keeper = *owner.keeper();
  const auto checked = keeper.check(slot, static_cast<std::uint32_t>(sequence));
  if (checked.verdict != ReplayVerdict::kNew || checked.sequence != sequence) return;
  if (keeper.accept(slot, sequence, now_ns) != ReplayVerdict::kNew)
    return blame("a packet that was checked is refused");
  if (!sas_.at(spi).accepted.insert(sequence).second)
    blame("packet " + std::to_string(sequence) + " of SPI " + std::to_string(spi) +
          " was accepted twice");
}

void SequenceTraffic::note_takeover(const Box& taker, std::uint64_t now_ns) {
  for_each_sa(taker, [&](std::uint32_t slot, const tables::IpsecSequenceBody&) {
    ++results_[static_cast<std::size_t>(taker.keeper()->status(slot, now_ns).result)];
  });
}

}  // namespace twinplane::tests
