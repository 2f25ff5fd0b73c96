// SPDX-License-Identifier: BSD-3-Clause
// config_faults.hpp - the section [faults]: what is done to the frames that this box sends over
// HA2, so that an operator can rehearse a bad link.
//
// Thread:  set-up only, one thread; the values are only read afterwards.
// Memory:  a plain value.
// Limits:  the ranges in the comments below.
// Errors:  faults go to the FaultList of the section that is read.
// Spec:    dataplane/examples/east.toml; what each does: link_faults.hpp.
#pragma once

#include <cstdint>
#include <string>

namespace twinplane::dataplane {

class Section;

// Chances are percent of frames, 0 to 100, fractions allowed. Everything at 0 does nothing.
struct FaultsConfig {
  bool enabled{false};
  std::uint64_t seed{1};
  double loss_percent{};
  double burst_percent{};  // of frames with which a run of losses begins
  std::uint32_t burst_frames{8};
  double duplicate_percent{};
  double reorder_percent{};
  double delay_ms{};      // 0 to 1000
  double delay_max_ms{};  // at least delay_ms, which it is unless given
  double corrupt_percent{};
  std::uint32_t stall_ms{};           // 0 to 3600000, shorter than stall_every_s
  std::uint32_t stall_every_s{10};    // 1 to 3600
  std::uint32_t rate_frames_per_s{};  // 0 = as fast as it goes
};

// Reads the section; `has_link`: there is an HA2 link to do it to.
void read_faults(Section section, bool has_link, FaultsConfig& faults);

// Every fault that is on, as "loss 5 %, delay 2 ms, seed 1"; empty when none is enabled.
std::string faults_text(const FaultsConfig& faults);

}  // namespace twinplane::dataplane
