// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <set>

#include "dataplane/config_hello.hpp"
#include "ha2/pair.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using tests::kConfigText;
using tests::replaced;

// The names of the items whose values change when kConfigText does.
std::set<std::string> changed_by(std::string_view piece, std::string_view replacement) {
  const auto before = hello_items(parse_config(kConfigText, "t"));
  const auto after = hello_items(parse_config(replaced(kConfigText, piece, replacement), "t"));
  std::set<std::string> names;
  EXPECT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].name, after[i].name);
    if (before[i].value != after[i].value) names.insert(before[i].name);
  }
  return names;
}

using Names = std::set<std::string>;

TEST(ConfigHello, NamesEachItemOnce) {
  const auto items = hello_items(parse_config(kConfigText, "t"));
  Names names;
  for (const HelloItem& item : items) EXPECT_TRUE(names.insert(item.name).second) << item.name;
}

TEST(ConfigHello, IsEqualForBoxesThatDifferOnlyAsBoxesMust) {
  EXPECT_EQ(changed_by("name = \"east\"\nid = 0", "name = \"west\"\nid = 1\npriority = 7"),
            Names{});
  EXPECT_EQ(changed_by("net_ring0", "0000:3b:00.0"), Names{});
}

TEST(ConfigHello, ChangesWithWhatTheStreamCounts) {
  EXPECT_EQ(changed_by("[ha2]", "[tables]\npartitions = 8\n[ha2]"), Names{"partitions"});
  EXPECT_EQ(changed_by("[ha2]", "[tables]\nsession6_slots = 64\n[ha2]"), Names{"session6_slots"});
  for (const HelloItem& item : hello_items(parse_config(kConfigText, "t"))) {
    if (item.name == "partitions") {
      EXPECT_EQ(item.value, 4U);
      EXPECT_TRUE(item.must_equal);
    }
  }
}

TEST(ConfigHello, ChangesWithNamesAndTheirOrder) {
  EXPECT_EQ(changed_by("name = \"inside\"", "name = \"within\""),
            (Names{"port_names", "floating_addresses"}));
  EXPECT_EQ(changed_by("name = \"out\"", "name = \"away\""), (Names{"rule_contents"}));
  EXPECT_EQ(changed_by("[[rule]]",
                       "[[rule]]\nname='z'\nfrom=['any']\nto=['any']\naction='drop'\n[[rule]]"),
            (Names{"rule_contents"}));
}

TEST(ConfigHello, ChangesWithThePortsThatAnswerByWhoBroughtASession) {
  constexpr std::string_view kServed = "symmetric_return = true\naddresses = [\"10.2.0.254/24\"";
  EXPECT_EQ(changed_by("addresses = [\"10.2.0.254/24\"", kServed), Names{"symmetric_return"});
  EXPECT_EQ(changed_by("[ha2]", "[tables]\nreturn_slots = 64\n[ha2]"), Names{})
      << "none are taken without such a port";
  const std::string served =
      replaced(kConfigText, "addresses = [\"10.2.0.254/24\"", kServed) + "[tables]\n";
  const auto value_of = [](const std::string& text) {
    for (const HelloItem& item : hello_items(parse_config(text, "t")))
      if (item.name == "symmetric_return") {
        EXPECT_TRUE(item.must_equal);
        return item.value;
      }
    return std::uint64_t{0};
  };
  EXPECT_NE(value_of(served), value_of(served + "return_slots = 64\n"));
  EXPECT_NE(value_of(served),
            value_of(replaced(served, "addresses = [\"10.1.0.254/24\"",
                              "symmetric_return = true\naddresses = [\"10.1.0.254/24\"")));
}

TEST(ConfigHello, FitsIntoOneFrame) {
  EXPECT_LE(hello_items(parse_config(kConfigText, "t")).size(), ha2::kHelloItemsMax);
}

TEST(ConfigHello, ShowsContentsThatMayDiffer) {
  EXPECT_EQ(changed_by("action = \"allow\"", "action = \"drop\""), Names{"rule_contents"});
  EXPECT_EQ(changed_by("10.1.0.254/24", "10.1.0.253/24"), Names{"floating_addresses"});
  EXPECT_EQ(changed_by("addresses = [\"10.2.0.254\"]", "addresses = [\"10.2.0.253\"]"),
            Names{"nat_contents"});
  EXPECT_EQ(changed_by("via = \"10.2.0.1\"", "via = \"10.2.0.2\""), Names{"routes"});
}

}  // namespace
}  // namespace twinplane::dataplane
