// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipsec_home.hpp"

#include <algorithm>

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kPublishNs = 50'000'000;

}  // namespace

IpsecHome::IpsecHome(const Config& config, ha2::Replica& replica)
    : configured_(config.security_associations),
      replica_(replica),
      sas_(replica, ha2::SequenceLimits{}),
      rows_(std::make_unique<Row[]>(configured_.size())) {
  sas_.keeper().set_alone(!config.ha.enabled);
}

void IpsecHome::follow(std::uint64_t now_ns) noexcept {
  sas_.follow(now_ns);
  const ha2::Assignment& now = replica_.assignment();
  const bool is_active = now.holding == ha2::Holding::kOwner;
  has_mirrored_ |= now.holding == ha2::Holding::kMirror && now.has_peer;
  if (is_active && !was_active_) install(now_ns);
  was_active_ = is_active;
  publish(now_ns);
}

// The pair's SAs are those that the active box is configured with. One that the peer had and did
// not tell of must not begin with number 1 again.
void IpsecHome::install(std::uint64_t now_ns) noexcept {
  const auto& slots = replica_.partition().slots<tables::TableKind::kSecurityAssociation>();
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    if (!slots.live().is_live(slot)) continue;
    const ha2::SaDatabase::Key key = sas_.sa(slot).key;
    const bool is_ours = std::ranges::any_of(configured_, [&](const SaConfig& sa) {
      return sa.sa.key.spi == key.spi && sa.sa.key.destination == key.destination &&
             sa.sa.key.protocol == key.protocol;
    });
    if (!is_ours) sas_.end(slot);
  }
  for (const SaConfig& sa : configured_) {
    if (sas_.find(sa.sa.key) != tables::kNoSlot) continue;
    // There is room for all, and each was found sound when it was read.
    if (has_mirrored_)
      static_cast<void>(sas_.install_sealed(sa.sa, now_ns));
    else
      static_cast<void>(sas_.install(sa.sa, now_ns));
  }
}

void IpsecHome::poll(std::uint64_t now_ns) noexcept {
  sas_.poll(now_ns);
  if (now_ns - published_ns_ >= kPublishNs) publish(now_ns);
}

void IpsecHome::publish(std::uint64_t now_ns) noexcept {
  published_ns_ = now_ns;
  for (std::size_t i = 0; i < configured_.size(); ++i) {
    Row& row = rows_[i];
    const std::uint32_t slot = sas_.find(configured_[i].sa.key);
    row.is_there.set(slot == tables::kNoSlot ? 0 : 1);
    if (slot == tables::kNoSlot) continue;
    const ha2::SequenceStatus numbers = sas_.sequences(slot, now_ns);
    row.used.set(numbers.used);
    row.ceiling.set(numbers.ceiling);
    row.told.set(numbers.told);
    row.rate_per_s.set(numbers.rate_per_s);
    row.flags.set(sas_.sa(slot).flags);
    row.result.set(static_cast<std::uint64_t>(numbers.result));
    row.jump.set(numbers.jump);
    row.is_ungranted.set(numbers.is_ungranted ? 1 : 0);
    row.age_s.set(sas_.age_s(slot, now_ns));
    row.used_bytes.set(sas_.used(slot).used_bytes);
    row.used_packets.set(sas_.used(slot).used_packets);
  }
}

}  // namespace twinplane::dataplane
