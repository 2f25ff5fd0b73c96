// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/config_fault.hpp"

namespace twinplane::dataplane {
namespace {

std::string text_of(const FaultList& faults) {
  try {
    faults.throw_if_any("box.toml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(ConfigFault, SaysNothingWhenNothingIsWrong) {
  FaultList faults;
  faults.note_line("port[0]", 4);
  EXPECT_TRUE(faults.empty());
  EXPECT_NO_THROW(faults.throw_if_any("box.toml"));
}

TEST(ConfigFault, TellsAllFaultsAtOnceInTheOrderOfLines) {
  FaultList faults;
  faults.note_line("port[1].mtu", 12);
  faults.note_line("box.id", 3);
  faults.add("port[1].mtu", "7 is out of range", "must be 576 to 9000");
  faults.add("box.id", "2 is out of range", "must be 0 to 1");
  EXPECT_EQ(text_of(faults),
            "box.toml:3: box.id: 2 is out of range; must be 0 to 1\n"
            "box.toml:12: port.mtu: 7 is out of range; must be 576 to 9000");
}

TEST(ConfigFault, GivesAMissingKeyTheLineOfItsSection) {
  FaultList faults;
  faults.note_line("port[1]", 9);
  faults.add("port[1].name", "is missing", "give one");
  faults.add("worker.x", "is missing", "give one");
  EXPECT_EQ(text_of(faults),
            "box.toml:1: worker.x: is missing; give one\n"
            "box.toml:9: port.name: is missing; give one");
}

TEST(ConfigFault, KnowsWhichSectionsAreClean) {
  FaultList faults;
  faults.add("port[1].addresses[0]", "x", "y");
  EXPECT_FALSE(faults.is_clean("port"));
  EXPECT_FALSE(faults.is_clean("port[1]"));
  EXPECT_FALSE(faults.is_clean("port[1].addresses"));
  EXPECT_TRUE(faults.is_clean("port[0]"));
  EXPECT_TRUE(faults.is_clean("port[1].addr"));
}

TEST(ConfigFault, ShowsNoControlCharactersAndNoFloods) {
  FaultList faults;
  faults.add("box.name", "\"a\x1b[2J\n\" is bad", "mend it");
  faults.add("box.name",
             "\"\xC2\x9B"
             "2J\xC3\xA9\" is bad",
             "mend it");
  faults.add("box.name", std::string(100000, 'x'), "mend it");
  const std::string text = text_of(faults);
  EXPECT_NE(text.find("\"a\\x1b[2J\\x0a\" is bad"), std::string::npos) << text;
  EXPECT_NE(text.find("\"\\x9b2J\xC3\xA9\" is bad"), std::string::npos) << text;
  EXPECT_LT(text.size(), 400U);
}

TEST(ConfigFault, SuggestsOnlyWhatIsASlipOfThePen) {
  const std::vector<std::string> keys{"priority", "name", "id", "partitions"};
  EXPECT_EQ(nearest("priorty", keys), "priority");
  EXPECT_EQ(nearest("partition", keys), "partitions");
  EXPECT_EQ(nearest("nmae", keys), "name");
  EXPECT_EQ(nearest("xy", keys), "");
  EXPECT_EQ(nearest("completely", keys), "");
  EXPECT_EQ(suggestion("priorty", keys), "did you mean \"priority\"?");
  EXPECT_EQ(suggestion("zzz", keys), "one of priority, name, id, partitions");
}

}  // namespace
}  // namespace twinplane::dataplane
