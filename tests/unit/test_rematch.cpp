// SPDX-License-Identifier: BSD-3-Clause
// Sessions of every kind when other rules hold. Needs DPDK's EAL, which the fixture starts.
#include <gtest/gtest.h>

#include "dataplane/bridge_forward.hpp"
#include "dataplane/helper.hpp"
#include "dataplane/mapped_endpoint.hpp"
#include "dataplane/rematch.hpp"
#include "tables/sctp_track.hpp"
#include "tables/session_shift.hpp"
#include "tests/support/forward_fixture.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::kFromClient;
using tables::kFromServer;
using tables::TableKind;
using tests::kClient4;
using tests::kInside;
using tests::kOutside;
using tests::kServer4;
using tests::kSyn;
using tests::kSynAck;
using tests::replaced;

constexpr std::string_view kRuleEnd = "action = \"allow\"";
// Another rule before the usual one, which gets all of its TCP.
constexpr std::string_view kFirst = R"([[rule]]
name = "first"
from = ["trust"]
to = ["untrust"]
protocol = "tcp"
action = "allow"
[[rule]]
name = "out")";

class Rematching : public tests::ForwardFixture {
 protected:
  void SetUp() override { make_box(std::string(tests::kConfigText)); }

  void make_box(const std::string& text) {
    text_ = with_one_partition(text) + "sctp_slots = 64\n";
    make(parse_config(text_, "t"));
    tables::PartitionLimits limits;
    limits.session4 = limits.session6 = {256, 2};
    limits.plain(TableKind::kSctp) = 64;
    limits.plain(TableKind::kSequenceShift) = 64;
    limits.plain(TableKind::kExpectation) = 64;
    partition_.reset();
    memory_.reset(
        static_cast<std::byte*>(std::aligned_alloc(64, tables::Partition::bytes(limits))));
    std::memset(memory_.get(), 0, tables::Partition::bytes(limits));
    tables::Carver carver({memory_.get(), tables::Partition::bytes(limits)});
    partition_.emplace(carver, limits, tables::HashSeed{5});
  }

  void begin_with(std::string_view piece, std::string_view replacement, bool enforces = true) {
    next_config_ = parse_config(replaced(text_, piece, replacement), "t");
    next_config_.tables.rematch = enforces;
    next_.emplace(next_config_);
    rematch_.emplace(next_config_, hold_, stats_);
    rematch_->add(0, *partition_);
    rematch_->begin(*next_);
  }

  // The rules of the usual configuration after one change, to the end.
  void rematch(std::string_view piece, std::string_view replacement, bool enforces = true) {
    begin_with(piece, replacement, enforces);
    finish();
  }

  void finish() {
    for (int i = 0; i < 1000 && rematch_->is_running(); ++i) rematch_->step(64, time_.now_ns);
    EXPECT_FALSE(rematch_->is_running());
    EXPECT_EQ(stats_.state.get(), static_cast<std::uint64_t>(RematchState::kDone));
    EXPECT_EQ(stats_.slots_passed.get(), stats_.slots_total.get());
  }

  auto& sessions() { return partition_->session4(); }

  std::uint32_t only_slot() {
    EXPECT_EQ(live4(), 1U);
    const auto& live = sessions().slots().live();
    for (std::uint32_t slot = 0; slot < sessions().slots().slot_count(); ++slot)
      if (live.is_live(slot)) return slot;
    return 0;
  }

  auto& only() { return sessions().slots().changeable(only_slot()); }

  void establish() {
    open();
    only().state.timeout_class = static_cast<std::uint8_t>(tables::TimeoutClass::kTcpEstablished);
    send4(kInside, {}, tests::tcp_segment(40000, 80, tests::kAck));
  }

  void open_association(bool is4 = true) {
    tables::SctpSummary init;
    init.source_port_be = network_order<std::uint16_t>(2905);
    init.target_port_be = network_order<std::uint16_t>(7000);
    init.first_chunk = tables::kSctpInit;
    init.initiate_tag = 7;
    const tables::SctpPath path = is4 ? tables::SctpPath{mapped(kClient4), mapped(kServer4)}
                                      : tables::SctpPath{tests::kClient6, tests::kServer6};
    tables::SctpBody body{};
    tables::sctp_open(body.state, init, path);
    body.client_port_be = init.source_port_be;
    body.server_port_be = init.target_port_be;
    body.rule = 9;
    body.ingress_role = kInside;
    body.egress_role = kOutside;
    ASSERT_EQ(table().create(body, 5).status, tables::InsertStatus::kInserted);
  }

  tables::PlainTable<tables::SctpBody>& table() { return partition_->table<TableKind::kSctp>(); }

  const auto& association() {
    EXPECT_EQ(table().slots().live_count(), 1U);
    std::uint32_t slot = 0;
    while (slot + 1 < 64 && !table().slots().live().is_live(slot)) ++slot;
    return table().slots().entry(slot);
  }

  std::string text_;
  Config next_config_;
  std::optional<RuleSet> next_;
  SessionHold<int> hold_{1};  // of numbered packets
  RematchStats stats_;
  std::optional<Rematch> rematch_;
};

TEST_F(Rematching, EndsWhatTheRulesNowDropAndSaysByWhich) {
  open();
  rematch(kRuleEnd, "action = \"drop\"");
  EXPECT_EQ(live4(), 0U);
  EXPECT_EQ(sessions().counters().ended, 1U);
  EXPECT_EQ(stats_.ended.get(), 1U);
  EXPECT_EQ(stats_.ended_by[0].get(), 1U);
}

TEST_F(Rematching, EndsWhatNoRuleSpeaksOfAnyMore) {
  open();
  rematch(kRuleEnd, "action = \"allow\"\nprotocol = \"udp\"");
  EXPECT_EQ(live4(), 0U);
  EXPECT_EQ(stats_.ended_by[kRulesMax].get(), 1U);
}

TEST_F(Rematching, TellsThePeerWhatItEnds) {
  sessions().slots().set_recording(true);
  open();
  const std::uint32_t slot = only_slot();
  sessions().slots().forget_marks();
  rematch(kRuleEnd, "action = \"drop\"");
  EXPECT_NE(sessions().slots().take_marks(slot) & tables::kMarkWhole, 0);
}

TEST_F(Rematching, KeepsWhatTheyStillAllowAsItIs) {
  open();
  const auto before = only();
  rematch(kRuleEnd, "action = \"allow\"\nports = [\"any\"]");
  EXPECT_EQ(only().state.generation, before.state.generation);
  EXPECT_EQ(stats_.reassigned.get(), 0U);
  EXPECT_EQ(stats_.looked.get(), 1U);
  EXPECT_EQ(stats_.sessions[0].get(), 1U);
}

// The fixture's client is hidden: a rule names it as it is, and the server as the client does.
TEST_F(Rematching, AsksAsTheClientDidWhateverIsTranslated) {
  open();
  ASSERT_NE(only().flags & tables::kTranslated, 0);
  rematch(kRuleEnd, "action = \"allow\"\nsource = [\"10.1.0.0/24\"]");
  EXPECT_EQ(live4(), 1U);
  rematch(kRuleEnd, "action = \"allow\"\nsource = [\"10.2.0.254/32\"]");
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Rematching, AsksForAServerBehindAnotherAddressByThatAddress) {
  make_box(std::string(tests::kConfigText) + R"([[nat]]
name = "server"
from = ["untrust"]
destination = "203.0.113.21"
translated_destination = "10.1.0.21"
[[rule]]
name = "in"
from = ["untrust"]
to = ["trust"]
destination = ["203.0.113.21/32"]
action = "allow"
)");
  ASSERT_EQ(send4(kOutside, {.source = kServer4, .target = {203, 0, 113, 21}},
                  tests::tcp_segment(4000, 80, kSyn))
                .result.verdict,
            ForwardVerdict::kForward);
  rematch("name = \"hide\"", "name = \"hid\"");
  EXPECT_EQ(live4(), 1U);
  EXPECT_EQ(only().state.rule, 1U);
  rematch("destination = [\"203.0.113.21/32\"]", "destination = [\"10.1.0.21/32\"]");
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Rematching, GivesASessionTheRuleThatAllowsItNowUnderANewGeneration) {
  sessions().slots().set_recording(true);
  open();
  sessions().slots().forget_marks();
  const std::uint32_t slot = only_slot();
  const auto before = only();
  rematch("[[rule]]\nname = \"out\"", kFirst);
  rematch(kRuleEnd, "action = \"allow\"");  // and back, which names it by 0 again
  begin_with("[[rule]]\nname = \"out\"",
             "[[rule]]\nname='z'\nfrom=['any']\nto=['any']\n"
             "protocol='udp'\naction='drop'\n[[rule]]\nname = \"out\"");
  finish();
  EXPECT_EQ(only().state.rule, 1U);
  EXPECT_EQ(only().state.generation, before.state.generation + 1);
  EXPECT_NE(sessions().slots().take_marks(slot) & tables::kMarkWhole, 0);
  EXPECT_EQ(stats_.reassigned.get(), 1U);
  EXPECT_EQ(stats_.sessions[1].get(), 1U);
}

TEST_F(Rematching, TakesASessionFromThePeerWhenItsRuleSaysSoAndGivesItBack) {
  open();
  rematch(kRuleEnd, "action = \"allow\"\nsync = false");
  EXPECT_NE(only().flags & tables::kLocalOnly, 0);
  EXPECT_EQ(stats_.reassigned.get(), 1U);
  rematch(kRuleEnd, "action = \"allow\"");
  EXPECT_EQ(only().flags & tables::kLocalOnly, 0);
}

TEST_F(Rematching, LeavesDecryptedSessionsAtHome) {
  open();
  sessions().mark_decrypted(only_slot(), time_.milliseconds());
  rematch(kRuleEnd, "action = \"allow\"");
  EXPECT_NE(only().flags & tables::kLocalOnly, 0);
  EXPECT_EQ(stats_.reassigned.get(), 0U);
}

TEST_F(Rematching, TakesNothingBackFromThePeerThatIsYoungByItsNewRule) {
  open();
  rematch(kRuleEnd, "action = \"allow\"\nsync_after_s = 5");
  EXPECT_EQ(only().flags & (tables::kLocalOnly | tables::kYoung), 0);
}

TEST_F(Rematching, GivesThePeerWhatIsYoungNoMore) {
  make_box(replaced(tests::kConfigText, kRuleEnd, "action = \"allow\"\nsync_after_s = 5"));
  open();
  ASSERT_NE(only().flags & tables::kYoung, 0);
  rematch("sync_after_s = 5", "sync_after_s = 9");
  EXPECT_NE(only().flags & tables::kYoung, 0);
  rematch("sync_after_s = 5", "sync = true");
  EXPECT_EQ(only().flags & (tables::kLocalOnly | tables::kYoung), 0);
}

// An open connection that is young is due when it has its age: that must not end it.
TEST_F(Rematching, GivesWhatIsYoungNoMoreItsWholeTime) {
  make_box(replaced(tests::kConfigText, kRuleEnd, "action = \"allow\"\nsync_after_s = 60"));
  establish();
  ASSERT_NE(only().flags & tables::kYoung, 0);
  ASSERT_EQ(only().state.timeout_class,
            static_cast<std::uint8_t>(tables::TimeoutClass::kTcpEstablished));
  rematch("sync_after_s = 60", "sync = true");
  EXPECT_GT(sessions().slots().deadline_ms(only_slot()), time_.milliseconds() + 3'000'000);
}

TEST_F(Rematching, LetsWhatIsYoungComeOfAgeByItsNewRule) {
  make_box(replaced(tests::kConfigText, kRuleEnd, "action = \"allow\"\nsync_after_s = 60"));
  establish();
  rematch("sync_after_s = 60", "sync_after_s = 600");
  EXPECT_NE(only().flags & tables::kYoung, 0);
  EXPECT_GT(sessions().slots().deadline_ms(only_slot()), time_.milliseconds() + 500'000);
  time_.now_ns += 30'000'000'000;
  rematch("sync_after_s = 60", "sync_after_s = 20");
  EXPECT_EQ(only().flags & (tables::kLocalOnly | tables::kYoung), 0) << "it has that age already";
}

TEST_F(Rematching, WaitsForASessionWhosePacketsWaitAndIsToBeAnotherRules) {
  open();
  only().flags |= tables::kHeld;
  const HeldPlace place{0, TableKind::kSession4, only_slot(), only().state.generation};
  ASSERT_TRUE(hold_.try_put(place, 1, 0, [] { return ha2::Receipt{}; }));
  begin_with("[[rule]]\nname = \"out\"",
             "[[rule]]\nname='z'\nfrom=['any']\nto=['any']\n"
             "protocol='udp'\naction='drop'\n[[rule]]\nname = \"out\"");
  for (int i = 0; i < 100; ++i) rematch_->step(64, 1);
  EXPECT_TRUE(rematch_->is_running());
  EXPECT_EQ(stats_.looked.get(), 0U);
  hold_.clear([](int) {});
  finish();
  EXPECT_EQ(only().state.rule, 1U) << "what is marked, and waits no more, keeps nobody waiting";
  EXPECT_EQ(stats_.looked.get(), 1U);
}

TEST_F(Rematching, DoesNotWaitToEndASessionWhosePacketsWait) {
  open();
  only().flags |= tables::kHeld;
  rematch(kRuleEnd, "action = \"drop\"");
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Rematching, LooksAtSessionsOfThePeersLikeAtItsOwn) {
  open();
  only().state.is_opened_here = 0;
  only().state.rule = 77;  // by the peer's numbers
  rematch(kRuleEnd, "action = \"allow\"");
  EXPECT_EQ(only().state.rule, 0U);
  rematch(kRuleEnd, "action = \"drop\"");
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Rematching, TakesAShiftAlongToTheNewGeneration) {
  open();
  const std::uint32_t slot = only_slot();
  ASSERT_EQ(tables::try_shift<Address4>(*partition_, slot, kFromServer, 500, 0),
            tables::ShiftStatus::kDone);
  rematch(kRuleEnd, "action = \"allow\"\nsync = false");
  const std::uint32_t shift = tables::shift_slot_of<Address4>(*partition_, slot);
  ASSERT_NE(shift, tables::kNoSlot);
  const auto& entry = partition_->slots<TableKind::kSequenceShift>().entry(shift);
  EXPECT_EQ(entry.body.ways[kFromServer].base, 500U);
  EXPECT_NE(entry.head.flags & tables::kLocalOnly, 0) << "it stays where its session does";
  EXPECT_EQ(partition_->slots<TableKind::kSequenceShift>().live_count(), 1U);
}

constexpr std::string_view kFtp = "[[helper]]\nname = \"ftp\"\n";

TEST_F(Rematching, KeepsADataSessionAsLongAsItsEndsMayTalkFtp) {
  make_box(std::string(tests::kConfigText) + std::string(kFtp));
  open();  // to port 80, which stands for any
  only().state.application = kFtpData;
  rematch(kRuleEnd, "protocol = \"tcp\"\nports = [\"21\"]\naction = \"allow\"");
  EXPECT_EQ(live4(), 1U);
  EXPECT_EQ(only().state.rule, 0U);
  rematch(kRuleEnd, "protocol = \"tcp\"\nports = [\"80\"]\naction = \"allow\"");
  EXPECT_EQ(live4(), 0U);
}

// PORT: the server connects to the client, whose control session went the other way.
TEST_F(Rematching, KnowsTheControlSessionOfADataSessionThatTheServerOpened) {
  make_box(std::string(tests::kConfigText) + std::string(kFtp) +
           "[[rule]]\nname='in'\nfrom=['untrust']\nto=['trust']\naction='allow'\n");
  ASSERT_EQ(
      send4(kOutside, {.source = kServer4, .target = kClient4}, tests::tcp_segment(20, 5001, kSyn))
          .result.verdict,
      ForwardVerdict::kForward);
  only().state.application = kFtpServerData;
  rematch("name='in'\nfrom=['untrust']\nto=['trust']\naction='allow'",
          "name='in'\nfrom=['untrust']\nto=['trust']\naction='drop'");
  EXPECT_EQ(live4(), 1U);
  EXPECT_EQ(only().state.rule, 0U) << "clients' rule, by which they talk FTP to that server";
}

TEST_F(Rematching, KeepsAllAndNamesTheirRulesWhereItIsNotToEnforceThem) {
  open();
  rematch("[[rule]]\nname = \"out\"", kFirst, false);
  EXPECT_EQ(only().state.rule, 0U);
  const auto flags = only().flags;
  rematch(kRuleEnd, "action = \"drop\"", false);
  EXPECT_EQ(only().state.rule, kDefaultRule);
  EXPECT_EQ(only().flags, flags);
  EXPECT_EQ(stats_.ended.get(), 0U);
  EXPECT_EQ(stats_.sessions[kRulesMax].get(), 1U);
}

TEST_F(Rematching, LooksAtNoMoreThanItIsTold) {
  for (unsigned port = 40000; port < 40020; ++port) open(port);
  begin_with(kRuleEnd, "action = \"drop\"");
  EXPECT_EQ(rematch_->step(8, 1), 8U);
  EXPECT_EQ(live4(), 12U);
  EXPECT_EQ(stats_.state.get(), static_cast<std::uint64_t>(RematchState::kRunning));
  EXPECT_LT(stats_.slots_passed.get(), stats_.slots_total.get());
  finish();
  EXPECT_EQ(live4(), 0U);
  EXPECT_EQ(rematch_->step(8, 1), 0U);
}

TEST_F(Rematching, BeginsAgainWhenThePartitionsWereAnotherBoxs) {
  for (unsigned port = 40000; port < 40020; ++port) open(port);
  begin_with(kRuleEnd, "action = \"drop\"");
  rematch_->step(8, 1);
  rematch_->suspend();
  EXPECT_EQ(stats_.state.get(), static_cast<std::uint64_t>(RematchState::kWaiting));
  EXPECT_EQ(stats_.ended.get(), 0U);
  open(40000);  // where it has been already
  finish();
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Rematching, LooksAtEverythingAgainWhenItWasAnotherBoxsSince) {
  rematch(kRuleEnd, "action = \"drop\"");
  open();  // let in by the other box, which has other rules
  rematch_->suspend();
  EXPECT_TRUE(rematch_->is_running());
  finish();
  EXPECT_EQ(live4(), 0U);
}

TEST_F(Rematching, LooksOnceAtWhatAProcessBeforeHasLeft) {
  begin_with(kRuleEnd, "action = \"drop\"");
  rematch_->begin(*next_, RematchCause::kKeptTables);
  rematch_->suspend();
  EXPECT_TRUE(rematch_->is_running()) << "it was not through";
  finish();
  rematch_->suspend();
  EXPECT_FALSE(rematch_->is_running()) << "what the peer lets in meanwhile is its own affair";
}

TEST_F(Rematching, WaitsForNothingWhereNothingWasBegun) {
  next_config_ = config_;
  Rematch idle(next_config_, hold_, stats_);
  idle.add(0, *partition_);
  idle.suspend();
  EXPECT_EQ(idle.step(64, 1), 0U);
  EXPECT_EQ(stats_.state.get(), static_cast<std::uint64_t>(RematchState::kNone));
}

TEST_F(Rematching, GivesAssociationsTheirRuleOrEndsThem) {
  open_association();
  rematch(kRuleEnd, "protocol = \"sctp\"\nports = [\"7000\"]\naction = \"allow\"");
  EXPECT_EQ(association().body.rule, 0U);
  EXPECT_EQ(stats_.reassigned.get(), 1U);
  rematch(kRuleEnd, "protocol = \"sctp\"\nports = [\"7001\"]\naction = \"allow\"");
  EXPECT_EQ(table().slots().live_count(), 0U);
  EXPECT_EQ(stats_.ended.get(), 1U);
}

TEST_F(Rematching, AsksAboutAssociationsByTheAddressesThatTheyWereOpenedBy) {
  open_association(false);
  rematch(kRuleEnd, "source = [\"fd00:1::/64\"]\naction = \"allow\"");
  EXPECT_EQ(table().slots().live_count(), 1U);
  rematch(kRuleEnd, "source = [\"10.1.0.0/24\"]\naction = \"allow\"");
  EXPECT_EQ(table().slots().live_count(), 0U);
}

TEST_F(Rematching, TakesAssociationsFromThePeerWhenTheirRuleSaysSo) {
  open_association();
  rematch(kRuleEnd, "action = \"allow\"\nsync = false");
  EXPECT_NE(association().head.flags & tables::kLocalOnly, 0);
  rematch(kRuleEnd, "action = \"drop\"", false);
  EXPECT_EQ(association().body.rule, kDefaultRule);
  EXPECT_NE(association().head.flags & tables::kLocalOnly, 0);
}

}  // namespace
}  // namespace twinplane::dataplane
