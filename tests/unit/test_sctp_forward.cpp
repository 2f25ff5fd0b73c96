// SPDX-License-Identifier: BSD-3-Clause
// SCTP packets through a box, one at a time: which associations are found, opened, changed, and
// which packets are dropped under which name.
#include "dataplane/rss.hpp"
#include "dataplane/sctp_forward.hpp"
#include "dataplane/sctp_packet.hpp"
#include "tests/support/forward_fixture.hpp"
#include "tests/support/sctp_builder.hpp"

namespace twinplane::tests {
namespace {

using dataplane::DropReason;
using dataplane::kProtocolSctp;
using dataplane::SctpForwarder;
using tables::kFromClient;
using tables::kFromServer;
using tables::SctpBody;
using tables::SctpRank;
using tables::Side;
using tables::TableKind;

constexpr std::uint32_t kClientTag = 0xC11E0001, kServerTag = 0x5E4E0001;
constexpr Address4 kOtherClient4{10, 1, 0, 3}, kStranger4{10, 1, 0, 77};

enum Chunk { kData = 0, kInit = 1, kInitAck = 2, kAbort = 6, kCookieEcho = 10, kCookieAck = 11 };

class SctpForward : public ForwardFixture {
 protected:
  // Nothing is translated here but in the test of that.
  void SetUp() override {
    make_box(replaced(kConfigText, "source = [\"10.1.0.0/24\"]", "source = [\"10.9.0.0/24\"]"));
  }

  void make_box(const std::string& text, std::uint32_t slot_count = 64) {
    make(dataplane::parse_config(with_one_partition(text), "t"));
    sctp_.emplace(
        dataplane::ForwardContext{config_, *rules_in_use_, *routes_, *nat_, *destinations_});
    tables::PartitionLimits limits;
    limits.session4 = limits.session6 = {64, 2};
    limits.plain(TableKind::kSctp) = slot_count;
    partition_.reset();
    memory_.reset(
        static_cast<std::byte*>(std::aligned_alloc(64, tables::Partition::bytes(limits))));
    std::memset(memory_.get(), 0, tables::Partition::bytes(limits));
    tables::Carver carver({memory_.get(), tables::Partition::bytes(limits)});
    partition_.emplace(carver, limits, tables::HashSeed{5});
  }

  Outcome send_sctp(std::uint8_t port, Bytes frame, bool may_open = true) {
    Outcome outcome{.result = {}, .view = {}, .frame = std::move(frame)};
    EXPECT_EQ(dataplane::parse(outcome.frame, outcome.view), ParseResult::kOk);
    EXPECT_EQ(outcome.view.l4_kind, dataplane::L4Kind::kSctp);
    tables::SctpSummary packet;
    EXPECT_EQ(dataplane::parse_sctp(std::span<const std::byte>(outcome.frame)
                                        .subspan(outcome.view.l4_offset, outcome.view.l4_bytes),
                                    dataplane::SctpChecksum::kVerify, packet),
              dataplane::SctpResult::kOk);
    outcome.result =
        sctp_->forward(*partition_, outcome.frame, outcome.view, packet, {port, may_open, time_});
    return outcome;
  }

  // From the client's port 2905 to the server's port 7000.
  Outcome from_client(std::uint32_t tag, const Bytes& chunks, const Ip4& ip = {}) {
    return send_sctp(kInside, frame4(as_sctp(ip), sctp_packet(tag, chunks)));
  }

  Outcome from_server(std::uint32_t tag, const Bytes& chunks,
                      const Ip4& ip = {.source = kServer4, .target = kClient4}) {
    return send_sctp(kOutside, frame4(as_sctp(ip), turned(sctp_packet(tag, chunks))));
  }

  static Ip4 as_sctp(Ip4 ip) {
    ip.protocol = kProtocolSctp;
    return ip;
  }

  static Bytes turned(Bytes packet) {
    std::swap_ranges(packet.begin(), packet.begin() + 2, packet.begin() + 2);
    put_sctp_checksum(packet);
    return packet;
  }

  static Bytes init(std::uint32_t tag = kClientTag, const Bytes& parameters = {}) {
    return sctp_init(kInit, {.initiate_tag = tag}, parameters);
  }

  static Bytes init_ack(std::uint32_t tag = kServerTag, const Bytes& parameters = {}) {
    return sctp_init(kInitAck, {.initiate_tag = tag},
                     parameters + sctp_parameter(7, bytes_of({1, 2, 3, 4})));
  }

  static Bytes data() { return sctp_chunk(kData, Bytes(13)); }

  void open(const Bytes& client_parameters = {}) {
    EXPECT_EQ(from_client(0, init(kClientTag, client_parameters)).result.reason, DropReason::kNone);
    EXPECT_EQ(from_server(kClientTag, init_ack()).result.reason, DropReason::kNone);
    EXPECT_EQ(from_client(kServerTag, sctp_chunk(kCookieEcho, Bytes(4))).result.reason,
              DropReason::kNone);
    EXPECT_EQ(from_server(kClientTag, sctp_chunk(kCookieAck)).result.reason, DropReason::kNone);
  }

  auto& table() { return partition_->table<TableKind::kSctp>(); }

  std::uint32_t live() { return table().slots().live_count(); }

  const SctpBody& only() {
    EXPECT_EQ(live(), 1U);
    for (std::uint32_t slot = 0; slot < table().slots().slot_count(); ++slot)
      if (table().slots().live().is_live(slot)) return table().slots().entry(slot).body;
    return table().slots().entry(0).body;
  }

  std::optional<SctpForwarder> sctp_;
};

TEST_F(SctpForward, OpensAnAssociationByItsInitAndFollowsTheHandshake) {
  const Outcome out = from_client(0, init());
  EXPECT_EQ(out.result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(out.result.port_index, kOutside);
  EXPECT_EQ(out.view.ttl, 63);
  EXPECT_EQ(only().state.rank, SctpRank::kInitSent);
  EXPECT_EQ(only().ingress_role, kInside);
  EXPECT_EQ(only().egress_role, kOutside);
  open();
  EXPECT_EQ(only().state.rank, SctpRank::kEstablished);
  EXPECT_EQ(table().slots().index().key_count(), 2U);
  EXPECT_EQ(table().slots().find(only().key(Side::kServer)).side, Side::kServer);
  EXPECT_EQ(from_client(kServerTag, data()).result.port_index, kOutside);
  EXPECT_EQ(from_server(kClientTag, data()).result.port_index, kInside);
  EXPECT_EQ(live4(), 0U) << "it is a session too";
}

TEST_F(SctpForward, DoesTheSameForIp6) {
  Ip6 there;
  there.protocol = kProtocolSctp;
  Ip6 back = there;
  std::swap(back.source, back.target);
  EXPECT_EQ(send_sctp(kInside, frame6(there, sctp_packet(0, init()))).result.reason,
            DropReason::kNoRoute)
      << "an address of nobody's network";
  there.target = back.source = Address6{0xFD, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  there.source = back.target = Address6{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  EXPECT_EQ(send_sctp(kInside, frame6(there, sctp_packet(0, init()))).result.reason,
            DropReason::kNone);
  EXPECT_EQ(
      send_sctp(kOutside, frame6(back, turned(sctp_packet(kClientTag, init_ack())))).result.reason,
      DropReason::kNone);
  EXPECT_EQ(only().state.rank, SctpRank::kInitAcked);
}

TEST_F(SctpForward, DropsWhatBelongsToNoAssociation) {
  EXPECT_EQ(from_client(kServerTag, data()).result.reason, DropReason::kSctpNoAssociation);
  EXPECT_EQ(live(), 0U);
}

TEST_F(SctpForward, DropsAWrongTagUnderANameOfItsOwnAndChangesNothing) {
  open();
  EXPECT_EQ(from_client(kServerTag + 1, data()).result.reason, DropReason::kSctpNoAssociation);
  // The client's own tag, in a packet of its own: found, and no tag of that direction.
  EXPECT_EQ(from_client(kClientTag, data()).result.reason, DropReason::kSctpNoAssociation);
  EXPECT_EQ(only().state.rank, SctpRank::kEstablished);
}

TEST_F(SctpForward, HasAReasonForEachOutcomeThatTheTrackerNames) {
  using tables::SctpOutcome;
  for (auto i = static_cast<unsigned>(SctpOutcome::kNoAssociation);
       i < static_cast<unsigned>(SctpOutcome::kCount); ++i) {
    const auto outcome = static_cast<SctpOutcome>(i);
    EXPECT_EQ(dataplane::name(dataplane::drop_reason_of(outcome)),
              "sctp_" + std::string(tables::name(outcome)));
  }
}

TEST_F(SctpForward, DropsAPacketOfTheRightTagFromAForeignAddress) {
  open();
  EXPECT_EQ(from_client(kServerTag, data(), {.source = kStranger4}).result.reason,
            DropReason::kSctpUnknownAddress);
}

TEST_F(SctpForward, TakesAnotherAddressThatTheInitListed) {
  open(sctp_address(kOtherClient4));
  EXPECT_EQ(from_client(kServerTag, data(), {.source = kOtherClient4}).result.reason,
            DropReason::kNone);
  EXPECT_EQ(from_server(kClientTag, data(), {.source = kServer4, .target = kOtherClient4})
                .result.port_index,
            kInside);
}

TEST_F(SctpForward, AsksTheRulesAboutAPathBesideTheFirst) {
  make_box(replaced(
      replaced(kConfigText, "source = [\"10.1.0.0/24\"]", "source = [\"10.9.0.0/24\"]"),
      "to = [\"untrust\"]\naction", "to = [\"untrust\"]\nsource = [\"10.1.0.7/32\"]\naction"));
  open(sctp_address(kOtherClient4));
  EXPECT_EQ(from_client(kServerTag, data(), {.source = kOtherClient4}).result.reason,
            DropReason::kRuleDrop);
  EXPECT_EQ(
      from_server(kClientTag, data(), {.source = kServer4, .target = kOtherClient4}).result.reason,
      DropReason::kRuleDrop);
}

TEST_F(SctpForward, DropsWhatComesInByAnotherZone) {
  open();
  EXPECT_EQ(send_sctp(kOutside, frame4(as_sctp({}), sctp_packet(kServerTag, data()))).result.reason,
            DropReason::kWrongZone);
}

TEST_F(SctpForward, OpensNothingThatTheRulesForbid) {
  EXPECT_EQ(from_server(0, init()).result.reason, DropReason::kRuleDrop);
  EXPECT_EQ(live(), 0U);
}

TEST_F(SctpForward, OpensNothingThatWouldHaveToBeTranslated) {
  make_box(std::string(kConfigText));
  EXPECT_EQ(from_client(0, init()).result.reason, DropReason::kSctpTranslated);
  EXPECT_EQ(live(), 0U);
}

TEST_F(SctpForward, DropsWhatARuleForDestinationsWouldLeadElsewhere) {
  make_box(std::string(kConfigText) + R"(
[[nat]]
name = "signalling"
from = ["trust"]
destination = "10.2.0.80"
translated_destination = "10.2.0.81"
[[nat]]
name = "web"
from = ["trust"]
destination = "10.2.0.82"
protocol = "tcp"
translated_destination = "10.2.0.83"
[[nat]]
name = "routed"
from = ["trust"]
destination = "203.0.113.80"
translated_destination = "10.2.0.81"
[[nat]]
name = "both"
from = ["untrust"]
destination = "10.2.0.90"
translated_destination = "10.1.0.90"
bidirectional = true
[[rule]]
name = "all"
from = ["trust", "untrust"]
to = ["trust", "untrust"]
action = "allow"
)");
  constexpr Address4 kPlain{10, 9, 0, 7};  // whom no rule for sources hides
  const auto outcome = [this](std::uint8_t port, const Address4& source, const Address4& target) {
    return send_sctp(port,
                     frame4(as_sctp({.source = source, .target = target}), sctp_packet(0, init())))
        .result;
  };
  for (const Address4 target : {Address4{10, 2, 0, 80}, Address4{203, 0, 113, 80}}) {
    EXPECT_EQ(outcome(kInside, kPlain, target).reason, DropReason::kSctpTranslated);
    EXPECT_EQ(outcome(kInside, kPlain, target).verdict, ForwardVerdict::kDrop);
  }
  EXPECT_EQ(outcome(kOutside, kServer4, {10, 2, 0, 90}).reason, DropReason::kSctpTranslated);
  EXPECT_EQ(outcome(kInside, {10, 1, 0, 90}, kServer4).reason, DropReason::kSctpTranslated)
      << "what its host opens itself would leave as another";
  EXPECT_EQ(live(), 0U);
  EXPECT_EQ(outcome(kInside, kPlain, {10, 2, 0, 82}).reason, DropReason::kNone)
      << "the rule is one for TCP";
  EXPECT_EQ(outcome(kOutside, kServer4, {10, 1, 0, 91}).reason, DropReason::kNone);
}

TEST_F(SctpForward, FollowsAnAddressThatJoinsAndAsksTheRulesAboutIt) {
  make_box(
      replaced(replaced(kConfigText, "source = [\"10.1.0.0/24\"]", "source = [\"10.9.0.0/24\"]"),
               "to = [\"untrust\"]\naction",
               "to = [\"untrust\"]\nsource = [\"10.1.0.7/32\", \"10.1.0.3/32\"]\naction"));
  open();
  const auto adding = [](const Address4& address) {
    return sctp_chunk(tables::kSctpAsconf,
                      bytes_of({0, 0, 0, 1}) + sctp_address(kClient4) +
                          sctp_parameter(0xC001, bytes_of({0, 0, 0, 1}) + sctp_address(address)));
  };
  EXPECT_EQ(from_client(kServerTag, data(), {.source = kOtherClient4}).result.reason,
            DropReason::kSctpUnknownAddress);
  EXPECT_EQ(from_client(kServerTag, adding(kOtherClient4)).result.reason, DropReason::kNone);
  EXPECT_EQ(from_client(kServerTag, adding(kStranger4)).result.reason, DropReason::kNone);
  EXPECT_EQ(table().slots().find(only().key(Side::kServer)).side, Side::kServer);
  EXPECT_EQ(from_client(kServerTag, data(), {.source = kOtherClient4}).result.reason,
            DropReason::kNone);
  EXPECT_EQ(from_client(kServerTag, data(), {.source = kStranger4}).result.reason,
            DropReason::kRuleDrop);
}

TEST_F(SctpForward, OpensNothingWhenTheBoxIsAboutToLeaveAndGoesOnWithWhatIsThere) {
  open();
  EXPECT_EQ(send_sctp(kInside, frame4(as_sctp({}), sctp_packet(0, init(kClientTag + 9))), false)
                .result.reason,
            DropReason::kNotActive);
  EXPECT_EQ(
      send_sctp(kInside, frame4(as_sctp({}), sctp_packet(kServerTag, data())), false).result.reason,
      DropReason::kNone);
}

TEST_F(SctpForward, SaysWhenTheTableIsFull) {
  make_box(replaced(kConfigText, "source = [\"10.1.0.0/24\"]", "source = [\"10.9.0.0/24\"]"), 2);
  EXPECT_EQ(from_client(0, init(1)).result.reason, DropReason::kNone);
  EXPECT_EQ(from_client(0, init(2)).result.reason, DropReason::kNone);
  EXPECT_EQ(from_client(0, init(3)).result.reason, DropReason::kTableFull);
}

// RFC 9260 section 5.2: a restart is another association, beside the first.
TEST_F(SctpForward, OpensASecondAssociationForARestart) {
  open();
  EXPECT_EQ(from_client(0, init(kClientTag + 1)).result.reason, DropReason::kNone);
  EXPECT_EQ(live(), 2U);
  EXPECT_EQ(from_client(kServerTag, data()).result.reason, DropReason::kNone);
  EXPECT_EQ(from_server(kClientTag + 1, init_ack(kServerTag + 1)).result.reason, DropReason::kNone);
  EXPECT_EQ(table().slots().index().key_count(), 4U);
}

TEST_F(SctpForward, KeepsAnEstablishedAssociationWhoseKeyAnotherClaims) {
  open();
  EXPECT_EQ(from_client(0, init(kClientTag + 1)).result.reason, DropReason::kNone);
  EXPECT_EQ(from_server(kClientTag + 1, init_ack(kServerTag)).result.reason,
            DropReason::kSctpKeyHeld);
  EXPECT_EQ(from_client(kServerTag, data()).result.reason, DropReason::kNone);
}

TEST_F(SctpForward, LetsAnOpeningAssociationGiveWayToOneThatNeedsItsKey) {
  EXPECT_EQ(from_client(0, init(kClientTag)).result.reason, DropReason::kNone);
  EXPECT_EQ(from_server(kClientTag, init_ack()).result.reason, DropReason::kNone);
  EXPECT_EQ(from_client(0, init(kClientTag + 1)).result.reason, DropReason::kNone);
  EXPECT_EQ(from_server(kClientTag + 1, init_ack(kServerTag)).result.reason, DropReason::kNone);
  EXPECT_EQ(only().state.tags[kFromServer], kClientTag + 1);
}

TEST_F(SctpForward, DoesNotLetTrafficRenewWhatIsOver) {
  open();
  const std::uint32_t slot = table().slots().find(only().key(Side::kClient)).slot;
  EXPECT_EQ(from_client(kServerTag, sctp_chunk(kAbort)).result.reason, DropReason::kNone);
  EXPECT_EQ(only().state.rank, SctpRank::kAborted);
  const std::uint32_t deadline_ms = table().slots().deadline_ms(slot);
  EXPECT_EQ(deadline_ms, time_.milliseconds() + 30'000);
  time_.now_ns += 10'000'000'000;
  EXPECT_EQ(from_server(kClientTag, data()).result.reason, DropReason::kNone);
  EXPECT_EQ(table().slots().deadline_ms(slot), deadline_ms);
  EXPECT_EQ(from_client(kServerTag, data()).result.reason, DropReason::kSctpTooLate);
}

TEST_F(SctpForward, AgesByTheClassOfTheRank) {
  EXPECT_EQ(from_client(0, init()).result.reason, DropReason::kNone);
  const std::uint32_t slot = table().slots().find(only().key(Side::kClient)).slot;
  EXPECT_EQ(table().slots().deadline_ms(slot), time_.milliseconds() + 20'000);
  open();
  EXPECT_EQ(table().slots().deadline_ms(slot), time_.milliseconds() + 3'600'000);
  sctp_->ages().expire(table(), time_.milliseconds() + 3'599'999, 64);
  EXPECT_EQ(live(), 1U);
  sctp_->ages().expire(table(), time_.milliseconds() + 3'600'000, 64);
  EXPECT_EQ(live(), 0U);
}

TEST_F(SctpForward, GivesWhatWasTakenOverAWholeTimeoutAndSaysSoOfItsPackets) {
  open();
  EXPECT_FALSE(from_client(kServerTag, data()).result.was_taken_over);
  const std::uint32_t slot = table().slots().find(only().key(Side::kClient)).slot;
  auto stated = table().slots().entry(slot);
  stated.head.flags = tables::kLive;
  table().slots().put(slot, stated);
  EXPECT_TRUE(from_client(kServerTag, data()).result.was_taken_over);
  EXPECT_EQ(table().slots().deadline_ms(slot), time_.milliseconds() + 3'600'000);
  table().slots().put(slot, stated);
  ASSERT_EQ(table().slots().deadline_ms(slot), 0U);
  sctp_->ages().expire(table(), time_.milliseconds(), 64);
  EXPECT_GE(table().slots().deadline_ms(slot), time_.milliseconds() + 3'600'000);
  EXPECT_LE(table().slots().deadline_ms(slot), time_.milliseconds() + 3'960'000);
}

TEST_F(SctpForward, TellsASenderThatAPacketIsTooBigAndChangesNothing) {
  open();
  const Outcome out = from_client(kServerTag, sctp_chunk(kAbort, Bytes(1600)));
  EXPECT_EQ(out.result.verdict, ForwardVerdict::kIcmpError);
  EXPECT_EQ(out.result.mtu_bytes, 1500);
  EXPECT_EQ(only().state.rank, SctpRank::kEstablished);
}

// Ports and tag are what an ICMP error quotes at least.
TEST_F(SctpForward, TellsTheSenderOfAPacketWhatARouterSaysOfIt) {
  open();
  const auto quoting = [](std::uint32_t tag, const Address4& source) {
    Ip4 quoted = as_sctp({});
    quoted.source = source;
    Bytes quote = ip4_packet(quoted, sctp_packet(tag, data()));
    quote.resize(28);
    return frame4({.source = kServer4, .target = source, .protocol = 1},
                  icmp_message(3, 4, 1400, quote));
  };
  const auto send = [this](Bytes frame) {
    dataplane::PacketView view;
    dataplane::PacketView quote;
    EXPECT_EQ(dataplane::parse(frame, view), ParseResult::kOk);
    EXPECT_EQ(dataplane::parse_quote(frame, view, quote), ParseResult::kOk);
    EXPECT_EQ(quote.l4_kind, dataplane::L4Kind::kSctp);
    EXPECT_EQ(dataplane::flow_hash(quote),
              dataplane::port_pair_hash(quote.source4.port_be, quote.target4.port_be));
    return sctp_->forward_error(*partition_, frame, view, quote, kOutside);
  };
  const dataplane::ForwardResult result = send(quoting(kServerTag, kClient4));
  EXPECT_EQ(result.verdict, ForwardVerdict::kForward);
  EXPECT_EQ(result.port_index, kInside);
  EXPECT_EQ(send(quoting(kServerTag + 1, kClient4)).reason, DropReason::kIcmpNoSession);
  EXPECT_EQ(send(quoting(kServerTag, kStranger4)).reason, DropReason::kSctpUnknownAddress);
}

TEST_F(SctpForward, MeetsInOnePartitionWhateverTheAddresses) {
  using dataplane::port_pair_hash;
  EXPECT_EQ(port_pair_hash(0x590B, 0x581B), port_pair_hash(0x581B, 0x590B));
  std::array<unsigned, 4> partitions{};
  for (unsigned port = 1; port <= 400; ++port) {
    const auto port_be = static_cast<std::uint16_t>(port * 151);
    ++partitions[dataplane::partition_of(port_pair_hash(port_be, port_be), 4)];
  }
  for (const unsigned count : partitions) EXPECT_GT(count, 60U) << "equal ports do not spread";
}

}  // namespace
}  // namespace twinplane::tests
