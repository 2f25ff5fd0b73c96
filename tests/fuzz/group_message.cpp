// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what hosts say about groups: IGMP and MLD frames, and the membership that they make.
//
// The first byte chooses the family, what is made right in each message (length, checksums), and
// whether the box is active. Then come messages: a port, a time that passes, a number of bytes, the
// bytes behind the IP header. Held against it: what is read lies in the frame and is as long as it
// says; limits hold; a group is there for somebody; what was given back to a second membership
// forwards the same; the box's own queries can be read; after a membership interval without a word
// nothing is left.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/group_frames.hpp"
#include "dataplane/group_membership.hpp"
#include "dataplane/parse.hpp"
#include "tests/fuzz/kit/input.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/support/packet_builder.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::dataplane;
using fuzz::require;
using tests::Bytes;
using tests::operator+;

// Of the first byte.
constexpr std::uint8_t kIsIp6 = 0x01;
constexpr std::uint8_t kRightChecksum = 0x02;
constexpr std::uint8_t kIsActive = 0x04;
constexpr std::uint8_t kSnoops = 0x08;
constexpr std::uint8_t kIsRaw = 0x10;  // the bytes are the whole frame

constexpr GroupOptions kOptions{.groups_max = 40,
                                .groups_per_port_max = 24,
                                .sources_max = 60,
                                .sources_per_group_max = 8,
                                .records = {1'000'000, 100'000}};
constexpr std::uint64_t kLongestMembershipMs = 8 * GroupQuerier::kIntervalMaxMs;

void require_readable(std::span<const std::byte> frame) {
  PacketView view;
  require(parse(frame, view) == ParseResult::kOk, "a query of our own does not parse");
  GroupMessage message;
  require(read_group_message(frame, view, message) == GroupFault::kNone && message.is_query,
          "a query of our own cannot be read");
}

struct Frames : FrameSink {
  std::span<std::byte> try_frame(std::size_t) noexcept override { return buffer; }

  void send(std::size_t, std::size_t bytes) noexcept override {
    require(is_active, "a passive box has sent something");
    require_readable(std::span(buffer).first(bytes));
  }

  bool is_active = false;
  std::array<std::byte, kGroupFrameBytesMax> buffer{};
};

struct Changes : GroupChangeSink {
  void on_membership_changed(const tables::Address6& group,
                             const tables::Address6*) noexcept override {
    require(is_group(group, family_of(group)), "what has changed is no group");
  }
};

struct Box {
  explicit Box(std::uint8_t flags)
      : membership(kOptions, ports(flags), frames, changes, counters, {7}) {}

  static std::array<GroupPort, 2> ports(std::uint8_t flags) {
    const GroupPort port{
        .role = (flags & kSnoops) != 0 ? GroupPortRole::kSnoop : GroupPortRole::kRouter,
        .own4 = mapped({10, 1, 0, 100}),
        .own6 = {0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}};
    return {port, port};
  }

  template <class Visit>
  void for_each_entry(std::uint64_t now_ms, Visit visit) const {
    for (std::uint32_t slot = 0; slot < membership.slot_count(); ++slot)
      membership.for_each_entry(slot, now_ms, visit);
  }

  Frames frames;
  Changes changes;
  GroupCounters counters;
  GroupMembership membership;
};

Bytes frame_of(std::span<const std::byte> message, std::uint8_t flags) {
  Bytes bytes(message.begin(), message.end());
  if ((flags & kIsRaw) != 0) return bytes;
  const bool is_report3 = !bytes.empty() && std::to_integer<int>(bytes[0]) == 0x22;
  if ((flags & kIsIp6) != 0) {
    tests::Ip6 header{.source = {0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7},
                      .target = {0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0},
                      .protocol = 58,
                      .hop_limit = 1,
                      .first_header = 0,
                      .extensions = tests::bytes_of({58, 0, 5, 2, 0, 0, 1, 0})};
    const bool has_checksum = (flags & kRightChecksum) != 0 && bytes.size() >= 4;
    return has_checksum ? tests::frame6(header, bytes)
                        : tests::ethernet(0x86DD) + tests::ip6_raw(header, bytes);
  }
  if ((flags & kRightChecksum) != 0 && bytes.size() >= 4) {
    tests::put16(bytes, 2, 0);
    tests::put16(bytes, 2, tests::slow_checksum(bytes));
  }
  const tables::Address4 target =
      is_report3 ? tables::Address4{224, 0, 0, 22} : tables::Address4{10, 1, 0, 100};
  return tests::frame4({.source = {10, 1, 0, 7},
                        .target = target,
                        .protocol = 2,
                        .ttl = 1,
                        .options = tests::bytes_of({0x94, 4, 0, 0})},
                       bytes);
}

// Every byte that a message speaks of is read here, so that one beyond the frame is seen.
void require_inside(const GroupMessage& message, std::size_t frame_bytes) {
  std::size_t read_bytes = message.query.sources.count() * 4;
  unsigned sum = 0;
  for (std::size_t at = 0; at < message.query.sources.count(); ++at)
    sum += message.query.sources[at][15];
  GroupRecords records = message.records;
  for (GroupRecord record; records.try_next(record);) {
    require(is_group(record.group, message.family), "a record is about what is no group");
    read_bytes += record.sources.count() * 4;
    for (std::size_t at = 0; at < record.sources.count(); ++at) sum += record.sources[at][15];
  }
  require(!records.is_cut(), "a report that was good is cut");
  require(read_bytes <= frame_bytes && sum <= read_bytes * 255, "more sources than bytes");
}

void require_sound(const Box& box, std::uint64_t now_ms) {
  std::size_t sources = 0;
  const GroupMembership& membership = box.membership;
  box.for_each_entry(now_ms, [&](const GroupEntry& entry) {
    require(is_group(entry.group, family_of(entry.group)) && !is_link_scope(entry.group),
            "a group that should not be there");
    require(entry.left_ms <= kLongestMembershipMs, "a timer that never ends");
    if (entry.source == kNoAddress) return;
    ++sources;
    require(is_group_source(entry.source, family_of(entry.group)), "what cannot be a source");
    const tables::PortSet ports = membership.egress_ports(entry.source, entry.group);
    require(((ports >> entry.port_index & 1U) != 0) != entry.is_blocked,
            "a source is not forwarded as its entry says");
  });
  require(membership.group_count() <= kOptions.groups_max && membership.source_count() == sources &&
              sources <= kOptions.sources_max,
          "limits do not hold");
  std::size_t groups = 0;
  for (std::uint32_t slot = 0; slot < membership.slot_count(); ++slot) {
    bool is_there = false;
    membership.for_each_entry(slot, now_ms, [&](const GroupEntry&) { is_there = true; });
    groups += is_there ? 1U : 0U;
  }
  require(groups == membership.group_count(), "a group is there for nobody");
}

void require_restorable(const Box& box, std::uint8_t flags, std::uint64_t now_ms) {
  std::vector<GroupEntry> entries;
  box.for_each_entry(now_ms, [&](const GroupEntry& entry) {
    const bool is_over = entry.left_ms == 0 && !entry.is_blocked;  // and nobody has looked yet
    if (!is_over) entries.push_back(entry);
  });
  // The other way round: entries are good in any order.
  std::ranges::reverse(entries);
  Box other(flags);
  for (const GroupEntry& entry : entries)
    require(other.membership.restore(entry, now_ms) == GroupRestore::kDone,
            "an entry of our own is refused");
  for (const GroupEntry& entry : entries) {
    const auto in_both = [&](const tables::Address6& source) {
      return (box.membership.egress_ports(source, entry.group) >> entry.port_index & 1U) ==
             (other.membership.egress_ports(source, entry.group) >> entry.port_index & 1U);
    };
    require(in_both(entry.source), "put back it forwards otherwise");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const std::uint8_t flags = input.u8();
  Box box(flags);
  std::uint64_t now_ms = 1;
  box.frames.is_active = (flags & kIsActive) != 0;
  box.membership.set_active(box.frames.is_active, now_ms);
  while (!input.is_empty()) {
    const std::uint8_t port_index = input.u8() & 1U;
    const std::uint64_t end_ms = now_ms + std::uint64_t{input.u8()} * 16;
    while (now_ms < end_ms) box.membership.poll(now_ms += 16);
    const Bytes built = frame_of(input.take(input.u8()), flags);
    const auto frame = std::make_unique_for_overwrite<std::byte[]>(built.size());
    std::ranges::copy(built, frame.get());
    const std::span<const std::byte> exact(frame.get(), built.size());
    PacketView view;
    const ParseResult result = parse(exact, view);
    if (result != ParseResult::kOk && result != ParseResult::kIp4BadSource) continue;
    GroupMessage message;
    const GroupFault fault = read_group_message(exact, view, message);
    require(name(fault) != "unknown", "a fault without a name");
    if (fault != GroupFault::kNone) continue;
    require_inside(message, exact.size());
    box.membership.on_message(port_index, message, now_ms);
    require_sound(box, now_ms);
  }
  require_restorable(box, flags, now_ms);
  now_ms += kLongestMembershipMs;
  for (std::size_t turn = 0; turn < 3 * GroupMembership::kScanRoundMs; ++turn)
    box.membership.poll(++now_ms);
  require(box.membership.group_count() == 0, "a group outlives everybody");
  return 0;
}
