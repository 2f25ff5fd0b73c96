// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the whole course of two engines: each pair of bytes is an event of the simulator.
//
// The first four bytes draw the shape of tables, frames and numbers; then come events: traffic,
// time, a fault of the link for what is sent next, a cut, a restart, a take-over. The oracle is
// that of the simulator, after every step of time; in the end, with the faults off, the boxes must
// become equal within their bound and verify so.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/fuzz/kit/input.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/support/checkers.hpp"
#include "tests/support/sim_pair.hpp"
#include "tests/support/sim_stage.hpp"
#include "tests/support/workload.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::tests;
using fuzz::Input;

constexpr std::uint64_t kStepNs = 50'000;
constexpr std::uint32_t kDelayNs = 60'000;
constexpr std::uint32_t kToldNsMax = 2'000'000;
constexpr std::uint32_t kFlapNsMax = 5'000'000;
constexpr std::uint32_t kReorderNsMax = 500'000;
constexpr std::uint64_t kMicrosecondsWrapNs = (std::uint64_t{1} << 32U) * 1'000;
constexpr std::size_t kEventsMax = 400;

BoxShape draw_shape(Input& input) {
  const std::uint8_t sizes = input.u8();
  const std::uint8_t numbers = input.u8();
  BoxShape shape;
  shape.limits.session4 = {64, 2};
  shape.limits.session6 = {64, 2};
  shape.stream.window_frames = static_cast<std::uint16_t>(4U << (sizes % 3U));
  shape.stream.frame_bytes_max =
      static_cast<std::uint16_t>(ha2::kFrameBytesNeeded + (sizes >> 2U) * 20U);
  if ((numbers & 4U) != 0)
    tables::for_each_kind([&](auto kind) {
      if (!tables::is_session(kind)) shape.limits.plain(kind) = 20;
    });
  shape.hash_seed = 11;
  if ((numbers & 1U) != 0) shape.first_generation = tables::kGenerationMask - 3;
  if ((numbers & 2U) != 0) shape.stream.reorder_ns = 0;
  return shape;
}

WorkloadShape traffic() {
  WorkloadShape shape;
  shape.flow_count4 = shape.flow_count6 = 40;  // of 64 slots: now and then one is left for long
  return shape;
}

// One of a link's faults, for everything that is sent until the next step.
LinkFaults fault_of(unsigned number) {
  LinkFaults faults;
  faults.delay_ns_min = faults.delay_ns_max = kDelayNs;
  faults.reorder_ns_max = kReorderNsMax;
  faults.refuse_ns_max = kReorderNsMax;
  const std::array<std::uint32_t LinkFaults::*, 10> kinds{
      &LinkFaults::loss,   &LinkFaults::duplicate, &LinkFaults::reorder,
      &LinkFaults::flip,   &LinkFaults::truncate,  &LinkFaults::replay,
      &LinkFaults::refuse, &LinkFaults::malformed, &LinkFaults::status_loss,
      &LinkFaults::loss};
  faults.*kinds[number % kinds.size()] = number % kinds.size() == 9 ? 500 : 1000;
  return faults;
}

LinkFaults calm_link() {
  LinkFaults faults;
  faults.delay_ns_min = faults.delay_ns_max = kDelayNs;
  return faults;
}

class EventRun {
 public:
  EventRun(const BoxShape& shape, std::uint16_t place)
      : pair_(shape, 1 + place,
              (place & 1U) != 0 ? kMicrosecondsWrapNs - 3'000'000 : std::uint64_t{1'000'000'000},
              1),
        flows_(traffic(), 0),
        observer_(shape.kinds),
        index_(flows_) {
    for (std::size_t i = 0; i < 2; ++i) pair_.link_from(i).set_malformer(make_malformed);
    pair_.set_faults(calm_link());
  }

  void happen(std::uint8_t event, std::uint8_t number) {
    const std::size_t which = number & 1U;
    const std::uint32_t part = number >> 1U;  // 0 to 127, of the longest time
    switch (event % 16U) {
      case 0:
      case 1:
      case 2:
        return operate(number, 1U + event % 16U);
      case 3:
      case 4:
      case 5:
        return step(1 + number % 8U);
      case 6:
      case 7:
        return pair_.link_from(which).set_faults(fault_of(part));
      case 8:
        return pair_.restart(which, kToldNsMax / 128 * (part / 2), (part & 1U) != 0);
      case 9:
        return pair_.take_over(which != 0, kToldNsMax / 128 * part);
      case 10:
        return pair_.reconnect(kToldNsMax / 128 * part);
      case 11:
        return pair_.flap(which, kFlapNsMax / 128 * part);
      case 12:
        return pair_.pause(which, pair_.now_ns() + kFlapNsMax / 128 * part);
      case 13:
        return pair_.link_from(which).set_cut((part & 1U) != 0);
      case 14:
        return (part & 1U) != 0 ? pair_.link_from(which).drop_all()
                                : pair_.owner().replica().owner().start_verify();
      default:
        return step(8 + number % 32U);
    }
  }

  // I9, within the bound that tests/sim has, here for one shape of the link.
  void end() {
    pair_.end_pauses();
    for (std::size_t i = 0; i < 2; ++i) pair_.link_from(i).set_cut(false);
    for (std::uint64_t left = bound_ns() / kStepNs; left > 0 && !is_settled(); --left) step(1);
    require_none(is_settled() ? "" : "I9 not equal in time after the faults ended");
    look_at_indexes();
    ha2::OwnerStream& owner = pair_.owner().replica().owner();
    owner.start_verify();
    for (int left = 400; left > 0 && owner.verification().is_running; --left) step(1);
    const auto verified = owner.verification();
    fuzz::require(!verified.is_running && verified.equal_count == verified.range_count,
                  "section 5: equal tables are not found equal");
  }

 private:
  static void require_none(const std::string& violation) {
    if (!violation.empty()) fuzz::fail(violation);
  }

  void operate(std::uint8_t number, std::uint32_t count) {
    Workload traffic_now(traffic(), number);
    while (count-- > 0) traffic_now.operate(pair_.owner().partition(), pair_.now_ns());
    look();  // before anybody is told, or the box is gone
  }

  void step(std::uint32_t count) {
    for (; count > 0; --count) {
      pair_.advance(kStepNs);
      look();
      pair_.poll();
      pair_.set_faults(calm_link());
    }
  }

  void look() {
    const Scene& scene = observer_.look(ends_of(pair_));
    require_none(nothing_forgotten_.check(scene));
    require_none(nothing_invented_.check(scene));
    require_none(nothing_goes_back_.check(scene));
    require_none(improper_.check(scene));
    require_none(quiet_.check(scene));
    require_none(pair_.link_from(0).seq_used_twice());
    require_none(pair_.link_from(1).seq_used_twice());
    if (++look_count_ % 16 == 0) look_at_indexes();
    fuzz::require(pair_.owner().replica().owner().verification().different_count == 0,
                  "section 5: a verification says that equal tables differ");
  }

  void look_at_indexes() {
    require_none(index_.check(pair_.owner()));
    require_none(index_.check(pair_.mirror()));
  }

  bool is_settled() const {
    return pair_.is_joined() && pair_.owner().replica().owner().is_quiet();
  }

  // As tests/sim: who must still be told, 20 round trips, and a frame a slot, twice, in flights.
  std::uint64_t bound_ns() const {
    const ha2::StreamConfig& stream = pair_.shape().stream;
    const std::uint64_t round_trip_ns = 2 * std::uint64_t{kDelayNs} + 4 * kStepNs +
                                        stream.heartbeat_ns + stream.reorder_ns + stream.status_ns +
                                        stream.flush_ns;
    constexpr std::uint64_t kFrames = 4 * 64 + 1;
    const std::uint64_t flights = kFrames / stream.window_frames + 1;
    const std::uint64_t drain_ns =
        flights * (2 * std::uint64_t{kDelayNs} + 4 * kStepNs + stream.status_ns) +
        kFrames * kStepNs;
    return kToldNsMax + kFlapNsMax + 20 * round_trip_ns + drain_ns + stream.refresh_flush_ns +
           kReorderNsMax;
  }

  SimPair pair_;
  Workload flows_;
  Observer observer_;
  NothingForgotten nothing_forgotten_;
  NothingInvented nothing_invented_;
  NothingGoesBack nothing_goes_back_;
  NothingImproper improper_;
  QuietMeansEqual quiet_;
  IndexIsExact index_;
  std::uint64_t look_count_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  Input input(data, bytes);
  const BoxShape shape = draw_shape(input);
  EventRun run(shape, input.u16());
  for (std::size_t i = 0; i < kEventsMax && !input.is_empty(); ++i) {
    const std::uint8_t event = input.u8();
    run.happen(event, input.u8());
  }
  run.end();
  return 0;
}
