// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "dataplane/group_frames.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/group_builder.hpp"
#include "tests/support/packet_checks.hpp"

namespace twinplane::dataplane {
namespace {

using tests::Bytes;
using tests::bytes_of;
using tests::group_address;
using tests::operator+;

constexpr MacAddress kOwnMac{0x00, 0x1B, 0x17, 0x00, 3, 0};

class GroupFrames : public ::testing::Test {
 protected:
  Bytes written(GroupQueryFields fields) {
    fields.source_mac = kOwnMac;
    const std::size_t bytes = write_group_query(buffer_, fields);
    return Bytes(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(bytes));
  }

  // What our own reader says of it; the bytes live in `frame_`.
  GroupMessage read_back(const GroupQueryFields& fields) {
    frame_ = written(fields);
    PacketView view;
    EXPECT_EQ(name(parse(frame_, view)), "ok");
    tests::expect_right_checksums(frame_, view);
    GroupMessage message;
    EXPECT_EQ(name(read_group_message(frame_, view, message)), "none");
    EXPECT_TRUE(message.is_query);
    return message;
  }

  // Dirty, so that what is not written shows.
  Bytes buffer_ = Bytes(kGroupFrameBytesMax, std::byte{0xEE});
  Bytes frame_;
  const tables::Address6 own4_ = group_address("10.1.0.254");
  const tables::Address6 own6_ = group_address("fe80::fe");
  const tables::Address6 group4_ = group_address("239.129.1.2");
  const tables::Address6 group6_ = group_address("ff1e::101:102");
};

TEST_F(GroupFrames, WritesAGeneralQueryByteForByte) {
  const Bytes frame =
      written({.source = own4_, .max_response_ms = 10'000, .interval_s = 125, .robustness = 2});
  EXPECT_EQ(frame, bytes_of({0x01, 0, 0x5E, 0, 0, 1, 0x00, 0x1B, 0x17, 0x00, 3, 0, 8, 0}) +
                       bytes_of({0x46, 0xC0, 0, 36, 0, 0, 0, 0, 1, 2, 0x39, 0x14}) +
                       bytes_of({10, 1, 0, 254, 224, 0, 0, 1, 0x94, 4, 0, 0}) +
                       bytes_of({0x11, 100, 0xEC, 0x1E, 0, 0, 0, 0, 2, 125, 0, 0}) + Bytes(10));
}

TEST_F(GroupFrames, SendsAQueryOfAGroupToTheGroup) {
  const GroupMessage four = read_back({.source = own4_, .group = group4_, .max_response_ms = 1000});
  EXPECT_EQ(four.query.group, group4_);
  EXPECT_EQ(Bytes(frame_.begin(), frame_.begin() + 6), bytes_of({0x01, 0, 0x5E, 0x01, 1, 2}))
      << "23 bits of it";
  const GroupMessage six = read_back({.source = own6_, .group = group6_, .max_response_ms = 1000});
  EXPECT_EQ(six.query.group, group6_);
  EXPECT_EQ(Bytes(frame_.begin(), frame_.begin() + 6), bytes_of({0x33, 0x33, 1, 1, 1, 2}));
}

TEST_F(GroupFrames, SendsAGeneralQueryToAllHosts) {
  EXPECT_EQ(read_back({.source = own6_, .max_response_ms = 10'000}).query.group, kNoAddress);
  EXPECT_EQ(Bytes(frame_.begin(), frame_.begin() + 6), bytes_of({0x33, 0x33, 0, 0, 0, 1}));
}

TEST_F(GroupFrames, WritesEachVersion) {
  for (const auto version : {GroupVersion::k1, GroupVersion::k2, GroupVersion::k3}) {
    const GroupMessage four =
        read_back({.source = own4_, .version = version, .max_response_ms = 10'000});
    EXPECT_EQ(four.version, version);
    EXPECT_EQ(four.query.max_response_ms, 10'000U);
    if (version == GroupVersion::k1) continue;
    const GroupMessage six = read_back(
        {.source = own6_, .version = version, .group = group6_, .max_response_ms = 10'000});
    EXPECT_EQ(six.version, version);
    EXPECT_EQ(six.query.max_response_ms, 10'000U);
  }
}

TEST_F(GroupFrames, TellsSourcesFlagRobustnessAndInterval) {
  std::vector<tables::Address6> sources;
  sources.reserve(64);
  for (int at = 0; at < 64; ++at)
    sources.push_back(group_address(("192.0.2." + std::to_string(at)).c_str()));
  const GroupMessage four = read_back({.vlan = 100,
                                       .source = own4_,
                                       .group = group4_,
                                       .sources = sources,
                                       .max_response_ms = 1000,
                                       .interval_s = 200,
                                       .robustness = 7,
                                       .suppresses_timers = true});
  EXPECT_TRUE(four.query.suppresses_timers);
  EXPECT_EQ(four.query.robustness, 7U);
  EXPECT_EQ(four.query.interval_s, 200U);
  ASSERT_EQ(four.query.sources.count(), sources.size());
  for (std::size_t at = 0; at < sources.size(); ++at)
    EXPECT_EQ(four.query.sources[at], sources[at]);
  EXPECT_EQ(tests::get16(frame_, 12), 0x8100U);
  EXPECT_EQ(tests::get16(frame_, 14), 100U);
  for (tables::Address6& source : sources) source = group_address("2001:db8::9");
  const GroupMessage six = read_back({.source = own6_, .group = group6_, .sources = sources});
  EXPECT_EQ(six.query.sources.count(), 64U);
  EXPECT_EQ(six.query.sources[63], sources[63]);
}

TEST_F(GroupFrames, RoundDownWhatTheCodesCannotSay) {
  const auto read = [this](std::uint32_t response_ms, std::uint32_t interval_s) {
    return read_back({.source = own4_,
                      .max_response_ms = response_ms,
                      .interval_s = interval_s,
                      .robustness = 9})
        .query;
  };
  EXPECT_EQ(read(12'799, 127).max_response_ms, 12'700U);
  EXPECT_EQ(read(13'500, 135).max_response_ms, 12'800U);
  EXPECT_EQ(read(13'600, 136).interval_s, 136U);
  EXPECT_EQ(read(100'000'000, 1'000'000).interval_s, 31'744U);
  EXPECT_EQ(read(0, 0).robustness, 0U) << "more than the field holds is not told";
  EXPECT_EQ(read_back({.source = own6_, .max_response_ms = 40'001}).query.max_response_ms, 40'000U);
  EXPECT_EQ(read_back({.source = own4_, .version = GroupVersion::k2, .max_response_ms = 20})
                .query.max_response_ms,
            100U)
      << "0 would be version 1";
}

TEST_F(GroupFrames, NeedABufferForTheLongestFrame) {
  Bytes small(kGroupFrameBytesMax - 1);
  EXPECT_DEATH(write_group_query(small, {.source = own4_}), "CHECK failed");
}

TEST_F(GroupFrames, RefuseWhatAVersionCannotSay) {
  const std::vector<tables::Address6> sources(65, own4_);
  EXPECT_DEATH(written({.source = own4_, .group = group4_, .sources = sources}), "CHECK failed");
  EXPECT_DEATH(written({.source = own4_, .sources = std::span(sources).first(1)}), "CHECK failed");
  EXPECT_DEATH(written({.source = own4_, .version = GroupVersion::k1, .group = group4_}),
               "CHECK failed");
  EXPECT_DEATH(written({.source = own6_, .version = GroupVersion::k1}), "CHECK failed");
  EXPECT_DEATH(written({.source = own4_, .group = group6_}), "CHECK failed");
}

}  // namespace
}  // namespace twinplane::dataplane
