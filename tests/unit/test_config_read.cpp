// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {
namespace {

enum class Colour : std::uint8_t { kRed, kBlue };

// Reads one document of one line a key, all of them in the root.
class ConfigRead : public ::testing::Test {
 protected:
  Section root(std::string_view text) {
    document_ = toml::parse(text);
    return {&document_, {}, faults_};
  }

  std::string faults() const {
    try {
      faults_.throw_if_any("t");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return {};
  }

  toml::table document_;
  FaultList faults_;
};

TEST_F(ConfigRead, TakesWhatIsRight) {
  Section section = root("a = 7\nb = true\nc = 'text'\nd = 'blue'\ne = ['x', 'y', 3]\nf = 47\n");
  std::uint8_t a = 0;
  bool b = false;
  std::string c;
  Colour d = Colour::kRed;
  section.read_integer("a", a, {0, 7});
  section.read_boolean("b", b);
  section.read_text("c", c);
  section.read_choice("d", d, {{"red", Colour::kRed}, {"blue", Colour::kBlue}});
  const auto e = section.list("e", Need::kRequired);
  const auto f = section.scalar("f", Need::kRequired);
  section.finish();
  EXPECT_EQ(faults(), "");
  EXPECT_EQ(a, 7);
  EXPECT_TRUE(b);
  EXPECT_EQ(c, "text");
  EXPECT_EQ(d, Colour::kBlue);
  ASSERT_EQ(e.size(), 3U);
  EXPECT_EQ(e[2].text, "3");
  EXPECT_EQ(f, "47");
}

TEST_F(ConfigRead, KeepsDefaultsOfWhatIsAbsentOrWrong) {
  Section section = root("a = 8\nb = 1\nc = 2\nd = 'bleu'\n");
  std::uint8_t a = 5;
  bool b = true;
  std::string c = "default";
  Colour d = Colour::kRed;
  std::uint32_t absent = 9;
  section.read_integer("a", a, {0, 7});
  section.read_boolean("b", b);
  section.read_text("c", c);
  section.read_choice("d", d, {{"red", Colour::kRed}, {"blue", Colour::kBlue}});
  section.read_integer("absent", absent, {0, 10});
  EXPECT_EQ(a, 5);
  EXPECT_TRUE(b);
  EXPECT_EQ(c, "default");
  EXPECT_EQ(d, Colour::kRed);
  EXPECT_EQ(absent, 9U);
  EXPECT_EQ(faults(),
            "t:1: a: 8 is out of range; must be 0 to 7\n"
            "t:2: b: is a whole number; must be true or false\n"
            "t:3: c: is a whole number; must be a text in quotes\n"
            "t:4: d: \"bleu\" is not known; did you mean \"blue\"?");
}

TEST_F(ConfigRead, TellsTheKindThatWasFound) {
  Section section = root("a = 1.5\nb = 'x'\nc = [1]\nd = {}\ne = 2024-01-01\nf = true\n");
  std::uint8_t target = 0;
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) section.read_integer(key, target, {0, 7});
  EXPECT_EQ(faults(),
            "t:1: a: is a number with a fraction; must be a whole number, 0 to 7\n"
            "t:2: b: is a text; must be a whole number, 0 to 7\n"
            "t:3: c: is a list; must be a whole number, 0 to 7\n"
            "t:4: d: is a table; must be a whole number, 0 to 7\n"
            "t:5: e: is a date or time; must be a whole number, 0 to 7\n"
            "t:6: f: is true or false; must be a whole number, 0 to 7");
}

TEST_F(ConfigRead, ComparesRangesBeforeItNarrows) {
  Section section = root("a = 4294967297\nb = -9223372036854775808\n");
  std::uint16_t target = 3;
  section.read_integer("a", target, {0, 65535});
  section.read_integer("b", target, {0, 65535});
  EXPECT_EQ(target, 3);
  EXPECT_FALSE(faults_.empty());
}

TEST_F(ConfigRead, AsksForRequiredKeysAndRefusesEmptyOnes) {
  Section section = root("empty = ''\nnone = []\n");
  std::string text;
  std::uint8_t number = 0;
  section.read_text("empty", text, Need::kRequired);
  static_cast<void>(section.list("none", Need::kRequired));
  section.read_integer("number", number, {0, 1}, Need::kRequired);
  EXPECT_EQ(faults(),
            "t:1: empty: is empty; give it a value\n"
            "t:1: number: is missing; give a whole number, 0 to 1\n"
            "t:2: none: is empty; give at least one item");
}

TEST_F(ConfigRead, FindsTheLineOfEachItemOfALongList) {
  Section section = root("list = [\n 'a',\n {},\n 'b',\n]\n");
  const auto items = section.list("list", Need::kRequired);
  ASSERT_EQ(items.size(), 2U);
  faults_.add(items[1].path, "\"b\" is bad", "write a");
  EXPECT_EQ(faults(),
            "t:3: list: is a table; must be a text in quotes\n"
            "t:4: list: \"b\" is bad; write a");
}

TEST_F(ConfigRead, RefusesNamesThatCannotBeShown) {
  Section section =
      root("a = 'in side'\nb = 'abcdefghijklmnopqrstuvwxyz-123456'\nc = 'in-side_1.x'\n");
  std::string name;
  section.read_name("a", name);
  section.read_name("b", name);
  EXPECT_EQ(name, "");
  section.read_name("c", name);
  EXPECT_EQ(name, "in-side_1.x");
  EXPECT_NE(faults().find("t:1: a: \"in side\" cannot be a name"), std::string::npos);
  EXPECT_NE(faults().find("t:2: b: "), std::string::npos);
}

TEST_F(ConfigRead, RefusesTextsThatATerminalWouldObey) {
  Section section = root(
      "a = \"x\\r\"\nb = \"\\u009b2J\"\nc = \"\\u0000\"\nd = [\"e\", \"f\\u001b\"]\ng = "
      "'h\xC3\xA9'\n");
  std::string text = "as it was";
  for (const char* key : {"a", "b", "c"}) section.read_text(key, text);
  EXPECT_EQ(text, "as it was");
  EXPECT_EQ(section.list("d", Need::kOptional).size(), 1U);
  section.read_text("g", text);
  EXPECT_EQ(text, "h\xC3\xA9");
  EXPECT_EQ(faults(),
            "t:1: a: holds a control character; take it out\n"
            "t:2: b: holds a control character; take it out\n"
            "t:3: c: holds a control character; take it out\n"
            "t:4: d: holds a control character; take it out");
}

TEST_F(ConfigRead, RefusesKeysThatNobodyAskedFor) {
  Section section = root("[box]\nname = 'x'\nnmae = 'y'\n[bxo]\n");
  Section box = section.table("box");
  std::string name;
  box.read_text("name", name);
  box.finish();
  section.finish();
  EXPECT_EQ(faults(),
            "t:3: box.nmae: is not known; did you mean \"name\"?\n"
            "t:4: bxo: is not known; did you mean \"box\"?");
}

TEST_F(ConfigRead, TellsOneTableFromSeveral) {
  Section section = root("[port]\na = 1\n[[box]]\nb = 1\n[[port2]]\n[[port2]]\n");
  EXPECT_TRUE(section.tables("port", 3).empty());
  EXPECT_FALSE(section.table("box").present());
  EXPECT_TRUE(section.tables("port2", 1).empty());
  EXPECT_EQ(faults(),
            "t:1: port: is a table; must be tables with double brackets: [[port]]\n"
            "t:3: box: is a list; must be one table: [box]\n"
            "t:5: port2: stands 2 times; at most 1");
}

}  // namespace
}  // namespace twinplane::dataplane
