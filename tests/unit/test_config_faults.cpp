// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_faults.hpp"
#include "dataplane/config_summary.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::HasSubstr;
using tests::faults_of;
using tests::kConfigText;

std::string plus(std::string_view keys) {
  return std::string(kConfigText) + "[faults]\n" + std::string(keys);
}

FaultsConfig read(std::string_view keys) { return parse_config(plus(keys), "t").faults; }

TEST(ConfigFaults, AreOffUnlessEnabled) {
  EXPECT_FALSE(parse_config(kConfigText, "t").faults.enabled);
  const FaultsConfig faults = read("loss_percent = 5\n");
  EXPECT_FALSE(faults.enabled);
  EXPECT_EQ(faults_text(faults), "");
  EXPECT_THAT(summary(parse_config(plus("loss_percent = 5\n"), "t")),
              testing::Not(HasSubstr("faults")));
}

TEST(ConfigFaults, ReadsAndNamesEveryKey) {
  const FaultsConfig faults = read(
      "enabled = true\nseed = 7\nloss_percent = 0.5\nburst_percent = 1\nburst_frames = 20\n"
      "duplicate_percent = 2\nreorder_percent = 3.25\ndelay_ms = 2\ndelay_max_ms = 4.5\n"
      "corrupt_percent = 100\nstall_ms = 200\nstall_every_s = 5\nrate_frames_per_s = 1000\n");
  EXPECT_EQ(faults_text(faults),
            "loss 0.5 %, runs of 20 losses 1 %, duplicates 2 %, reordered 3.25 %, delay 2 to 4.5 "
            "ms, corrupted 100 %, stalls of 200 ms every 5 s, at most 1000 frames/s of each core, "
            "seed 7");
}

TEST(ConfigFaults, TakesOneDelayAsAFixedOne) {
  const FaultsConfig faults = read("enabled = true\ndelay_ms = 0.25\n");
  EXPECT_EQ(faults.delay_max_ms, 0.25);
  EXPECT_EQ(faults_text(faults), "delay 0.25 ms, seed 1");
}

TEST(ConfigFaults, AreLoudInTheSummary) {
  EXPECT_THAT(summary(parse_config(plus("enabled = true\nloss_percent = 5\n"), "t")),
              HasSubstr("WARNING: faults are done to what is sent over HA2: loss 5 %, seed 1\n"));
}

TEST(ConfigFaults, RefusesWhatIsOutOfRange) {
  EXPECT_THAT(faults_of(plus("loss_percent = 100.5\n")),
              HasSubstr("faults.loss_percent: 100.5 is out of range; must be 0 to 100"));
  EXPECT_THAT(faults_of(plus("corrupt_percent = nan\n")), HasSubstr("must be 0 to 100"));
  EXPECT_THAT(faults_of(plus("duplicate_percent = '5%'\n")),
              HasSubstr("faults.duplicate_percent: is a text; must be a number, 0 to 100"));
  EXPECT_THAT(faults_of(plus("delay_ms = -1\n")), HasSubstr("must be 0 to 1000"));
  EXPECT_THAT(faults_of(plus("burst_frames = 1\n")), HasSubstr("must be 2 to 1000"));
  EXPECT_THAT(faults_of(plus("rate_frames_per_s = 10000001\n")),
              HasSubstr("must be 0 to 10000000"));
  EXPECT_THAT(faults_of(plus("los_percent = 1\n")), HasSubstr("did you mean \"loss_percent\"?"));
}

TEST(ConfigFaults, RefusesWhatDoesNotGoTogether) {
  EXPECT_THAT(faults_of(plus("delay_ms = 5\ndelay_max_ms = 2\n")),
              HasSubstr("faults.delay_max_ms: 2 is less than delay_ms, 5"));
  EXPECT_THAT(faults_of(plus("stall_ms = 5000\nstall_every_s = 5\n")),
              HasSubstr("faults.stall_ms: 5000 ms would never end, as one begins every 5 s; less "
                        "than stall_every_s"));
  EXPECT_THAT(faults_of(plus("enabled = true\n")),
              HasSubstr("faults.enabled: is true, but no fault is asked for; give at least one of "
                        "loss_percent"));
  EXPECT_THAT(faults_of(plus("enabled = true\nloss_percent = 1\n[ha]\nenabled = false\n")),
              HasSubstr("faults.enabled: is true, but ha.enabled is false"));
}

}  // namespace
}  // namespace twinplane::dataplane
