// SPDX-License-Identifier: BSD-3-Clause
// group_fixture.hpp - group membership on three ports, its hosts' messages, and what it asks and
// says.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  small ones in the options, so that tests can reach them. Sources are letters: a is
//          192.0.2.1 or 2001:db8::1.
// Errors:  GoogleTest failures for frames that our own readers refuse.
// Spec:    dataplane/group_membership.hpp.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/group_frames.hpp"
#include "dataplane/group_membership.hpp"
#include "dataplane/parse.hpp"
#include "tests/support/group_builder.hpp"

namespace twinplane::tests {

using dataplane::GroupFamily;
using dataplane::GroupRecordType;
using dataplane::GroupVersion;

struct GroupLinkFake : dataplane::FrameSink {
  std::span<std::byte> try_frame(std::size_t) noexcept override {
    return is_out_of_frames ? std::span<std::byte>{} : std::span(buffer);
  }

  void send(std::size_t port_index, std::size_t frame_bytes) noexcept override {
    sent.push_back({port_index, Bytes(buffer.begin(),
                                      buffer.begin() + static_cast<std::ptrdiff_t>(frame_bytes))});
  }

  bool is_out_of_frames = false;
  Bytes buffer = Bytes(dataplane::kGroupFrameBytesMax);
  std::vector<std::pair<std::size_t, Bytes>> sent;
};

struct ChangesFake : dataplane::GroupChangeSink {
  void on_membership_changed(const tables::Address6& group,
                             const tables::Address6* source) noexcept override {
    last_group = group;
    said.push_back(source == nullptr ? '*' : static_cast<char>('a' + (*source)[15] - 1));
  }

  tables::Address6 last_group{};
  std::string said;  // '*' for a group as a whole, else a source's letter
};

// Ports 0 and 1 are a router's with IPv4 and IPv6; 2 is off. With `snoops` 0, 1 and 2 are a switch.
class GroupTest : public ::testing::Test {
 protected:
  explicit GroupTest(bool snoops = false)
      : ports_{port(snoops, 0), port(snoops, 1), port(snoops, 2)} {}

  static dataplane::GroupPort port(bool snoops, int index) {
    if (snoops) return {.role = dataplane::GroupPortRole::kSnoop};
    if (index == 2) return {};
    return {.role = dataplane::GroupPortRole::kRouter,
            .mac = {0, 0x1B, 0x17, 0, 1, static_cast<std::uint8_t>(index)},
            .own4 = group_address("10.1.0.100"),
            .own6 = group_address("fe80::100")};
  }

  static tables::Address6 source(char letter, GroupFamily family = GroupFamily::kIp4) {
    tables::Address6 address =
        group_address(family == GroupFamily::kIp4 ? "192.0.2.0" : "2001:db8::");
    address[15] = static_cast<std::uint8_t>(letter - 'a' + 1);
    return address;
  }

  static tables::Address6 group(int number = 1, GroupFamily family = GroupFamily::kIp4) {
    tables::Address6 address = group_address(family == GroupFamily::kIp4 ? "239.1.0.0" : "ff1e::");
    address[14] = static_cast<std::uint8_t>(number >> 8);
    address[15] = static_cast<std::uint8_t>(number & 0xFF);
    return address;
  }

  // A message with one record, of sources by their letters.
  void report(std::size_t port_index, const tables::Address6& about, GroupRecordType type,
              std::string_view letters = "") {
    const GroupFamily family = dataplane::family_of(about);
    Bytes bytes;
    for (const char letter : letters) append_raw(bytes, source(letter, family));
    dataplane::GroupMessage message =
        from(family, family == GroupFamily::kIp4 ? "10.1.0.7" : "fe80::7");
    message.records = dataplane::GroupRecords(
        dataplane::GroupRecord{type, about, dataplane::GroupSources(bytes, family)});
    membership().on_message(port_index, message, now_ms_);
  }

  // Of IGMP 1 and 2, and MLD 1.
  void early_report(const tables::Address6& about, GroupVersion version, bool is_leave = false) {
    const GroupFamily family = dataplane::family_of(about);
    dataplane::GroupMessage message =
        from(family, family == GroupFamily::kIp4 ? "10.1.0.8" : "fe80::8");
    message.version = version;
    message.is_leave = is_leave;
    message.records = dataplane::GroupRecords(dataplane::GroupRecord{
        is_leave ? GroupRecordType::kToInclude : GroupRecordType::kIsExclude, about, {}});
    membership().on_message(0, message, now_ms_);
  }

  static dataplane::GroupMessage from(GroupFamily family, const char* sender) {
    return {.family = family, .sender = group_address(sender)};
  }

  static dataplane::GroupMessage query_from(const char* sender) {
    const auto family = dataplane::family_of(group_address(sender));
    dataplane::GroupMessage message = from(family, sender);
    message.is_query = true;
    message.query.max_response_ms = 10'000;
    return message;
  }

  void query(std::size_t port_index, const dataplane::GroupMessage& message) {
    membership().on_message(port_index, message, now_ms_);
  }

  void advance(std::uint64_t by_ms) {
    for (const std::uint64_t end_ms = now_ms_ + by_ms; now_ms_ < end_ms;)
      membership().poll(++now_ms_);
  }

  // Active, and its startup queries are over.
  void settle_active() {
    membership().set_active(true, now_ms_);
    advance(40'000);
    link_.sent.clear();
  }

  // As "INCLUDE a=100 b=260", "EXCLUDE@150 a=100 c=0" or "none"; times in seconds, rounded up.
  std::string state(const tables::Address6& about = group(), std::size_t port_index = 0) {
    std::optional<std::uint32_t> group_left_ms;
    std::vector<std::string> sources;
    membership().for_each_entry(about, now_ms_, [&](const dataplane::GroupEntry& entry) {
      if (entry.port_index != port_index) return;
      if (entry.source == dataplane::kNoAddress) {
        group_left_ms = entry.left_ms;
        return;
      }
      EXPECT_EQ(entry.is_blocked, entry.left_ms == 0);
      sources.push_back(std::string{static_cast<char>('a' + entry.source[15] - 1), '='} +
                        seconds(entry.left_ms));
    });
    if (!group_left_ms && sources.empty()) return "none";
    std::ranges::sort(sources);
    std::string text = group_left_ms ? "EXCLUDE@" + seconds(*group_left_ms) : "INCLUDE";
    for (const std::string& one : sources) text += " " + one;
    return text;
  }

  // What has been sent since, as "general", "G", "G:ab"; with "+S" when it suppresses timers.
  std::string asked() {
    std::string text;
    for (const auto& [port_index, frame] : link_.sent) {
      dataplane::PacketView view;
      EXPECT_EQ(dataplane::name(dataplane::parse(frame, view)), "ok");
      dataplane::GroupMessage message;
      EXPECT_EQ(dataplane::name(dataplane::read_group_message(frame, view, message)), "none");
      std::string one = message.query.group == dataplane::kNoAddress ? "general" : "G";
      std::string letters;
      for (std::size_t at = 0; at < message.query.sources.count(); ++at)
        letters += static_cast<char>('a' + message.query.sources[at][15] - 1);
      std::ranges::sort(letters);
      if (!letters.empty()) one += ":" + letters;
      if (message.query.suppresses_timers) one += "+S";
      text += (text.empty() ? "" : " ") + one;
    }
    link_.sent.clear();
    return text;
  }

  std::string changes() { return std::exchange(changes_.said, {}); }

  std::uint64_t count(dataplane::GroupCounter counter) const { return counters_.get(counter); }

  // Made when first used, so that a test can set options before.
  dataplane::GroupMembership& membership() {
    if (!membership_)
      membership_.emplace(options_, ports_, link_, changes_, counters_, tables::HashSeed{7});
    return *membership_;
  }

  dataplane::GroupOptions options_{.groups_max = 64,
                                   .groups_per_port_max = 48,
                                   .sources_max = 100,
                                   .sources_per_group_max = 8,
                                   .records = {100, 100}};
  std::vector<dataplane::GroupPort> ports_;
  GroupLinkFake link_;
  ChangesFake changes_;
  dataplane::GroupCounters counters_;
  std::optional<dataplane::GroupMembership> membership_;
  std::uint64_t now_ms_ = 1;

 private:
  static void append_raw(Bytes& to, const tables::Address6& address) {
    const auto bytes = std::as_bytes(std::span(address));
    append(to, dataplane::family_of(address) == GroupFamily::kIp4 ? bytes.subspan(12) : bytes);
  }

  static std::string seconds(std::uint32_t left_ms) {
    return std::to_string((left_ms + 999) / 1000);
  }
};

}  // namespace twinplane::tests
