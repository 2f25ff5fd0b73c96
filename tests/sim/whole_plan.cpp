// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/whole_plan.hpp"

#include <algorithm>

#include "tests/sim/seed_run.hpp"

namespace twinplane::tests {

namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

ha2::PairConfig draw_pair(Prng& prng) {
  ha2::PairConfig pair;
  pair.keepalive_interval_ns = kNsPerMs * prng.pick(std::array<std::uint64_t, 4>{1, 2, 10, 10});
  pair.keepalive_threshold = prng.between(2, 5);
  pair.boot_hold_ns = pair.keepalive_interval_ns * pair.keepalive_threshold * prng.between(1, 6);
  pair.hello_interval_ns = pair.keepalive_interval_ns * prng.between(2, 10);
  // The first one is what OtherLife says otherwise.
  pair.items = {{"slots", 1, true}, {"cores", 1, false}};
  return pair;
}

MachineShape draw_machine(Prng& prng, std::uint8_t box_id, const BoxShape& part,
                          std::uint32_t partition_count, const ha2::PairConfig& pair) {
  MachineShape machine;
  machine.box.partition_count = partition_count;
  machine.box.worker_count = prng.between(1, partition_count);
  machine.box.partition = part;
  machine.box.partition.hash_seed = prng.next();
  machine.box.pair = pair;
  machine.box.pair.box_id = box_id;
  machine.box.pair.frame_bytes_max = part.stream.frame_bytes_max;
  machine.box.pair.frame_bytes_min = smallest_frame(part);
  machine.box.pair.kinds = part.kinds;
  if (prng.coin()) machine.box.pair.priority = static_cast<std::uint8_t>(prng.between(90, 110));
  const auto drift_ppm = prng.coin() ? 0 : static_cast<std::int32_t>(prng.below(401)) - 200;
  machine.clock = BoxClock(draw_start_ns(prng), drift_ppm);
  if (prng.chance(250)) machine.first_keepalive_count = 0U - prng.between(1, 100);
  machine.is_later_build = prng.chance(100);
  return machine;
}

LinkFaults draw_path_faults(Prng& prng, std::uint32_t delay_ns_max) {
  LinkFaults faults = draw_faults(prng, delay_ns_max);
  draw_later_faults(prng, faults);
  // The ring is the box's own here.
  faults.ring_frames = 0;
  // Half of the links only delay: with everything broken everywhere hardly a stream would live.
  if (prng.coin())
    faults = {.delay_ns_min = faults.delay_ns_min, .delay_ns_max = faults.delay_ns_max};
  return faults;
}

WholeEvents draw_whole_events(Prng& prng) {
  WholeEvents events;
  const auto rate = [&prng](std::uint32_t permille_max) {
    return prng.chance(300) ? prng.between(1, permille_max) : 0;
  };
  events.crash = rate(8);
  events.crash_both = rate(3);
  events.leave = rate(6);
  events.pause = rate(6);
  events.hang_worker = rate(6);
  events.hang_control = rate(6);
  events.leap = rate(10);
  events.cut_ha2 = rate(10);
  events.cut_ha1 = rate(10);
  events.cut_both = rate(8);
  events.one_way = rate(10);
  events.flaps = rate(4);
  events.other_item = rate(4);
  events.old_words = rate(20);
  events.verify = rate(20);
  return events;
}

}  // namespace

WholePlan draw_whole_plan(Prng& prng, std::uint32_t steps) {
  WholePlan plan;
  BoxShape part = draw_shape(prng);
  plan.workload = draw_workload(prng, part);
  plan.traffic = draw_traffic(prng);
  fit_to_traffic(plan.traffic[0], part, plan.workload);
  const std::uint32_t partition_count = prng.between(1, 3);
  const ha2::PairConfig pair = draw_pair(prng);
  for (std::uint8_t i = 0; i < 2; ++i)
    plan.machines[i] = draw_machine(prng, i, part, partition_count, pair);
  if (prng.chance(250)) {
    const auto other_bytes = std::max(
        static_cast<std::uint16_t>(prng.between(kSessionFrameBytes, 1500)), smallest_frame(part));
    plan.machines[1].box.partition.stream.frame_bytes_max = other_bytes;
    plan.machines[1].box.pair.frame_bytes_max = other_bytes;
  }
  const std::uint32_t delay_ns_max =
      prng.pick(std::array<std::uint32_t, 3>{5'000, 50'000, 200'000});
  for (std::size_t path = 0; path < ha2::kPathCount; ++path) {
    plan.storm[path] = draw_path_faults(prng, delay_ns_max);
    plan.calm[path].delay_ns_min = plan.storm[path].delay_ns_min;
    plan.calm[path].delay_ns_max = plan.storm[path].delay_ns_max;
  }
  plan.events = draw_whole_events(prng);
  plan.step_ns = prng.between(10'000, 60'000) + delay_ns_max / 4;
  plan.hop_permille = prng.between(30, 400);
  plan.step_count = steps != 0 ? steps : prng.between(150, 700);
  plan.round_count = prng.between(1, 2);
  plan.operations_max = prng.between(1, 8);
  plan.skipped_permille = prng.coin() ? 0 : prng.between(1, 400);
  plan.ring_frames = prng.chance(250) ? prng.between(2, 24) : FrameRing::kFramesMax;
  if (prng.coin()) plan.keep_permille = prng.between(100, 1000);
  if (!prng.chance(400)) plan.boots_ns[prng.below(2)] = prng.below(3) * pair.boot_hold_ns / 2;
  return plan;
}

std::uint64_t WholePlan::round_trip_ns() const noexcept {
  return tests::round_trip_ns(machines[0].box.partition.stream, calm[0], step_ns);
}

std::uint64_t WholePlan::drain_ns() const noexcept {
  BoxShape part = machines[0].box.partition;
  part.stream.frame_bytes_max =
      std::min(part.stream.frame_bytes_max, machines[1].box.partition.stream.frame_bytes_max);
  return tests::drain_ns(part, calm[0], step_ns) + pace_recovery_ns(part.stream, round_trip_ns());
}

std::uint64_t WholePlan::settle_ns() const noexcept {
  return 2 * pair().boot_hold_ns + 12 * silence_ns() + 30 * pair().keepalive_interval_ns +
         14 * pair().hello_interval_ns;
}

void cover_pair(const WholePlan& plan, const WholePair& pair, Coverage& coverage) {
  for (std::size_t i = 0; i < 2; ++i) {
    for (const ha2::Path path : {ha2::Path::kHa2, ha2::Path::kHa1})
      coverage.add_link(pair.link(i, path), path == ha2::Path::kHa1);
    const MachineShape& machine = plan.machines[i];
    if (machine.is_later_build) coverage.add(Covered::kLaterVersion);
    if (machine.first_keepalive_count != 0) coverage.add(Covered::kKeepaliveCountWraps);
    if (machine.clock.drift_ppm() != 0) coverage.add(Covered::kClockDrift);
    cover_wraps(machine.clock.at(0), pair.local_ns(i), coverage);
    if (!pair.is_up(i)) continue;
    for (std::uint32_t p = 0; p < machine.box.partition_count; ++p)
      coverage.add_counters(pair.box(i).partition(p).replica().counters());
  }
  coverage.add(Covered::kRing, pair.ring_drop_count());
  if (plan.skipped_permille != 0) coverage.add(Covered::kLateOrder);
  if (plan.machines[0].box.pair.frame_bytes_max != plan.machines[1].box.pair.frame_bytes_max)
    coverage.add(Covered::kOtherFrameSize);
}

}  // namespace twinplane::tests
