// SPDX-License-Identifier: BSD-3-Clause
// A picture of the worker's tables and streams for the other threads, once a millisecond.
#include <algorithm>

#include "dataplane/clock.hpp"
#include "dataplane/worker.hpp"

namespace twinplane::dataplane {

void Worker::publish(std::uint64_t now) noexcept {
  last_publish_ns_ = now;
  tables::SessionCounters sum;
  std::uint64_t sessions4 = 0, sessions6 = 0, unindexed = 0, damaged = 0;
  const auto add = [&sum](const tables::SessionCounters& counters) {
    sum.created += counters.created;
    sum.ended += counters.ended;
    sum.expired += counters.expired;
    sum.evicted_half_open += counters.evicted_half_open;
    sum.opened_young += counters.opened_young;
    sum.came_of_age += counters.came_of_age;
    sum.decrypted += counters.decrypted;
    sum.refused_full += counters.refused_full + counters.refused_index_full;
  };
  for (const auto& replica : replicas_) {
    if (replica == nullptr) continue;
    const tables::Partition& mine = replica->partition();
    sessions4 += mine.session4().slots().live_count();
    sessions6 += mine.session6().slots().live_count();
    unindexed +=
        mine.session4().slots().unindexed_count() + mine.session6().slots().unindexed_count();
    damaged += mine.session4().slots().swept_count() + mine.session6().slots().swept_count();
    const auto& sctp = mine.slots<tables::TableKind::kSctp>();
    unindexed += sctp.unindexed_count();
    damaged += sctp.swept_count();
    add(mine.session4().counters());
    add(mine.session6().counters());
  }
  stats_.sessions4.set(sessions4);
  stats_.sessions6.set(sessions6);
  stats_.sessions_created.set(sum.created);
  stats_.sessions_ended.set(sum.ended);
  stats_.sessions_expired.set(sum.expired);
  stats_.sessions_evicted.set(sum.evicted_half_open);
  stats_.sessions_opened_young.set(sum.opened_young);
  stats_.sessions_came_of_age.set(sum.came_of_age);
  stats_.sessions_decrypted.set(sum.decrypted);
  stats_.sessions_refused.set(sum.refused_full);
  stats_.sessions_unindexed.set(unindexed);
  stats_.sessions_damaged.set(damaged);
  for (std::size_t i = 0; i < kFragmentCounterRows.size(); ++i)
    stats_.fragments[i].set(fragments_.counters().*kFragmentCounterRows[i].value);
  publish_kinds();
  publish_streams(now);
  admission_.exchange_rates(now);
  cookies_.set_time(wall_s());
  pass_findings_on();
  stats_.published_ns.set(now);
}

void Worker::publish_kinds() noexcept {
  tables::for_each_kind([this](auto kind) {
    std::uint64_t entries = 0, capacity = 0, high_water = 0, refused = 0;
    std::uint64_t created = 0, ended = 0, expired = 0;
    for (const auto& replica : replicas_) {
      if (replica == nullptr) continue;
      const auto& table = replica->partition().template table<kind()>();
      const auto& counters = table.counters();
      entries += table.slots().live_count();
      capacity += table.slots().slot_count();
      high_water += table.slots().high_water();
      refused += counters.refused_full + counters.refused_index_full;
      created += counters.created;
      ended += counters.ended;
      expired += counters.expired;
    }
    KindGauges& gauges = stats_.kinds[tables::index_of(kind)];
    gauges.entries.set(entries);
    gauges.capacity.set(capacity);
    gauges.high_water.set(high_water);
    gauges.refused.set(refused);
    gauges.created.set(created);
    gauges.ended.set(ended);
    gauges.expired.set(expired);
  });
}

void Worker::publish_streams(std::uint64_t now) noexcept {
  std::uint64_t lag_ns = 0, pace_ns = 0, at_risk = 0, stated = 0, total = 0, synced = 0,
                comparing = 0, quiet = 0, verified = 0;
  ha2::OwnerStream::Verification sum{};
  std::uint64_t audit_rounds = ~std::uint64_t{0}, audit_ended_ns = ~std::uint64_t{0},
                audit_ranges = 0, audit_told = 0;
  for (const auto& replica : replicas_) {
    if (replica == nullptr) continue;
    const ha2::OwnerStream& owner = replica->owner();
    total += owner.bulk_total_slots();
    if (!owner.is_running()) continue;
    lag_ns = std::max(lag_ns, owner.lag_ns(now));
    pace_ns = std::max(pace_ns, owner.pace_ns());
    at_risk += owner.at_risk_count();
    stated += owner.bulk_stated_slots();
    synced += owner.is_bulk_done() ? 1 : 0;
    comparing += owner.is_comparing() ? 1 : 0;
    quiet += owner.is_quiet() ? 1 : 0;
    const ha2::OwnerStream::Verification verification = owner.verification();
    sum.is_running |= verification.is_running;
    verified += verification.is_told() ? 1 : 0;
    sum.range_count += verification.range_count;
    sum.equal_count += verification.equal_count;
    sum.different_count += verification.different_count;
    const ha2::OwnerStream::Audit audit = owner.audit();
    audit_rounds = std::min(audit_rounds, audit.done_count);
    audit_ended_ns = std::min(audit_ended_ns, audit.ended_ns);
    audit_ranges += audit.running.range_count;
    audit_told += audit.running.told_count();
  }
  constexpr std::uint64_t kNone = ~std::uint64_t{0};
  stats_.lag_ns.set(lag_ns);
  stats_.pace_ns.set(pace_ns);
  stats_.at_risk.set(at_risk);
  stats_.bulk_stated_slots.set(stated);
  stats_.bulk_total_slots.set(total);
  stats_.partitions_synced.set(synced);
  stats_.partitions_comparing.set(comparing);
  stats_.partitions_quiet.set(quiet);
  stats_.partitions_verified.set(verified);
  stats_.verify_ranges.set(sum.range_count);
  stats_.verify_equal.set(sum.equal_count);
  stats_.verify_different.set(sum.different_count);
  stats_.verify_running.set(sum.is_running ? 1 : 0);
  stats_.verify_number.set(verify_number_);
  stats_.audit_rounds.set(audit_rounds == kNone ? 0 : audit_rounds);
  stats_.audit_ended_ns.set(audit_ended_ns == kNone ? 0 : audit_ended_ns);
  stats_.audit_ranges.set(audit_ranges);
  stats_.audit_told.set(audit_told);
}

void Worker::pass_findings_on() noexcept {
  std::uint64_t refused = 0;
  for (const auto& replica : replicas_) {
    if (replica == nullptr) continue;
    ha2::Difference finding;
    while (replica->differences().try_take(finding)) findings_.try_put(finding);
    refused += replica->differences().refused_count();
  }
  stats_.findings_refused.set(refused + findings_.refused_count());
}

}  // namespace twinplane::dataplane
