// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/sim_whole_pair.hpp"

#include <algorithm>

namespace twinplane::tests {

namespace {

constexpr std::size_t kHa1FrameBytes = 1500;

}  // namespace

WholePair::Machine::Machine(const MachineShape& machine_shape, std::uint64_t seed)
    : shape(machine_shape),
      clock(machine_shape.clock),
      other_life(std::make_unique<OtherLife>(machine_shape.first_keepalive_count)),
      later_version(std::make_unique<LaterVersion>(seed)),
      links{SimLink(seed ^ 0x5151U, machine_shape.box.partition.stream.frame_bytes_max),
            SimLink(seed ^ 0xA2A2U, kHa1FrameBytes)},
      worker_hangs_until_ns(machine_shape.box.worker_count),
      has_worker_turn(machine_shape.box.worker_count) {
  std::vector<FrameStage*> on_ha2{other_life.get()};
  if (shape.is_later_build) on_ha2.push_back(later_version.get());
  stages = std::make_unique<Stages>(std::move(on_ha2));
  links[0].set_stage(stages.get());
  links[0].set_malformer(make_malformed);
  links[1].set_stage(other_life.get());
}

WholePair::WholePair(const std::array<MachineShape, 2>& shapes, std::uint64_t seed)
    : prng_(seed),
      machines_{Machine(shapes[0], seed ^ 0xEA57U), Machine(shapes[1], seed ^ 0xE57U)} {
  const auto frame_bytes = [&shapes](std::size_t index) {
    return shapes[index].box.partition.stream.frame_bytes_max;
  };
  for (Machine& machine : machines_)
    machine.later_version->set_frame_bytes_max(std::min(frame_bytes(0), frame_bytes(1)));
}

void WholePair::crash(std::size_t index, bool keeps_tables) {
  Machine& machine = machines_[index];
  const ha2::Pair& pair = machine.box->pair();
  machine.kept_as = {keeps_tables, pair.role() == ha2::Role::kActive, pair.term()};
  machine.kept = WholeBox::end(std::move(machine.box));
  if (!keeps_tables) machine.kept.clear();
}

void WholePair::boot(std::size_t index) {
  Machine& machine = machines_[index];
  machine.box = std::make_unique<WholeBox>(
      machine.shape.box, prng_.next() | 1U,
      std::array<SimLink*, ha2::kPathCount>{&machine.links[0], &machine.links[1]},
      std::move(machine.kept), machine.kept_as);
  machine.kept.clear();
  machine.kept_as = {};
}

void WholePair::pause(std::size_t index, std::uint64_t until_ns) noexcept {
  machines_[index].paused_until_ns = until_ns;
}

void WholePair::hang_worker(std::size_t index, std::uint32_t worker,
                            std::uint64_t until_ns) noexcept {
  machines_[index].worker_hangs_until_ns[worker] = until_ns;
}

void WholePair::hang_control(std::size_t index, std::uint64_t until_ns) noexcept {
  machines_[index].control_hangs_until_ns = until_ns;
}

void WholePair::end_stalls() noexcept {
  for (Machine& machine : machines_) {
    std::ranges::fill(machine.worker_hangs_until_ns, 0);
    machine.control_hangs_until_ns = machine.paused_until_ns = 0;
  }
}

void WholePair::receive(std::size_t index) {
  Machine& machine = machines_[index];
  for (std::size_t path = 0; path < ha2::kPathCount; ++path) {
    SimLink& link = machines_[1 - index].links[path];
    for (auto frame = link.try_receive(); !frame.bytes.empty(); frame = link.try_receive()) {
      if (machine.box == nullptr) continue;  // nobody is there
      if (!machine.box->deliver(static_cast<ha2::Path>(path), frame, ring_frames_))
        ++ring_drop_count_;
    }
  }
}

void WholePair::advance(std::uint64_t step_ns) {
  now_ns_ += step_ns;
  for (Machine& machine : machines_)
    for (SimLink& link : machine.links) link.set_now(now_ns_);
  for (std::size_t index = 0; index < 2; ++index) {
    Machine& machine = machines_[index];
    receive(index);
    std::fill(machine.has_worker_turn.begin(), machine.has_worker_turn.end(), false);
    if (machine.box == nullptr || now_ns_ < machine.paused_until_ns) continue;
    for (std::uint32_t worker = 0; worker < machine.has_worker_turn.size(); ++worker) {
      if (now_ns_ < machine.worker_hangs_until_ns[worker] || prng_.chance(skipped_permille_))
        continue;
      machine.has_worker_turn[worker] = true;
      machine.box->follow_and_receive(worker, local_ns(index));
    }
  }
}

void WholePair::poll() {
  for (std::size_t index = 0; index < 2; ++index) {
    Machine& machine = machines_[index];
    if (machine.box == nullptr || now_ns_ < machine.paused_until_ns) continue;
    for (std::uint32_t worker = 0; worker < machine.has_worker_turn.size(); ++worker)
      if (machine.has_worker_turn[worker]) machine.box->send(worker, local_ns(index));
    if (now_ns_ >= machine.control_hangs_until_ns && !prng_.chance(skipped_permille_))
      machine.box->turn_control(local_ns(index));
  }
}

}  // namespace twinplane::tests
