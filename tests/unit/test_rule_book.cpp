// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "dataplane/config_reload.hpp"
#include "dataplane/rule_book.hpp"
#include "dataplane/rule_reload.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using tests::kConfigText;
using tests::replaced;

std::unique_ptr<const RuleEdition> edition(const Config& config) {
  return std::make_unique<const RuleEdition>(config, 2);
}

RuleVerdict ask(const RulesInUse& rules) {
  return rules.lookup(RuleQuery4{.source = {10, 1, 0, 7},
                                 .destination = {10, 2, 0, 1},
                                 .destination_port_be = 0,
                                 .protocol = 17,
                                 .zone_from = 0,
                                 .zone_to = 1});
}

Config dropping() {
  return parse_config(replaced(kConfigText, "action = \"allow\"", "action = \"drop\""), "t");
}

TEST(RuleBook, FreesAnEditionWhenEveryWorkerHasLeftIt) {
  const Config config = parse_config(kConfigText, "t");
  RuleBook book(config, 2);
  EXPECT_EQ(book.try_read(0), nullptr);
  ASSERT_TRUE(book.try_publish(edition(config)));
  EXPECT_FALSE(book.try_publish(edition(config)));
  const RuleEdition* const next = book.try_read(0);
  ASSERT_NE(next, nullptr);
  book.follow(0, *next);
  EXPECT_EQ(book.try_read(0), nullptr);
  EXPECT_FALSE(book.collect());
  book.follow(1, *next);
  EXPECT_TRUE(book.collect());
  EXPECT_EQ(book.number(), 1U);
}

TEST(RuleBook, GivesAWorkerOtherRulesWhenItFollowsAndNotBefore) {
  RuleBook book(parse_config(kConfigText, "t"), 2);
  const RulesInUse& first = book.in_use(0);
  const RulesInUse& second = book.in_use(1);
  const std::uint32_t number = first.number();
  ASSERT_TRUE(book.try_publish(edition(dropping())));
  EXPECT_EQ(ask(first).action, RuleAction::kAllow);
  book.follow(0, *book.try_read(0));
  EXPECT_EQ(ask(first).action, RuleAction::kDrop);
  EXPECT_NE(first.number(), number);
  EXPECT_EQ(ask(second).action, RuleAction::kAllow);
}

TEST(RuleBook, CountsWhatRulesDecideForEachWorkerAndAnewForEachEdition) {
  RuleBook book(parse_config(kConfigText, "t"), 2);
  ask(book.in_use(0));
  ask(book.in_use(1));
  ask(book.in_use(1));
  const auto hits = [&book](std::size_t worker, std::size_t rule) {
    return book.with_current(
        [&](const RuleEdition& now) { return now.hits[worker].counts[rule].get(); });
  };
  EXPECT_EQ(hits(0, 0), 1U);
  EXPECT_EQ(hits(1, 0), 2U);
  ASSERT_TRUE(book.try_publish(edition(parse_config(
      replaced(kConfigText, "action = \"allow\"", "protocol = \"tcp\"\naction = \"allow\""),
      "t"))));
  for (std::size_t worker = 0; worker < 2; ++worker) book.follow(worker, *book.try_read(worker));
  EXPECT_EQ(ask(book.in_use(1)).rule, kDefaultRule);
  EXPECT_EQ(hits(1, 0), 0U);
  EXPECT_EQ(hits(1, kRulesMax), 1U);
}

// With a checker of threads and of memory: no worker reads what was freed.
TEST(RuleBook, ChangesEditionsUnderReadersThatNeverWait) {
  constexpr std::uint32_t kEditions = 200;
  const Config allowing = parse_config(kConfigText, "t");
  const Config denying = dropping();
  RuleBook book(allowing, 2);
  std::atomic<bool> is_done{false};
  std::array<std::uint64_t, 2> wrong{};
  std::vector<std::thread> workers;
  for (std::size_t worker = 0; worker < 2; ++worker)
    workers.emplace_back([&, worker] {
      const RulesInUse& rules = book.in_use(worker);
      // Relaxed: a flag alone.
      while (!is_done.load(std::memory_order_relaxed)) {
        if (const RuleEdition* const next = book.try_read(worker); next != nullptr)
          book.follow(worker, *next);
        // Editions follow each other: the first and every second one allow.
        const auto wanted = rules.number() % 2 == 0 ? RuleAction::kAllow : RuleAction::kDrop;
        wrong[worker] += ask(rules).action == wanted ? 0 : 1;
      }
    });
  for (std::uint32_t i = 1; i <= kEditions; ++i) {
    while (!book.try_publish(edition(i % 2 == 0 ? allowing : denying))) std::this_thread::yield();
    while (!book.collect()) std::this_thread::yield();
    book.with_current([](const RuleEdition& now) { EXPECT_EQ(now.rules.size(), 1U); });
  }
  is_done.store(true, std::memory_order_relaxed);
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(book.number(), kEditions);
  EXPECT_EQ(wrong, (std::array<std::uint64_t, 2>{}));
}

// A file of its own, and a worker that follows at once.
class Reloading : public testing::Test {
 protected:
  Reloading() { write(kConfigText); }

  ~Reloading() override {
    is_done_.store(true, std::memory_order_relaxed);  // a flag alone
    worker_.join();
    std::filesystem::remove(path_);
  }

  void write(std::string_view text) { std::ofstream(path_, std::ios::binary) << text; }

  RuleSet const& in_use() { return book_.in_use(0).get(); }

  std::string path_ = testing::TempDir() + "reload-" + std::to_string(::getpid()) + ".toml";
  Config config_ = parse_config(kConfigText, "t");
  RuleBook book_{config_, 1};
  std::atomic<bool> is_done_{false};
  std::thread worker_{[this] {
    while (!is_done_.load(std::memory_order_relaxed)) {
      if (const RuleEdition* const next = book_.try_read(0); next != nullptr)
        book_.follow(0, *next);
      std::this_thread::yield();
    }
  }};
};

TEST_F(Reloading, GivesTheWorkersTheRulesOfTheFile) {
  RuleReload reload(path_, config_, book_);
  write(replaced(kConfigText, "[[rule]]",
                 "[[rule]]\nname='z'\nfrom=['any']\nto=['any']\naction='drop'\n[[rule]]"));
  const ReloadResult result = reload.reload();
  EXPECT_TRUE(result.is_done) << result.text;
  EXPECT_EQ(result.text, "count=2 edition=1");
  EXPECT_EQ(reload.done_count(), 1U);
  EXPECT_EQ(book_.with_current([](const RuleEdition& now) { return now.rules.size(); }), 2U);
}

TEST_F(Reloading, ChangesNothingForAFileWithAFaultAndNamesTheLine) {
  RuleReload reload(path_, config_, book_);
  write(replaced(kConfigText, "action = \"allow\"", "action = \"alow\""));
  const ReloadResult result = reload.reload();
  EXPECT_FALSE(result.is_done);
  EXPECT_NE(result.text.find(path_ + ":22: "), std::string::npos) << result.text;
  EXPECT_EQ(book_.number(), 0U);
  EXPECT_EQ(reload.refused_count(), 1U);
  write(kConfigText);
  EXPECT_TRUE(reload.reload().is_done) << "it is asked anew each time";
}

TEST_F(Reloading, ChangesNothingWhereTheFileIsGone) {
  RuleReload reload(path_, config_, book_);
  std::filesystem::remove(path_);
  EXPECT_NE(reload.reload().text.find("No such file"), std::string::npos);
  EXPECT_EQ(book_.number(), 0U);
}

TEST_F(Reloading, RefusesWhatIsNoRuleAndSaysWhere) {
  RuleReload reload(path_, config_, book_);
  write(replaced(replaced(kConfigText, "action = \"allow\"", "action = \"drop\""), "10.2.0.254/24",
                 "10.2.0.253/24"));
  const ReloadResult result = reload.reload();
  EXPECT_FALSE(result.is_done);
  EXPECT_NE(result.text.find("port[1].addresses[0] (line "), std::string::npos) << result.text;
  EXPECT_NE(result.text.find("restart it"), std::string::npos) << result.text;
  EXPECT_EQ(book_.number(), 0U);
}

TEST_F(Reloading, RefusesToHoldWhereNoBuffersWereTakenForIt) {
  RuleReload reload(path_, config_, book_);
  write(replaced(kConfigText, "action = \"allow\"", "action = \"allow\"\nhold = true"));
  const ReloadResult result = reload.reload();
  EXPECT_FALSE(result.is_done);
  EXPECT_NE(result.text.find("rule \"out\" has hold = true"), std::string::npos) << result.text;
  EXPECT_EQ(book_.number(), 0U);
}

TEST(ConfigReload, TakesOtherRulesAndNothingElse) {
  const std::string text(kConfigText);
  EXPECT_EQ(what_else_changed(text, text), "");
  EXPECT_EQ(what_else_changed(text, replaced(text, "action = \"allow\"", "action = \"drop\"")), "");
  EXPECT_NE(what_else_changed(text, replaced(text, "10.1.0.254/24", "10.1.0.253/24")).find("line "),
            std::string::npos);
  EXPECT_NE(what_else_changed(text, text + "\n[worker]\nidle_sleep_us = 7\n").find("worker"),
            std::string::npos);
}

}  // namespace
}  // namespace twinplane::dataplane
