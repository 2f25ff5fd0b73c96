// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/config_floating.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

std::vector<std::string> texts_of(const Config& config) {
  std::vector<std::string> texts;
  for (const FloatingAddress& floating : floating_addresses(config)) {
    texts.push_back(to_text(floating.address) + " on " + config.ports[floating.port_index].name);
  }
  return texts;
}

TEST(ConfigFloating, HoldsThePortsAddressesOnce) {
  EXPECT_THAT(texts_of(parse_config(tests::kConfigText, "t")),
              ::testing::ElementsAre("10.1.0.254 on inside", "10.2.0.254 on outside",
                                     "fd00:1::fe on inside", "fd00:2::fe on outside"));
}

TEST(ConfigFloating, HoldsNatAddressesOfTheServersSideToo) {
  const std::string text = tests::replaced(tests::kConfigText, "addresses = [\"10.2.0.254\"]",
                                           "addresses = [\"10.2.0.77\"]");
  EXPECT_THAT(texts_of(parse_config(text, "t")), ::testing::Contains("10.2.0.77 on outside"));
}

}  // namespace
}  // namespace twinplane::dataplane
