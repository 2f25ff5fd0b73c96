// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/plan.hpp"

#include <algorithm>
#include <array>

namespace twinplane::tests {

namespace {

// Some of the plain kinds, and now and then one that the boxes do not keep equal.
void draw_plain_tables(Prng& prng, BoxShape& shape) {
  tables::for_each_kind([&](auto kind) {
    if (tables::is_session(kind)) return;
    if (prng.coin()) shape.limits.plain(kind) = prng.between(4, 70);
    if (prng.chance(100)) shape.kinds.remove(kind);
  });
  shape.stream.frame_bytes_max = std::max(shape.stream.frame_bytes_max, smallest_frame(shape));
}

}  // namespace

std::uint16_t smallest_frame(const BoxShape& shape) noexcept {
  tables::KindSet kinds{tables::TableKind::kSession4, tables::TableKind::kSession6};
  tables::for_each_kind([&](auto kind) {
    if (shape.limits.plain(kind) != 0) kinds.add(kind);
  });
  return ha2::frame_bytes_needed(kinds);
}

BoxShape draw_shape(Prng& prng) {
  BoxShape shape;
  shape.limits.session4 = {prng.between(48, 200), 2};
  shape.limits.session6 = {prng.between(48, 200), 2};
  if (prng.coin()) shape.limits.policy.when_full = tables::FullPolicy::kEvictHalfOpen;
  shape.hash_seed = prng.next();
  // Now and then generations wrap.
  if (prng.chance(250))
    shape.first_generation = static_cast<std::uint16_t>(0x4000 - prng.between(1, 20));
  ha2::StreamConfig& stream = shape.stream;
  stream.window_frames = prng.pick(std::array<std::uint16_t, 8>{4, 4, 8, 8, 16, 32, 64, 128});
  stream.frame_bytes_max = static_cast<std::uint16_t>(
      prng.coin() ? prng.between(kSessionFrameBytes, 400) : prng.between(400, 1500));
  stream.frames_per_poll_max = static_cast<std::uint16_t>(prng.between(1, 32));
  stream.flush_ns = prng.pick(std::array<std::uint32_t, 3>{0, 10'000, 50'000});
  stream.refresh_flush_ns = prng.pick(std::array<std::uint32_t, 2>{100'000, 1'000'000});
  stream.heartbeat_ns = prng.pick(std::array<std::uint32_t, 2>{200'000, 1'000'000});
  stream.reorder_ns = prng.pick(std::array<std::uint32_t, 3>{0, 20'000, 100'000});
  stream.status_ns = prng.pick(std::array<std::uint32_t, 2>{20'000, 100'000});
  // Ranges of all sizes against the tables', and an audit now and then; drawn apart, so that the
  // regressions keep their meaning.
  Prng later(shape.hash_seed ^ 0xA0D17U);
  constexpr std::array<std::uint16_t, 5> kRangeSlots{1, 5, 16, 40, 256};
  stream.compare_slots = later.pick(kRangeSlots);
  stream.verify_slots = later.pick(kRangeSlots);
  if (later.coin()) stream.audit_cycle_ns = later.between(1, 50) * 1'000'000U;
  if (later.coin()) stream.first_digest_id = 0U - later.below(60);
  stream.slowest_ns = later.pick(std::array<std::uint32_t, 3>{128'000, 512'000, 2'048'000});
  if (later.coin()) draw_plain_tables(later, shape);
  return shape;
}

WorkloadShape draw_workload(Prng& prng, const BoxShape& shape) {
  WorkloadShape workload;
  // From a nearly empty table to more flows than slots.
  const auto flows = [&prng](std::uint32_t slot_count) {
    return std::max<std::uint32_t>(4, slot_count * prng.between(20, 150) / 100);
  };
  workload.flow_count4 = flows(shape.limits.session4.slot_count);
  workload.flow_count6 = flows(shape.limits.session6.slot_count);
  workload.hot_flow_count = prng.between(1, 8);
  workload.hot_permille = prng.coin() ? prng.below(900) : 0;
  workload.create_weight = prng.between(1, 20);
  workload.advance_weight = prng.below(20);
  workload.data_weight = prng.below(20);
  workload.end_weight = prng.below(15);
  workload.reuse_weight = prng.below(10);
  workload.expire_weight = prng.below(3);
  workload.translated_permille = prng.coin() ? prng.below(1000) : 0;
  workload.local_only_permille = prng.coin() ? prng.below(300) : 0;
  workload.rich_permille = prng.coin() ? prng.below(500) : 0;
  workload.tcp_permille = prng.below(1001);
  workload.is_time_jumping = prng.chance(300);
  return workload;
}

LinkFaults draw_faults(Prng& prng, std::uint32_t delay_ns_max) {
  LinkFaults faults;
  faults.delay_ns_min = prng.below(delay_ns_max + 1);
  faults.delay_ns_max = prng.coin() ? faults.delay_ns_min : delay_ns_max;
  if (prng.coin()) faults.loss = prng.coin() ? prng.below(50) : prng.below(400);
  if (prng.chance(300)) {
    faults.burst_start = prng.below(30);
    faults.burst_frames_max = prng.between(1, 100);
  }
  if (prng.chance(300)) faults.status_loss = prng.below(600);
  if (prng.chance(400)) faults.duplicate = prng.below(300);
  if (prng.chance(400)) {
    faults.reorder = prng.below(300);
    faults.reorder_ns_max = prng.coin() ? delay_ns_max * 10 : 50'000;
  }
  if (prng.chance(300)) faults.flip = prng.below(200);
  if (prng.chance(300)) faults.truncate = prng.below(200);
  if (prng.chance(400)) faults.replay = prng.below(300);
  if (prng.chance(300)) {
    faults.refuse = prng.below(300);
    faults.refuse_ns_max = prng.below(2'000'000);
  }
  return faults;
}

void draw_later_faults(Prng& prng, LinkFaults& faults) {
  if (prng.chance(200)) {
    faults.squeeze_frames_per_ms = prng.between(2, 40);
    faults.squeeze_queue_frames = prng.between(1, 40);
  }
  if (prng.chance(200)) faults.ring_frames = prng.between(1, 16);
  if (prng.chance(250)) faults.malformed = prng.between(1, 300);
}

std::array<WorkloadKind, 3> draw_traffic(Prng& prng) {
  std::array<WorkloadKind, 3> traffic{};
  if (prng.chance(400)) return traffic;
  const bool is_mix = prng.chance(300);
  for (WorkloadKind& kind : traffic)
    kind = static_cast<WorkloadKind>(prng.below(kWorkloadKindCount));
  if (!is_mix) traffic[1] = traffic[2] = traffic[0];
  return traffic;
}

void fit_to_traffic(WorkloadKind kind, BoxShape& shape, WorkloadShape& workload) {
  if (kind != WorkloadKind::kSynFlood && kind != WorkloadKind::kFullTable) return;
  workload.flow_count4 = std::max(workload.flow_count4, 2 * shape.limits.session4.slot_count);
  workload.flow_count6 = std::max(workload.flow_count6, 2 * shape.limits.session6.slot_count);
  const bool is_flood = kind == WorkloadKind::kSynFlood;
  if (is_flood) workload.tcp_permille = 1000;
  shape.limits.policy.when_full =
      is_flood ? tables::FullPolicy::kEvictHalfOpen : tables::FullPolicy::kRefuse;
}

std::uint64_t round_trip_ns(const ha2::StreamConfig& stream, const LinkFaults& calm,
                            std::uint64_t step_ns) noexcept {
  return 2 * std::uint64_t{calm.delay_ns_max} + 4 * step_ns + stream.heartbeat_ns +
         stream.reorder_ns + stream.status_ns + stream.flush_ns;
}

std::uint64_t drain_frames(const BoxShape& shape) noexcept {
  const auto frames = [&shape](std::uint64_t slot_count, std::uint32_t slot_bytes) {
    const std::uint64_t slots_per_frame =
        std::max<std::uint64_t>(1, shape.stream.frame_bytes_max / slot_bytes);
    return slot_count / slots_per_frame;
  };
  std::uint64_t plain_count = 0;
  for (const std::uint32_t slot_count : shape.limits.plain_slots) plain_count += slot_count;
  const std::uint64_t session_count =
      std::uint64_t{shape.limits.session4.slot_count} + shape.limits.session6.slot_count;
  return 2 * (frames(session_count, 200) + frames(plain_count, 300)) + 1;
}

std::uint64_t drain_ns(const BoxShape& shape, const LinkFaults& calm,
                       std::uint64_t step_ns) noexcept {
  const std::uint64_t flights = drain_frames(shape) / shape.stream.window_frames + 1;
  return flights * (2 * std::uint64_t{calm.delay_ns_max} + 4 * step_ns + shape.stream.status_ns) +
         drain_frames(shape) * step_ns;
}

std::uint64_t pace_recovery_ns(const ha2::StreamConfig& stream,
                               std::uint64_t round_trip_ns) noexcept {
  std::uint64_t recovery_ns = 0;
  for (std::uint64_t ns = stream.slowest_ns; ns >= ha2::LossPace::kFirstNs; ns /= 2)
    recovery_ns += ha2::LossPace::kSampleFrames * ns + round_trip_ns;
  return recovery_ns;
}

std::uint64_t Endurance::frame_ns(std::uint64_t round_trip_ns,
                                  const ha2::StreamConfig& stream) const noexcept {
  const std::uint64_t window_ns = round_trip_ns / stream.window_frames;
  const std::uint32_t frames_per_ms = faults.squeeze_frames_per_ms;
  const std::uint64_t gap_ns = frames_per_ms == 0 ? step_ns / 2 : 1'000'000 / frames_per_ms;
  return std::max(window_ns, gap_ns);
}

std::uint64_t draw_start_ns(Prng& prng) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32U;
  const std::uint64_t before_ns = prng.below(20'000'000);
  switch (prng.below(6)) {
    case 0:
      return kWrap * 1'000U - before_ns;
    case 1:
      return kWrap * 1'000'000U - before_ns;
    case 2:
      return kWrap * 1'000'000'000U - before_ns;
    default:
      return 1'000'000'000;
  }
}

namespace {

// SAs whose numbers are in use, under a patience that a storm is many of.
void draw_sequences(Plan& plan) {
  Prng prng(plan.shape.hash_seed ^ 0x5E9E'7CEU);
  if (!prng.chance(600)) return;
  plan.has_sequences = true;
  BoxShape& shape = plan.shape;
  shape.limits.plain(tables::TableKind::kIpsecSequence) = prng.between(4, 24);
  shape.kinds.add(tables::TableKind::kIpsecSequence);
  shape.stream.frame_bytes_max = std::max(shape.stream.frame_bytes_max, smallest_frame(shape));
  ha2::SequenceLimits limits;
  limits.grant.patience_ns =
      prng.pick(std::array<std::uint32_t, 4>{200'000, 500'000, 1'000'000, 5'000'000});
  limits.grant.size_min = 1U << prng.between(2, 6);
  limits.pledge_ns = limits.grant.patience_ns / 8;
  limits.tell_ns = limits.grant.patience_ns / 4;
  limits.tell_packets = prng.between(16, 256);
  limits.untold_max = 4 * limits.tell_packets;
  shape.sequences = limits;
}

Events draw_events(Prng& prng) {
  Events events;
  const auto rate = [&prng](std::uint32_t permille_max) {
    return prng.chance(350) ? prng.between(1, permille_max) : 0;
  };
  events.restart_owner = rate(10);
  events.restart_mirror = rate(10);
  events.take_over = rate(10);
  events.switch_over = rate(20);
  events.reconnect = rate(20);
  events.pause = rate(10);
  events.outage = rate(10);
  events.one_way = rate(10);
  events.verify = rate(50);
  return events;
}

// Loss by chance, or a link squeezed; either passes four times what changes.
Endurance draw_endurance(Prng& prng, BoxShape& shape, const LinkFaults& calm) {
  Endurance endurance;
  endurance.is_wanted = prng.chance(100);
  endurance.loses_mirror = prng.coin();
  endurance.step_ns = 1'000 * prng.between(20, 60);
  endurance.faults = calm;
  if (prng.chance(500)) {
    endurance.faults.loss = prng.between(200, 400);
    endurance.faults.delay_ns_max += prng.below(400'000);
    endurance.faults.delay_ns_min = endurance.faults.delay_ns_max;
    // Many frames under way, and some lost of every range: as where much changes at a distance.
    if (endurance.is_wanted && prng.coin()) {
      shape.stream.window_frames = 128;
      shape.stream.frame_bytes_max = 1500;
      shape.stream.compare_slots = 256;
    }
  } else {
    // Well above the slowest pace: each partition sends as fast as that in any case.
    const std::uint32_t frames_per_ms_min = 4'000'000 / shape.stream.slowest_ns + 1;
    endurance.faults.squeeze_frames_per_ms = frames_per_ms_min * prng.between(1, 4);
    endurance.faults.squeeze_queue_frames = prng.between(1, 4);
    if (endurance.is_wanted && prng.coin()) shape.stream.window_frames = 128;
  }
  const std::uint64_t slots_per_frame =
      std::max<std::uint64_t>(1, shape.stream.frame_bytes_max / 200U);
  endurance.operation_permille = static_cast<std::uint32_t>(
      slots_per_frame * 1'000 * endurance.step_ns / 4 /
      endurance.frame_ns(round_trip_ns(shape.stream, endurance.faults, endurance.step_ns),
                         shape.stream));
  return endurance;
}

}  // namespace

Plan draw_plan(Prng& prng, std::uint32_t steps) {
  Plan plan;
  plan.shape = draw_shape(prng);
  plan.workload = draw_workload(prng, plan.shape);
  const std::uint32_t delay_ns_max =
      prng.pick(std::array<std::uint32_t, 3>{5'000, 50'000, 300'000});
  plan.storm = draw_faults(prng, delay_ns_max);
  plan.calm.delay_ns_min = plan.storm.delay_ns_min;
  plan.calm.delay_ns_max = plan.storm.delay_ns_max;
  plan.events = draw_events(prng);
  plan.step_ns = prng.between(5'000, 30'000) + plan.storm.delay_ns_max / 8;
  plan.round_count = prng.between(1, 3);
  plan.step_count = steps != 0 ? steps : prng.between(50, 600);
  plan.operations_max = prng.between(1, 12);
  plan.told_ns_max = prng.coin() ? 0 : prng.below(3'000'000);
  plan.hush_permille = prng.coin() ? 0 : prng.below(900);
  Prng later(plan.shape.hash_seed);
  if (later.chance(300)) {
    plan.events.flap = later.between(1, 20);
    plan.flap_ns_max = later.below(5'000'000);
  }
  draw_later_faults(later, plan.storm);
  plan.traffic = draw_traffic(later);
  fit_to_traffic(plan.traffic[0], plan.shape, plan.workload);
  plan.start_ns = draw_start_ns(later);
  if (later.chance(100)) plan.first_term = 0xFFFF'FFFFU - later.below(4);
  plan.is_owner_later = later.chance(150);
  if (later.coin()) plan.keep_permille = later.between(100, 1000);
  if (later.chance(50)) plan.shape.stream.frame_bytes_max = smallest_frame(plan.shape);
  plan.endurance = draw_endurance(later, plan.shape, plan.calm);
  draw_sequences(plan);
  return plan;
}

}  // namespace twinplane::tests
