// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_faults.hpp"

#include <string_view>

#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {
namespace {

constexpr DecimalBounds kPercentBounds{0, 100};
constexpr DecimalBounds kDelayBoundsMs{0, 1000};

std::string delay_text(const FaultsConfig& faults) {
  if (faults.delay_max_ms <= 0) return {};
  std::string text = "delay " + short_text(faults.delay_ms);
  if (faults.delay_max_ms > faults.delay_ms) text += " to " + short_text(faults.delay_max_ms);
  return text + " ms, ";
}

std::string percent_text(std::string_view what, double percent) {
  if (percent <= 0) return {};
  return std::string(what) + " " + short_text(percent) + " %, ";
}

// What is asked for, without the seed.
std::string list_text(const FaultsConfig& faults) {
  std::string text = percent_text("loss", faults.loss_percent);
  if (faults.burst_percent > 0)
    text += "runs of " + std::to_string(faults.burst_frames) + " losses " +
            short_text(faults.burst_percent) + " %, ";
  text += percent_text("duplicates", faults.duplicate_percent);
  text += percent_text("reordered", faults.reorder_percent);
  text += delay_text(faults);
  text += percent_text("corrupted", faults.corrupt_percent);
  if (faults.stall_ms != 0)
    text += "stalls of " + std::to_string(faults.stall_ms) + " ms every " +
            std::to_string(faults.stall_every_s) + " s, ";
  if (faults.rate_frames_per_s != 0)
    text += "at most " + std::to_string(faults.rate_frames_per_s) + " frames/s of each core, ";
  return text;
}

void check_faults(const Section& section, bool has_link, const FaultsConfig& faults) {
  FaultList& list = section.faults();
  if (faults.delay_max_ms < faults.delay_ms) {
    list.add(
        section.path("delay_max_ms"),
        short_text(faults.delay_max_ms) + " is less than delay_ms, " + short_text(faults.delay_ms),
        "at least as much; the same is a fixed delay");
  }
  if (faults.stall_ms >= faults.stall_every_s * 1000U) {
    list.add(section.path("stall_ms"),
             std::to_string(faults.stall_ms) + " ms would never end, as one begins every " +
                 std::to_string(faults.stall_every_s) + " s",
             "less than stall_every_s");
  }
  if (!faults.enabled) return;
  if (!has_link) {
    list.add(section.path("enabled"), "is true, but ha.enabled is false: there is no HA2 link",
             "false, or a pair");
  } else if (list_text(faults).empty()) {
    list.add(section.path("enabled"), "is true, but no fault is asked for",
             "give at least one of loss_percent, burst_percent, duplicate_percent, "
             "reorder_percent, delay_ms, corrupt_percent, stall_ms, rate_frames_per_s");
  }
}

}  // namespace

void read_faults(Section section, bool has_link, FaultsConfig& faults) {
  section.read_boolean("enabled", faults.enabled);
  section.read_integer("seed", faults.seed, {0, 4294967295});
  section.read_decimal("loss_percent", faults.loss_percent, kPercentBounds);
  section.read_decimal("burst_percent", faults.burst_percent, kPercentBounds);
  section.read_integer("burst_frames", faults.burst_frames, {2, 1000});
  section.read_decimal("duplicate_percent", faults.duplicate_percent, kPercentBounds);
  section.read_decimal("reorder_percent", faults.reorder_percent, kPercentBounds);
  section.read_decimal("delay_ms", faults.delay_ms, kDelayBoundsMs);
  faults.delay_max_ms = faults.delay_ms;
  section.read_decimal("delay_max_ms", faults.delay_max_ms, kDelayBoundsMs);
  section.read_decimal("corrupt_percent", faults.corrupt_percent, kPercentBounds);
  section.read_integer("stall_ms", faults.stall_ms, {0, 3'600'000});
  section.read_integer("stall_every_s", faults.stall_every_s, {1, 3600});
  section.read_integer("rate_frames_per_s", faults.rate_frames_per_s, {0, 10'000'000});
  section.finish();
  check_faults(section, has_link, faults);
}

std::string faults_text(const FaultsConfig& faults) {
  if (!faults.enabled) return {};
  return list_text(faults) + "seed " + std::to_string(faults.seed);
}

}  // namespace twinplane::dataplane
