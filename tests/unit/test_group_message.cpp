// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "dataplane/group_message.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/group_builder.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::bytes_of;
using tests::group_address;
using tests::igmp_frame;
using tests::igmp_header;
using tests::igmp_message;
using tests::mld_frame;
using tests::mld_header;
using tests::mld_message;
using tests::operator+;
using tests::query_tail;
using tests::report_message;

constexpr const char* kHost4 = "10.1.0.7";
constexpr const char* kHost6 = "fe80::7";
constexpr const char* kGroup4 = "232.1.1.1";
constexpr const char* kGroup6 = "ff1e::1:1";

struct ReadRecord {
  int type;
  tables::Address6 group;
  std::vector<tables::Address6> sources;
  friend bool operator==(const ReadRecord&, const ReadRecord&) = default;
};

// A copy in memory of exactly its size, so that a read beyond the end is one that AddressSanitizer
// sees; it lives as long as the message that reads it.
struct Read {
  explicit Read(const Bytes& bytes) : frame(std::make_unique<Bytes>(bytes)) {
    frame->shrink_to_fit();
    PacketView view;
    const ParseResult result = parse(*frame, view);
    EXPECT_TRUE(result == ParseResult::kOk || result == ParseResult::kIp4BadSource) << name(result);
    fault = read_group_message(*frame, view, message);
  }

  std::vector<ReadRecord> records() const {
    std::vector<ReadRecord> all;
    GroupRecords walk = message.records;
    for (GroupRecord record; walk.try_next(record);) {
      all.push_back({static_cast<int>(record.type), record.group, {}});
      for (std::size_t at = 0; at < record.sources.count(); ++at)
        all.back().sources.push_back(record.sources[at]);
    }
    return all;
  }

  std::unique_ptr<Bytes> frame;
  GroupMessage message;
  GroupFault fault;
};

std::string_view fault_of(const Bytes& frame) { return name(Read(frame).fault); }

TEST(GroupMessage, ReadsQueriesOfIgmpByTheirLength) {
  const Read one(igmp_frame(kHost4, "224.0.0.1", igmp_message(0x11, 0, "0.0.0.0")));
  EXPECT_EQ(one.message.version, GroupVersion::k1);
  EXPECT_EQ(one.message.query.max_response_ms, 10'000U);
  EXPECT_EQ(one.message.query.group, kNoAddress);
  const Read two(igmp_frame(kHost4, kGroup4, igmp_message(0x11, 25, kGroup4)));
  EXPECT_EQ(two.message.version, GroupVersion::k2);
  EXPECT_TRUE(two.message.is_query);
  EXPECT_EQ(two.message.query.max_response_ms, 2'500U);
  EXPECT_EQ(two.message.query.group, group_address(kGroup4));
  const Read three(igmp_frame(
      kHost4, kGroup4,
      igmp_message(0x11, 10, kGroup4) + query_tail(0x0A, 125, {"192.0.2.1", "192.0.2.2"})));
  EXPECT_EQ(three.fault, GroupFault::kNone);
  EXPECT_EQ(three.message.version, GroupVersion::k3);
  EXPECT_TRUE(three.message.query.suppresses_timers);
  EXPECT_EQ(three.message.query.robustness, 2U);
  EXPECT_EQ(three.message.query.interval_s, 125U);
  ASSERT_EQ(three.message.query.sources.count(), 2U);
  EXPECT_EQ(three.message.query.sources[1], group_address("192.0.2.2"));
  EXPECT_EQ(three.message.sender, group_address(kHost4));
}

TEST(GroupMessage, ReadsQueriesOfMldByTheirLength) {
  const Read one(mld_frame(kHost6, "ff02::1", mld_message(130, 10'000, "::")));
  EXPECT_EQ(one.fault, GroupFault::kNone);
  EXPECT_EQ(one.message.version, GroupVersion::k2);
  EXPECT_EQ(one.message.query.max_response_ms, 10'000U);
  const Read two(mld_frame(
      kHost6, kGroup6, mld_message(130, 1000, kGroup6) + query_tail(0x02, 125, {"2001:db8::9"})));
  EXPECT_EQ(two.fault, GroupFault::kNone);
  EXPECT_EQ(two.message.version, GroupVersion::k3);
  EXPECT_EQ(two.message.query.group, group_address(kGroup6));
  EXPECT_FALSE(two.message.query.suppresses_timers);
  ASSERT_EQ(two.message.query.sources.count(), 1U);
  EXPECT_EQ(two.message.query.sources[0], group_address("2001:db8::9"));
}

TEST(GroupMessage, ReadsFloatingPointCodes) {
  const auto of4 = [](int code, int interval_code) {
    return Read(igmp_frame(kHost4, "224.0.0.1",
                           igmp_message(0x11, code, "0.0.0.0") + query_tail(2, interval_code)))
        .message.query;
  };
  EXPECT_EQ(of4(0x7F, 0x7F).max_response_ms, 12'700U);
  EXPECT_EQ(of4(0x80, 0x80).max_response_ms, 12'800U);
  EXPECT_EQ(of4(0x80, 0x80).interval_s, 128U);
  EXPECT_EQ(of4(0xFF, 0xFF).max_response_ms, 3'174'400U);
  EXPECT_EQ(of4(0xFF, 0xFF).interval_s, 31'744U);
  const auto of6 = [](int code) {
    return Read(mld_frame(kHost6, "ff02::1", mld_message(130, code, "::") + query_tail(2, 125)))
        .message.query.max_response_ms;
  };
  EXPECT_EQ(of6(0x7FFF), 32'767U);
  EXPECT_EQ(of6(0x8000), 32'768U);
  EXPECT_EQ(of6(0xFFFF), 8'387'584U);
}

TEST(GroupMessage, TakesEarlierReportsAndLeavesForRecords) {
  const std::vector<ReadRecord> joins{{2, group_address(kGroup4), {}}};
  const std::vector<ReadRecord> leaves{{3, group_address(kGroup4), {}}};
  const Read one(igmp_frame(kHost4, kGroup4, igmp_message(0x12, 0, kGroup4)));
  EXPECT_EQ(one.message.version, GroupVersion::k1);
  EXPECT_EQ(one.records(), joins);
  const Read two(igmp_frame(kHost4, kGroup4, igmp_message(0x16, 0, kGroup4)));
  EXPECT_EQ(two.message.version, GroupVersion::k2);
  EXPECT_EQ(two.records(), joins);
  EXPECT_FALSE(two.message.is_leave);
  const Read leave(igmp_frame(kHost4, "224.0.0.2", igmp_message(0x17, 0, kGroup4)));
  EXPECT_EQ(leave.records(), leaves);
  EXPECT_TRUE(leave.message.is_leave);
  const Read report6(mld_frame(kHost6, kGroup6, mld_message(131, 0, kGroup6)));
  EXPECT_EQ(report6.message.version, GroupVersion::k2);
  EXPECT_EQ(report6.records(), (std::vector<ReadRecord>{{2, group_address(kGroup6), {}}}));
  const Read done6(mld_frame(kHost6, "ff02::2", mld_message(132, 0, kGroup6)));
  EXPECT_EQ(done6.records(), (std::vector<ReadRecord>{{3, group_address(kGroup6), {}}}));
}

TEST(GroupMessage, WalksOverTheRecordsOfAReport) {
  const Read four(igmp_frame(
      kHost4, "224.0.0.22",
      report_message(0x22,
                     {{.type = 1, .group = kGroup4, .sources = {"192.0.2.1"}},
                      {.type = 4, .group = "239.1.1.1", .auxiliary_words = 3},
                      {.type = 6, .group = kGroup4, .sources = {"192.0.2.1", "192.0.2.2"}}})));
  EXPECT_EQ(four.fault, GroupFault::kNone);
  EXPECT_EQ(
      four.records(),
      (std::vector<ReadRecord>{
          {1, group_address(kGroup4), {group_address("192.0.2.1")}},
          {4, group_address("239.1.1.1"), {}},
          {6, group_address(kGroup4), {group_address("192.0.2.1"), group_address("192.0.2.2")}}}));
  const Read six(
      mld_frame(kHost6, "ff02::16",
                report_message(143, {{.type = 5, .group = kGroup6, .sources = {"2001:db8::9"}}})));
  EXPECT_EQ(six.records(),
            (std::vector<ReadRecord>{{5, group_address(kGroup6), {group_address("2001:db8::9")}}}));
}

TEST(GroupMessage, PassesOverUnknownRecordsAndWhatIsNoGroup) {
  const Read four(igmp_frame(kHost4, "224.0.0.22",
                             report_message(0x22, {{.type = 7, .group = kGroup4},
                                                   {.type = 0, .group = kGroup4},
                                                   {.type = 4, .group = "10.0.0.1"},
                                                   {.type = 4, .group = kGroup4}})));
  EXPECT_EQ(four.fault, GroupFault::kNone);
  EXPECT_EQ(four.records(), (std::vector<ReadRecord>{{4, group_address(kGroup4), {}}}));
  const Read six(mld_frame(kHost6, "ff02::16",
                           report_message(143, {{.type = 4, .group = "::ffff:232.1.1.1"}})));
  EXPECT_EQ(six.fault, GroupFault::kNone);
  EXPECT_TRUE(six.records().empty()) << "an IPv4 group in an IPv6 report";
}

TEST(GroupMessage, TakesAReportFromWhoHasNoAddressYet) {
  const Read four(igmp_frame("0.0.0.0", "224.0.0.22", report_message(0x22, {})));
  EXPECT_EQ(four.fault, GroupFault::kNone);
  EXPECT_TRUE(four.message.is_unspecified_sender());
  const Read six(mld_frame("::", "ff02::16", report_message(143, {})));
  EXPECT_EQ(six.fault, GroupFault::kNone);
  EXPECT_TRUE(six.message.is_unspecified_sender());
}

TEST(GroupMessage, IgnoresWhatFollowsAnEarlierReport) {
  EXPECT_EQ(
      fault_of(igmp_frame(kHost4, kGroup4, igmp_message(0x16, 0, kGroup4) + tests::filler(9))),
      "none");
}

TEST(GroupMessage, TakesAMessageToAnAddressOfTheBox) {
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "10.1.0.254", report_message(0x22, {}))), "none");
  EXPECT_EQ(fault_of(mld_frame(kHost6, "fe80::fe", mld_message(130, 0, "::"))), "none");
}

TEST(GroupMessage, RefusesWhatIsNoGroupMessage) {
  EXPECT_EQ(fault_of(tests::frame4({.protocol = 17}, tests::udp_segment(1, 2))), "not_group");
  EXPECT_EQ(fault_of(tests::frame6({.protocol = 58}, tests::icmp_message(128, 0, 0))), "not_group");
  EXPECT_EQ(fault_of(tests::frame6({.protocol = 2}, report_message(0x22, {}))), "not_group");
}

TEST(GroupMessage, RefusesFragments) {
  tests::Ip4 header = igmp_header(kHost4, kGroup4);
  header.fragment_field = 0x2000;
  EXPECT_EQ(fault_of(igmp_frame(header, igmp_message(0x16, 0, kGroup4))), "fragment");
  header.source = {0, 0, 0, 0};
  EXPECT_EQ(fault_of(igmp_frame(header, igmp_message(0x16, 0, kGroup4))), "fragment");
}

TEST(GroupMessage, RefusesLengthsThatAreNoVersions) {
  for (std::size_t bytes = 0; bytes < 24; ++bytes) {
    Bytes message = igmp_message(0x11, 10, "0.0.0.0") + query_tail(2, 125) + Bytes(12);
    message.resize(std::max<std::size_t>(bytes, 4));
    Bytes frame = igmp_frame(kHost4, "224.0.0.1", message);
    if (bytes < 4) continue;
    const bool is_good = bytes == 8 || bytes >= 12;
    EXPECT_EQ(fault_of(frame), is_good ? "none" : "bad_length") << bytes;
  }
  Bytes message = mld_message(130, 10, "::") + query_tail(2, 125);
  for (std::size_t bytes : {8U, 23U, 25U, 27U}) {
    Bytes cut = message;
    cut.resize(bytes);
    EXPECT_EQ(fault_of(mld_frame(kHost6, "ff02::1", cut)), "bad_length") << bytes;
  }
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.22", bytes_of({0x22, 0, 0, 0, 0, 0, 0}))),
            "bad_length");
  EXPECT_EQ(fault_of(mld_frame(kHost6, kGroup6, bytes_of({131, 0, 0, 0, 0, 0, 0, 0}))),
            "bad_length");
  EXPECT_EQ(fault_of(tests::frame4(igmp_header(kHost4, kGroup4), {})), "bad_length");
}

TEST(GroupMessage, RefusesIgmpOfOtherProtocols) {
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.13", igmp_message(0x14, 0, "0.0.0.0"))),
            "unknown_type");
}

TEST(GroupMessage, RefusesAWrongChecksum) {
  Bytes four = igmp_frame(kHost4, kGroup4, igmp_message(0x16, 0, kGroup4));
  four.back() ^= std::byte{1};
  EXPECT_EQ(fault_of(four), "bad_checksum");
  Bytes six = mld_frame(kHost6, kGroup6, mld_message(131, 0, kGroup6));
  six.back() ^= std::byte{1};
  EXPECT_EQ(fault_of(six), "bad_checksum");
}

TEST(GroupMessage, RefusesWhatMayHaveComeThroughARouter) {
  tests::Ip4 four = igmp_header(kHost4, kGroup4);
  four.ttl = 2;
  EXPECT_EQ(fault_of(igmp_frame(four, igmp_message(0x16, 0, kGroup4))), "bad_hop_limit");
  tests::Ip6 six = mld_header(kHost6, kGroup6);
  six.hop_limit = 255;
  EXPECT_EQ(fault_of(tests::frame6(six, mld_message(131, 0, kGroup6))), "bad_hop_limit");
}

TEST(GroupMessage, AsksForARouterAlertWhereEverybodySendsOne) {
  tests::Ip4 four = igmp_header(kHost4, "224.0.0.22");
  four.options = bytes_of({1, 1, 1, 0});
  EXPECT_EQ(fault_of(igmp_frame(four, report_message(0x22, {}))), "no_router_alert");
  four.options = bytes_of({1, 0x94, 4, 0, 0, 0, 0, 0});
  EXPECT_EQ(fault_of(igmp_frame(four, report_message(0x22, {}))), "none");
  four.target = {232, 1, 1, 1};
  four.options = {};
  EXPECT_EQ(fault_of(igmp_frame(four, igmp_message(0x16, 0, kGroup4))), "none");
  tests::Ip6 six = mld_header(kHost6, kGroup6);
  six.extensions = bytes_of({58, 0, 1, 4, 0, 0, 0, 0});
  EXPECT_EQ(fault_of(tests::frame6(six, mld_message(131, 0, kGroup6))), "no_router_alert");
  six.extensions = bytes_of({58, 0, 5, 2, 0, 1, 1, 0});
  EXPECT_EQ(fault_of(tests::frame6(six, mld_message(131, 0, kGroup6))), "no_router_alert")
      << "an alert about something else";
  six.extensions = bytes_of({58, 0, 1, 0, 5, 2, 0, 0});
  EXPECT_EQ(fault_of(tests::frame6(six, mld_message(131, 0, kGroup6))), "none");
  six.first_header = 60;
  EXPECT_EQ(fault_of(tests::frame6(six, mld_message(131, 0, kGroup6))), "no_router_alert")
      << "in destination options";
}

TEST(GroupMessage, RefusesSendersThatCannotBe) {
  EXPECT_EQ(fault_of(igmp_frame("127.0.0.1", "224.0.0.22", report_message(0x22, {}))),
            "bad_source");
  EXPECT_EQ(fault_of(mld_frame("2001:db8::7", "ff02::16", report_message(143, {}))), "bad_source");
  EXPECT_EQ(fault_of(mld_frame("::", "ff02::1", mld_message(130, 0, "::"))), "bad_source")
      << "a querier has an address";
}

TEST(GroupMessage, RefusesGroupsThatAMessageDoesNotGoTo) {
  EXPECT_EQ(fault_of(igmp_frame(kHost4, kGroup4, igmp_message(0x11, 10, "0.0.0.0"))), "bad_target");
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.1", igmp_message(0x16, 0, kGroup4))),
            "bad_target");
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.22", igmp_message(0x17, 0, kGroup4))),
            "bad_target");
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.1", report_message(0x22, {}))), "bad_target");
  EXPECT_EQ(fault_of(mld_frame(kHost6, "ff02::1", report_message(143, {}))), "bad_target");
}

TEST(GroupMessage, RefusesReportsAboutWhatIsNoGroup) {
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "10.0.0.1", igmp_message(0x16, 0, "10.0.0.1"))),
            "bad_group");
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.1", igmp_message(0x11, 10, "10.0.0.1"))),
            "bad_group");
  EXPECT_EQ(fault_of(mld_frame(kHost6, "ff02::2", mld_message(132, 0, "::ffff:232.1.1.1"))),
            "bad_group");
}

TEST(GroupMessage, RefusesCountsBeyondTheMessage) {
  Bytes sources = igmp_message(0x11, 10, kGroup4) + query_tail(2, 125, {"192.0.2.1"});
  sources[11] = std::byte{2};
  EXPECT_EQ(fault_of(igmp_frame(kHost4, kGroup4, sources)), "sources_cut");
  Bytes records = report_message(0x22, {{.type = 4, .group = kGroup4}});
  records[7] = std::byte{2};
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.22", records)), "records_cut");
  records[7] = std::byte{1};
  records[9] = std::byte{1};
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.22", records)), "records_cut") << "auxiliary data";
  records[9] = std::byte{0};
  records[10] = std::byte{0xFF};
  EXPECT_EQ(fault_of(igmp_frame(kHost4, "224.0.0.22", records)), "records_cut") << "sources";
}

TEST(GroupMessage, HasANameForEachFault) {
  const std::set<std::string_view> names(kGroupFaultNames.begin(), kGroupFaultNames.end());
  EXPECT_EQ(names.size(), kGroupFaultCount);
  EXPECT_EQ(name(GroupFault::kRecordsCut), "records_cut");
  EXPECT_EQ(name(GroupFault::kCount), "unknown");
}

}  // namespace
}  // namespace twinplane::dataplane
