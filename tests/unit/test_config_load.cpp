// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

#include "dataplane/config_hello.hpp"
#include "dataplane/config_load.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using tests::faults_of;
using tests::kConfigText;

std::string example(const char* name) {
  const auto root = std::filesystem::absolute(__FILE__).parent_path().parent_path().parent_path();
  return (root / "dataplane" / "examples" / name).lexically_normal().string();
}

TEST(ConfigLoad, TakesBothExamples) {
  const Config east = load_config(example("east.toml"));
  const Config west = load_config(example("west.toml"));
  EXPECT_NE(east.box.id, west.box.id);
  EXPECT_EQ(east.ha2.local, west.ha2.peer);
  EXPECT_EQ(east.ha2.peer, west.ha2.local);
  EXPECT_EQ(east.ha1.local, west.ha1.peer);
  EXPECT_EQ(east.ha1.peer, west.ha1.local);
}

TEST(ConfigLoad, TakesExamplesThatAreOnePair) {
  const auto east = hello_items(load_config(example("east.toml")));
  const auto west = hello_items(load_config(example("west.toml")));
  ASSERT_EQ(east.size(), west.size());
  for (std::size_t i = 0; i < east.size(); ++i)
    EXPECT_EQ(east[i].value, west[i].value) << east[i].name;
}

TEST(ConfigLoad, SaysWhichFileCannotBeRead) {
  try {
    static_cast<void>(load_config("/nonexistent/box.toml"));
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/box.toml"));
  }
  EXPECT_THROW(static_cast<void>(load_config("/")), std::system_error);
}

TEST(ConfigLoad, CallsTheFileByItsPathInFaults) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "twinplane_test_config_load.toml";
  std::ofstream(path) << "[box]\nname = 'x'\nid = 3\n";
  try {
    static_cast<void>(load_config(path.string()));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(path.string() + ":3: box.id: 3 is out of range"));
  }
  std::filesystem::remove(path);
}

TEST(ConfigLoad, TellsTheLineOfASyntaxError) {
  EXPECT_THAT(faults_of("[box]\nname = \n"), StartsWith("t:2: syntax: "));
  EXPECT_THAT(faults_of("[box]\nid = 0\nid = 1\n"), StartsWith("t:3: syntax: "));
}

TEST(ConfigLoad, CollectsEveryFaultOfTheFile) {
  try {
    static_cast<void>(parse_config(
        "[box]\nid = 7\nnmae = 'x'\n[[port]]\nmtu = 'big'\n[tables]\npartitions = 3\n[wroker]\n",
        "t"));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_GE(error.faults().size(), 8U) << error.what();
    for (const ConfigFault& fault : error.faults()) {
      EXPECT_NE(fault.line, 0U);
      EXPECT_FALSE(fault.key.empty() || fault.wrong.empty() || fault.right.empty()) << error.what();
    }
    EXPECT_THAT(error.what(), HasSubstr("t:8: wroker: is not known; did you mean \"worker\"?"));
  }
}

TEST(ConfigLoad, RefusesAFileThatIsNoConfigurationForItsSize) {
  EXPECT_THAT(faults_of(std::string(kConfigBytesMax + 1, '#')), HasSubstr("file: is too large"));
}

TEST(ConfigLoad, AnswersAnyDamageWithAConfigOrItsFaults) {
  std::mt19937_64 random(1);
  constexpr std::string_view kPieces[] = {"[",    "]",   "=",  "\"",         "'",
                                          "\n",   "0",   "-1", "[[port]]\n", "true",
                                          "\xff", "any", "{",  "}",          "::/0"};
  std::uint64_t refused_count = 0;
  for (int run = 0; run < 3000; ++run) {
    std::string text(kConfigText);
    for (std::uint64_t changes = random() % 4 + 1; changes != 0; --changes) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text.erase(at, random() % 16 + 1);
          break;
        case 1:
          text.insert(at, kPieces[random() % std::size(kPieces)]);
          break;
        default:
          text[at] = static_cast<char>(random());
      }
    }
    try {
      static_cast<void>(parse_config(text, "t"));
    } catch (const ConfigError& error) {
      ++refused_count;
      ASSERT_FALSE(error.faults().empty());
    }
  }
  EXPECT_GT(refused_count, 1000U);
}

}  // namespace
}  // namespace twinplane::dataplane
