// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "ha2/sa_database.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::ReplayVerdict;
using tables::SaCipher;
using tables::SaIntegrity;
using tables::SecurityAssociationBody;
using tables::SequenceOutcome;
using tables::TableKind;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMs;

tables::Address6 mapped(std::uint8_t last) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, last};
}

SecurityAssociationBody make_sa(std::uint32_t spi, unsigned flags = 0) {
  SecurityAssociationBody sa{};
  sa.key = {mapped(2), spi, 50, {}};
  sa.source = mapped(1);
  sa.flags = static_cast<std::uint8_t>(flags | tables::kSaTunnelMode);
  sa.cipher = static_cast<std::uint8_t>(SaCipher::kAesCbc);
  sa.integrity = static_cast<std::uint8_t>(SaIntegrity::kSha256);
  sa.cipher_key_bytes = 32;
  sa.integrity_key_bytes = 32;
  std::fill_n(sa.cipher_key.begin(), 32, std::uint8_t{0xC1});
  std::fill_n(sa.integrity_key.begin(), 32, std::uint8_t{0x1C});
  sa.local.port_last = sa.remote.port_last = 0xFFFF;
  return sa;
}

struct Box {
  explicit Box(const tests::BoxShape& shape)
      : box(shape), sas(std::make_unique<SaDatabase>(box.replica(), SequenceLimits{})) {}

  tests::Box box;
  std::unique_ptr<SaDatabase> sas;
};

struct Sas : testing::Test {
  Sas() { assume(east, Holding::kOwner), assume(west, Holding::kMirror); }

  static tests::BoxShape shape() {
    tests::BoxShape shape = tests::small_shape();
    shape.limits.plain(TableKind::kSecurityAssociation) = 64;
    shape.limits.plain(TableKind::kIpsecSequence) = 65;
    return shape;
  }

  void assume(Box& box, Holding holding, bool has_peer = true) {
    Assignment assignment;
    assignment.holding = holding;
    assignment.has_peer = has_peer;
    assignment.name = {7, term};
    assignment.frame_bytes = 1500;
    box.box.assume(assignment, now_ns);
    box.sas->follow(now_ns);
  }

  void pass(Box& from, Box& to) {
    from.sas->poll(now_ns);
    from.box.replica().poll(now_ns, link);
    for (const tests::Frame& frame : link.take())
      tests::StreamEnds::hand(to.box.replica(), frame, now_ns);
  }

  void run(std::uint64_t ns, std::uint64_t step_ns = kMs) {
    for (const std::uint64_t end_ns = now_ns + ns; now_ns < end_ns; now_ns += step_ns)
      pass(east, west), pass(west, east);
  }

  void west_takes_over() {
    now_ns += 30 * kMs;
    west.sas->poll(now_ns);
    ++term;
    assume(west, Holding::kOwner, false);
  }

  std::uint32_t install(const SecurityAssociationBody& sa) {
    const SaInstalled made = east.sas->install(sa, now_ns);
    EXPECT_EQ(made.status, SaInstall::kInstalled) << (made.why == nullptr ? "" : made.why);
    return made.slot;
  }

  std::uint64_t records_sent() const {
    return east.box.replica().counters().get(TableKind::kIpsecSequence, KindCounter::kPatchesSent) +
           east.box.replica().counters().get(TableKind::kIpsecSequence, KindCounter::kWholesSent);
  }

  std::uint32_t term = 1;
  std::uint64_t now_ns = 1'000 * kSecond;
  tests::KeptLink link;
  Box east{shape()};
  Box west{shape()};
};

TEST_F(Sas, AreRefusedInWordsWhenTheirKeysDoNotFit) {
  struct Case {
    void (*spoil)(SecurityAssociationBody&);
    const char* says;
  };

  const Case kCases[] = {
      {[](auto& sa) { sa.key.spi = 255; }, "reserved"},
      {[](auto& sa) { sa.key.protocol = 17; }, "50 (ESP)"},
      {[](auto& sa) { sa.cipher_key_bytes = 20; }, "16, 24 or 32"},
      {[](auto& sa) { sa.integrity_key_bytes = 20; }, "32 for SHA-256"},
      {[](auto& sa) { sa.integrity = 0, sa.integrity_key_bytes = 0; }, "needs an integrity key"},
      {[](auto& sa) { sa.integrity = 7; }, "integrity key"},
      {[](auto& sa) { sa.cipher = 20; }, "by itself"},
      {[](auto& sa) { sa.cipher = 28; }, "by itself"},
      {[](auto& sa) { sa.cipher = 28, sa.cipher_key_bytes = 16; }, "has 32 bytes"},
      {[](auto& sa) { sa.cipher = 11; }, "has no key"},
      {[](auto& sa) { sa.cipher = 99; }, "the cipher is none of"},
      {[](auto& sa) { sa.local.prefix_bits = 129; }, "no box writes"},
  };
  for (const Case& test : kCases) {
    SecurityAssociationBody sa = make_sa(0x100);
    test.spoil(sa);
    const SaInstalled made = east.sas->install(sa, now_ns);
    EXPECT_EQ(made.status, SaInstall::kUnsound) << test.says;
    ASSERT_NE(made.why, nullptr) << test.says;
    EXPECT_NE(std::string(made.why).find(test.says), std::string::npos) << made.why;
  }
}

TEST_F(Sas, AreInstalledOnceAndUpToTheRoomThereIs) {
  install(make_sa(0x100));
  EXPECT_EQ(east.sas->install(make_sa(0x100), now_ns).status, SaInstall::kExists);
  for (std::uint32_t i = 1; i < 64; ++i) install(make_sa(0x100 + i));
  EXPECT_EQ(east.sas->install(make_sa(0x200), now_ns).status, SaInstall::kFull);
  const auto sequences = east.box.partition().live_count(TableKind::kIpsecSequence);
  EXPECT_EQ(sequences, 64U) << "what was refused left its numbers behind";
}

TEST_F(Sas, AreFoundBySpiAndByTheMostUsableSelector) {
  SecurityAssociationBody narrow = make_sa(0x100);
  narrow.local = {mapped(0), 0, 0xFFFF, 120, 0};
  narrow.remote = {mapped(0), 443, 443, 120, 6};
  const std::uint32_t slot = install(narrow);
  install(make_sa(0x101, tables::kSaInbound));
  EXPECT_EQ(east.sas->find(narrow.key), slot);
  const SaFlow flow{mapped(7), mapped(9), 6, 40000, 443};
  EXPECT_EQ(east.sas->find_outbound(flow), slot);
  SaFlow other = flow;
  other.remote_port = 444;
  EXPECT_EQ(east.sas->find_outbound(other), tables::kNoSlot);
  other = flow;
  other.protocol = 17;
  EXPECT_EQ(east.sas->find_outbound(other), tables::kNoSlot);
  other = flow;
  other.local[14] = 1;  // 10.0.1.7
  EXPECT_EQ(east.sas->find_outbound(other), tables::kNoSlot);
  now_ns += kSecond;
  SecurityAssociationBody next = narrow;
  next.key.spi = 0x102;
  const SaInstalled made = east.sas->succeed(slot, next, now_ns);
  ASSERT_EQ(made.status, SaInstall::kInstalled);
  EXPECT_EQ(east.sas->find_outbound(flow), made.slot) << "the successor";
  EXPECT_TRUE(east.sas->needs_successor(slot));
}

TEST_F(Sas, AreDyingPastTheSoftLifetimeAndEndAtTheHardOne) {
  SecurityAssociationBody by_time = make_sa(0x100);
  by_time.seconds_max = 10;
  by_time.soft_percent = 80;
  SecurityAssociationBody by_packets = make_sa(0x101);
  by_packets.packets_max = 100;
  by_packets.soft_percent = 50;
  SecurityAssociationBody by_bytes = make_sa(0x102);
  by_bytes.bytes_max = 10'000;
  const std::uint32_t time_slot = install(by_time);
  const std::uint32_t packet_slot = install(by_packets);
  const std::uint32_t byte_slot = install(by_bytes);
  EXPECT_EQ(east.sas->take(packet_slot, {60, 6'000}, now_ns).count, 60U);
  EXPECT_EQ(east.sas->take(byte_slot, {5, 9'000}, now_ns).count, 5U);
  run(2 * kSecond, 10 * kMs);
  EXPECT_TRUE(east.sas->needs_successor(packet_slot));
  EXPECT_FALSE(east.sas->needs_successor(time_slot));
  EXPECT_EQ(east.sas->take(packet_slot, {60, 6'000}, now_ns).count, 40U);
  EXPECT_EQ(east.sas->take(packet_slot, {1, 100}, now_ns).outcome, SequenceOutcome::kExhausted);
  EXPECT_EQ(east.sas->take(byte_slot, {1, 1'500}, now_ns).outcome, SequenceOutcome::kExhausted);
  run(7 * kSecond, 10 * kMs);
  EXPECT_TRUE(east.sas->needs_successor(time_slot));
  EXPECT_EQ(east.sas->find(by_packets.key), tables::kNoSlot);
  run(3 * kSecond, 10 * kMs);
  EXPECT_EQ(east.sas->find(by_time.key), tables::kNoSlot);
  EXPECT_EQ(west.sas->find(by_time.key), tables::kNoSlot) << "the mirror was told";
  EXPECT_EQ(east.sas->expired_count(), 2U);
}

TEST_F(Sas, LeaveNoKeyInEitherTableWhenTheyEnd) {
  const auto holds_key = [](Box& box) {
    const auto& slots = box.box.partition().slots<TableKind::kSecurityAssociation>();
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&slots.entry(0));
    const std::size_t size = sizeof(slots.entry(0)) * slots.slot_count();
    return std::count(bytes, bytes + size, 0xC1) + std::count(bytes, bytes + size, 0x1C) >= 32;
  };
  const std::uint32_t slot = install(make_sa(0x100));
  run(100 * kMs);
  ASSERT_TRUE(holds_key(east));
  ASSERT_TRUE(holds_key(west));
  east.sas->end(slot);
  EXPECT_FALSE(holds_key(east));
  run(100 * kMs);
  EXPECT_FALSE(holds_key(west));
}

TEST_F(Sas, GoOnAtTheOtherBoxWithTheirKeysUseAndNumbers) {
  const std::uint32_t out = install(make_sa(0x100));
  const std::uint32_t in = install(make_sa(0x101, tables::kSaInbound));
  std::uint64_t last = 0;
  for (std::uint64_t n = 1; n <= 3'000; ++n) {
    const auto taken = east.sas->take(out, {4, 400}, now_ns);
    ASSERT_EQ(taken.count, 4U);
    last = taken.first + 3;
    ASSERT_EQ(east.sas->accept(in, n, 100, now_ns), ReplayVerdict::kNew);
    run(kMs);
  }
  run(2 * kSecond);
  west_takes_over();
  const std::uint32_t there = west.sas->find(make_sa(0x100).key);
  ASSERT_EQ(there, out);
  EXPECT_TRUE(std::equal(east.sas->sa(out).cipher_key.begin(), east.sas->sa(out).cipher_key.end(),
                         west.sas->sa(there).cipher_key.begin()));
  EXPECT_EQ(west.sas->used(there).used_bytes, 1'200'000U);
  EXPECT_EQ(west.sas->age_s(there, now_ns), east.sas->age_s(out, now_ns));
  EXPECT_GT(west.sas->take(there, {1, 100}, now_ns).first, last);
  EXPECT_NE(west.sas->accept(in, 3'000, 100, now_ns), ReplayVerdict::kNew);
  EXPECT_EQ(west.sas->sequences(there, now_ns).result, SequenceResult::kAbove);
}

TEST_F(Sas, WhoseNumbersDidNotArriveAreSealed) {
  install(make_sa(0x100));
  run(200 * kMs);
  auto& numbers = west.box.partition().slots<TableKind::kIpsecSequence>();
  numbers.empty(west.sas->keeper().find(make_sa(0x100).key));
  west_takes_over();
  const std::uint32_t slot = west.sas->find(make_sa(0x100).key);
  EXPECT_EQ(west.sas->take(slot, {1, 100}, now_ns).outcome, SequenceOutcome::kExhausted);
  west.sas->poll(now_ns);
  now_ns += 2 * kSecond;
  west.sas->poll(now_ns);
  EXPECT_TRUE(west.sas->needs_successor(slot));
}

// The metric sa.records_per_mpkt, by count: a million packets a second, all records of both tables'
// numbers, the pledges too.
TEST_F(Sas, SpendAtMostAHundredRecordsForAMillionPacketsInEitherDirection) {
  for (const bool is_inbound : {false, true}) {
    const std::uint32_t slot = install(
        make_sa(0x100 + (is_inbound ? 1 : 0), is_inbound ? unsigned{tables::kSaInbound} : 0U));
    std::uint64_t packets = 0;
    const auto second = [&] {
      const std::uint64_t end = packets + 1'000'000;
      while (packets < end) {
        if (is_inbound)
          for (int i = 0; i < 100; ++i)
            ASSERT_EQ(east.sas->accept(slot, ++packets, 1'400, now_ns), ReplayVerdict::kNew);
        else
          for (int i = 0; i < 4; ++i, packets += 25)
            ASSERT_EQ(east.sas->take(slot, {25, 35'000}, now_ns).count, 25U) << packets;
        run(100'000, 100'000);
      }
    };
    second();  // the rate is found out
    const std::uint64_t before = records_sent();
    second();
    RecordProperty(is_inbound ? "inbound" : "outbound", static_cast<int>(records_sent() - before));
    EXPECT_LE(records_sent() - before, 100U) << (is_inbound ? "inbound" : "outbound");
    east.sas->end(slot);
  }
}

}  // namespace
}  // namespace twinplane::ha2
