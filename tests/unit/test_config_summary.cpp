// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_summary.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::HasSubstr;
using tests::kConfigText;

TEST(ConfigSummary, SaysInWordsWhatTheFileMeans) {
  const std::string text = summary(parse_config(kConfigText, "t"));
  EXPECT_THAT(text, HasSubstr("box \"east\": id 0, priority 100, 1 worker (lcores 0@0,1@1), huge "
                              "pages, or 256 MiB without"));
  EXPECT_THAT(text, HasSubstr("port \"inside\": net_ring0, zone trust, untagged, MTU 1500"));
  EXPECT_THAT(text, HasSubstr("route: 0.0.0.0/0 via 10.2.0.1 on outside\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "rule \"out\": allow any protocol from trust (any address) to untrust (any address)\n"));
  EXPECT_THAT(text, HasSubstr("becomes 10.2.0.254 ports 1024-65535 (64512 pairs"));
  EXPECT_THAT(text, HasSubstr("4 partitions, 262144 IPv4 and 65536 IPv6 sessions, 16384 SCTP "
                              "associations, 16384 sequence shifts, 4096 "
                              "expectations (29 MiB of entries)"));
  EXPECT_THAT(text, HasSubstr("a peer silent for 30 ms on every path is dead"));
}

TEST(ConfigSummary, SaysWhichPortsAnswerByWhoBroughtASession) {
  const std::string text = summary(
      parse_config(tests::replaced(kConfigText, "addresses = [\"10.2.0.254/24\"",
                                   "symmetric_return = true\naddresses = [\"10.2.0.254/24\""),
                   "t"));
  EXPECT_THAT(text, HasSubstr("fd00:2::fe/64, replies go back to who brought the session\n"));
  EXPECT_THAT(text, HasSubstr("4096 expectations, 262144 return paths (37 MiB of entries)"));
}

TEST(ConfigSummary, WarnsOfABoxThatDropsEverything) {
  const Config config = parse_config(
      "[box]\nname='x'\nid=0\n[[port]]\nname='a'\ndevice='net_ring0'\nzone='z'\naddresses=['10.0.0."
      "1/24']\n[ha]\nenabled=false\n",
      "t");
  EXPECT_THAT(summary(config), HasSubstr("rules: none, so everything is dropped"));
  EXPECT_THAT(summary(config), HasSubstr("this box stands alone"));
}

}  // namespace
}  // namespace twinplane::dataplane
