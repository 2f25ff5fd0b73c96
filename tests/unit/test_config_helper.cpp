// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "dataplane/config_helper.hpp"
#include "dataplane/config_load.hpp"
#include "dataplane/config_summary.hpp"
#include "dataplane/helper.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using testing::HasSubstr;
using tests::kConfigText;

std::string faults_of(const std::string& more) {
  return tests::faults_of(std::string(kConfigText) + more);
}

TEST(ConfigHelper, HasThePortOfItsProtocolUnlessAnotherIsGiven) {
  const Config config =
      parse_config(std::string(kConfigText) +
                       "[[helper]]\nname = \"ftp\"\n[[helper]]\nname = \"ftp\"\nport = 2121\n",
                   "t");
  ASSERT_EQ(config.helpers.size(), 2U);
  EXPECT_EQ(config.helpers[0].port, 21);
  EXPECT_EQ(config.helpers[0].application, kFtpControl);
  EXPECT_EQ(config.helpers[1].port, 2121);
  EXPECT_THAT(summary(config), HasSubstr("helper: ftp looks into sessions to TCP port 2121"));
}

TEST(ConfigHelper, IsOneOfThoseThereAreAndAloneOnItsPort) {
  EXPECT_THAT(faults_of("[[helper]]\nname = \"tftp\"\n"), HasSubstr("\"tftp\""));
  EXPECT_THAT(faults_of("[[helper]]\nport = 21\n"), HasSubstr("helper"));
  EXPECT_THAT(faults_of("[[helper]]\nname = \"ftp\"\nport = 0\n"), HasSubstr("must be 1 to 65535"));
  EXPECT_THAT(faults_of("[[helper]]\nname = \"ftp\"\n[[helper]]\nname = \"ftp\"\nport = 21\n"),
              HasSubstr("21 has a helper already; one helper for each port"));
  EXPECT_THAT(faults_of("[[helper]]\nname = \"ftp\"\nports = 21\n"), HasSubstr("ports"));
}

}  // namespace
}  // namespace twinplane::dataplane
