// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/group_message.hpp"

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/group_numbers.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/link_local.hpp"

namespace twinplane::dataplane {
namespace {

enum class Kind : std::uint8_t { kUnknown, kQuery, kReport, kLeave, kRecords };

// One row for each type on the wire; a query's version is decided by its length.
struct TypeRow {
  GroupFamily family;
  std::uint8_t type;
  Kind kind;
  GroupVersion version;
};

constexpr std::array<TypeRow, 9> kTypes{{
    {GroupFamily::kIp4, kIgmpQuery, Kind::kQuery, GroupVersion::k3},
    {GroupFamily::kIp4, kIgmpReport1, Kind::kReport, GroupVersion::k1},
    {GroupFamily::kIp4, kIgmpReport2, Kind::kReport, GroupVersion::k2},
    {GroupFamily::kIp4, kIgmpLeave, Kind::kLeave, GroupVersion::k2},
    {GroupFamily::kIp4, kIgmpReport3, Kind::kRecords, GroupVersion::k3},
    {GroupFamily::kIp6, kMldQuery, Kind::kQuery, GroupVersion::k3},
    {GroupFamily::kIp6, kMldReport1, Kind::kReport, GroupVersion::k2},
    {GroupFamily::kIp6, kMldDone, Kind::kLeave, GroupVersion::k2},
    {GroupFamily::kIp6, kMldReport2, Kind::kRecords, GroupVersion::k3},
}};

constexpr TypeRow row_of(GroupFamily family, std::uint8_t type) noexcept {
  for (const TypeRow& row : kTypes) {
    if (row.family == family && row.type == type) return row;
  }
  return {family, type, Kind::kUnknown, GroupVersion::k3};
}

// What the checks look at.
struct Reading {
  std::span<const std::byte> frame;
  const PacketView& view;
  std::span<const std::byte> message;
  TypeRow row{};
  tables::Address6 source{};
  tables::Address6 target{};
};

bool is_fragment(const Reading& reading) noexcept {
  if (reading.view.kind == PacketKind::kIp6)
    return reading.view.fragment.part != FragmentPart::kWhole;
  // From the header: parse() has not come that far when it refused the source.
  constexpr std::uint16_t kMoreAndOffset = 0x3FFF;
  const std::byte* ip = reading.frame.data() + reading.view.l3_offset;
  return (load_be<std::uint16_t>(ip + 6) & kMoreAndOffset) != 0;
}

bool is_right_length(const Reading& reading) noexcept {
  const std::size_t bytes = reading.message.size();
  const std::size_t short_bytes = reading.row.family == GroupFamily::kIp4 ? kIgmpBytes : kMldBytes;
  switch (reading.row.kind) {
    case Kind::kQuery:
      return bytes == short_bytes || bytes >= short_bytes + kGroupQueryTailBytes;
    case Kind::kReport:
    case Kind::kLeave:
      return bytes >= short_bytes;
    case Kind::kUnknown:
    case Kind::kRecords:
      break;
  }
  return bytes >= kGroupReportBytes;
}

bool is_right_checksum(const Reading& reading) noexcept {
  if (reading.row.family == GroupFamily::kIp4) return checksum_be(reading.message) == 0;
  return l4_checksum_be(reading.view.source6.address, reading.view.target6.address, kProtocolIcmp6,
                        reading.message) == 0;
}

// `options` begin with `end_kind`, a lone byte, or a type and a length; IPv4 counts both in the
// length, IPv6 neither.
bool has_router_alert4(std::span<const std::byte> options) noexcept {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNoOperation = 1;
  while (options.size() >= kRouterAlert4.size() && load_u8(options.data()) != kEnd) {
    if (std::equal(kRouterAlert4.begin(), kRouterAlert4.end(), options.begin())) return true;
    const bool is_byte = load_u8(options.data()) == kNoOperation;
    const std::size_t bytes = is_byte ? 1 : load_u8(options.data() + 1);
    if (bytes == 0 || bytes > options.size()) return false;
    options = options.subspan(bytes);
  }
  return false;
}

bool has_router_alert6(std::span<const std::byte> options) noexcept {
  constexpr std::uint8_t kPadding1 = 0;
  while (options.size() >= kRouterAlert6.size()) {
    if (std::equal(kRouterAlert6.begin(), kRouterAlert6.end(), options.begin())) return true;
    const bool is_byte = load_u8(options.data()) == kPadding1;
    const std::size_t bytes = is_byte ? 1 : load_u8(options.data() + 1) + std::size_t{2};
    if (bytes > options.size()) return false;
    options = options.subspan(bytes);
  }
  return false;
}

bool has_router_alert(const Reading& reading) noexcept {
  const auto ip = reading.frame.subspan(reading.view.l3_offset, reading.view.l3_header_bytes());
  if (reading.row.family == GroupFamily::kIp4) return has_router_alert4(ip.subspan(kIp4Bytes));
  constexpr std::size_t kNextHeaderAt = 6;
  if (load_u8(ip.data() + kNextHeaderAt) != kProtocolHopByHop) return false;
  // parse() has checked that the header, 8 bytes at least, lies within the packet.
  const std::size_t bytes = (load_u8(ip.data() + kIp6Bytes + 1) + std::size_t{1}) * 8;
  return has_router_alert6(ip.subspan(kIp6Bytes, bytes).subspan(2));
}

bool is_right_source(const Reading& reading) noexcept {
  if (reading.row.family == GroupFamily::kIp4)
    return reading.source == kUnspecified4 || is_group_source(reading.source, GroupFamily::kIp4);
  // A switch learns from who has no address yet; a router does not (RFC 3590, RFC 3810 5.2.13).
  const bool may_be_unspecified = reading.row.kind != Kind::kQuery;
  return is_link_local(reading.source) || (may_be_unspecified && reading.source == kNoAddress);
}

// `group` is what the message is about, kNoAddress for nothing in particular. A message to one of
// the box's unicast addresses is good (RFC 3376 sections 4.1.12 and 4.2.14).
bool is_right_target(const Reading& reading, const tables::Address6& group) noexcept {
  if (is_group_source(reading.target, reading.row.family)) return true;
  const bool is_four = reading.row.family == GroupFamily::kIp4;
  const bool is_about = reading.target == group;
  switch (reading.row.kind) {
    case Kind::kQuery:
      return is_about || reading.target == (is_four ? kAllHosts4 : kAllNodes);
    case Kind::kLeave:
      return is_about || reading.target == (is_four ? kAllRouters4 : kAllRouters6);
    case Kind::kReport:
      return is_about;
    case Kind::kUnknown:
    case Kind::kRecords:
      break;
  }
  return reading.target == (is_four ? kReports4 : kReports6);
}

GroupVersion version_of(const Reading& reading) noexcept {
  const std::size_t bytes = reading.message.size();
  if (reading.row.kind != Kind::kQuery) return reading.row.version;
  if (reading.row.family == GroupFamily::kIp6)
    return bytes == kMldBytes ? GroupVersion::k2 : GroupVersion::k3;
  if (bytes != kIgmpBytes) return GroupVersion::k3;
  return load_u8(reading.message.data() + 1) == 0 ? GroupVersion::k1 : GroupVersion::k2;
}

tables::Address6 load_group(const std::byte* at, GroupFamily family) noexcept {
  if (family == GroupFamily::kIp4) return mapped(load_raw<tables::Address4>(at));
  return load_raw<tables::Address6>(at);
}

// RFC 3376 sections 4.1.1 and 4.1.7, RFC 3810 sections 5.1.3 and 5.1.9: above half of its range a
// code is a floating-point number, whose mantissa has a one in front that is not sent.
constexpr std::uint32_t decoded(std::uint32_t code, unsigned mantissa_bits) noexcept {
  const std::uint32_t hidden = 1U << mantissa_bits;
  if (code < hidden << 3U) return code;
  const std::uint32_t exponent = (code >> mantissa_bits) & 7U;
  return ((code & (hidden - 1)) | hidden) << (exponent + 3);
}

std::uint32_t max_response_ms_of(const Reading& reading, GroupVersion version) noexcept {
  constexpr std::uint32_t kTenthMs = 100;
  constexpr std::uint32_t kVersion1Ms = 10'000;  // RFC 2236 section 4
  if (reading.row.family == GroupFamily::kIp6) {
    const auto code = load_be<std::uint16_t>(reading.message.data() + 4);
    return version == GroupVersion::k3 ? decoded(code, 12) : code;
  }
  const std::uint32_t code = load_u8(reading.message.data() + 1);
  if (version == GroupVersion::k1) return kVersion1Ms;
  return (version == GroupVersion::k3 ? decoded(code, 4) : code) * kTenthMs;
}

GroupFault read_query(const Reading& reading, GroupMessage& out) noexcept {
  const GroupFamily family = reading.row.family;
  const std::size_t short_bytes = family == GroupFamily::kIp4 ? kIgmpBytes : kMldBytes;
  out.is_query = true;
  out.query.max_response_ms = max_response_ms_of(reading, out.version);
  if (out.version != GroupVersion::k3) return GroupFault::kNone;
  const std::byte* tail = reading.message.data() + short_bytes;
  constexpr std::uint8_t kSuppresses = 0x08;
  constexpr std::uint8_t kRobustnessMask = 0x07;
  out.query.suppresses_timers = (load_u8(tail) & kSuppresses) != 0;
  out.query.robustness = load_u8(tail) & kRobustnessMask;
  out.query.interval_s = static_cast<std::uint16_t>(decoded(load_u8(tail + 1), 4));
  const std::size_t bytes = load_be<std::uint16_t>(tail + 2) * GroupSources::address_bytes(family);
  const auto rest = reading.message.subspan(short_bytes + kGroupQueryTailBytes);
  if (bytes > rest.size()) return GroupFault::kSourcesCut;
  out.query.sources = GroupSources(rest.first(bytes), family);
  return GroupFault::kNone;
}

GroupFault read_records(const Reading& reading, GroupMessage& out) noexcept {
  const std::size_t count = load_be<std::uint16_t>(reading.message.data() + 6);
  out.records = GroupRecords(reading.message.subspan(kGroupReportBytes), count, reading.row.family);
  GroupRecords check = out.records;
  for (GroupRecord record; check.try_next(record);) continue;
  return check.is_cut() ? GroupFault::kRecordsCut : GroupFault::kNone;
}

// What a message of one group, or a query, is about. Version 1's queries say nothing there that
// counts.
tables::Address6 subject_of(const Reading& reading, GroupVersion version) noexcept {
  const bool has_none = reading.row.kind == Kind::kRecords ||
                        (reading.row.kind == Kind::kQuery && version == GroupVersion::k1);
  if (has_none) return kNoAddress;
  const std::size_t at = reading.row.family == GroupFamily::kIp4 ? 4 : 8;
  const auto group = load_group(reading.message.data() + at, reading.row.family);
  return group == unspecified(reading.row.family) ? kNoAddress : group;
}

GroupFault read_checked(const Reading& reading, GroupMessage& out) noexcept {
  if (is_fragment(reading)) return GroupFault::kFragment;
  if (!is_right_length(reading)) return GroupFault::kBadLength;
  if (reading.row.kind == Kind::kUnknown) return GroupFault::kUnknownType;
  if (!is_right_checksum(reading)) return GroupFault::kBadChecksum;
  if (reading.view.ttl != 1) return GroupFault::kBadHopLimit;
  out.version = version_of(reading);
  const bool needs_alert =
      reading.row.family == GroupFamily::kIp6 || out.version == GroupVersion::k3;
  if (needs_alert && !has_router_alert(reading)) return GroupFault::kNoRouterAlert;
  if (!is_right_source(reading)) return GroupFault::kBadSource;
  const tables::Address6 subject = subject_of(reading, out.version);
  if (!is_right_target(reading, subject)) return GroupFault::kBadTarget;
  const bool is_general = reading.row.kind == Kind::kQuery && subject == kNoAddress;
  if (reading.row.kind != Kind::kRecords && !is_general && !is_group(subject, reading.row.family))
    return GroupFault::kBadGroup;
  if (reading.row.kind == Kind::kRecords) return read_records(reading, out);
  if (reading.row.kind == Kind::kQuery) {
    out.query.group = subject;
    return read_query(reading, out);
  }
  out.is_leave = reading.row.kind == Kind::kLeave;
  out.records = GroupRecords(
      {out.is_leave ? GroupRecordType::kToInclude : GroupRecordType::kIsExclude, subject, {}});
  return GroupFault::kNone;
}

}  // namespace

tables::Address6 GroupSources::operator[](std::size_t index) const noexcept {
  return load_group(bytes_.data() + index * address_bytes(family_), family_);
}

bool GroupRecords::try_next(GroupRecord& out) noexcept {
  if (has_only_) {
    has_only_ = false;
    out = only_;
    return true;
  }
  const std::size_t address_bytes = GroupSources::address_bytes(family_);
  const std::size_t fixed_bytes = kGroupRecordBytes + address_bytes;
  while (left_ > 0) {
    is_cut_ = true;
    if (rest_.size() < fixed_bytes) return false;
    const std::uint8_t type = load_u8(rest_.data());
    const std::size_t auxiliary_bytes = load_u8(rest_.data() + 1) * std::size_t{4};
    const std::size_t source_bytes = load_be<std::uint16_t>(rest_.data() + 2) * address_bytes;
    if (rest_.size() - fixed_bytes < source_bytes + auxiliary_bytes) return false;
    is_cut_ = false;
    const auto group = load_group(rest_.data() + kGroupRecordBytes, family_);
    const auto sources = rest_.subspan(fixed_bytes, source_bytes);
    rest_ = rest_.subspan(fixed_bytes + source_bytes + auxiliary_bytes);
    --left_;
    const bool is_known = type >= static_cast<std::uint8_t>(GroupRecordType::kIsInclude) &&
                          type <= static_cast<std::uint8_t>(GroupRecordType::kBlock);
    if (!is_known || !is_group(group, family_)) continue;
    out = {static_cast<GroupRecordType>(type), group, GroupSources(sources, family_)};
    return true;
  }
  return false;
}

GroupFault read_group_message(std::span<const std::byte> frame, const PacketView& view,
                              GroupMessage& out) noexcept {
  out = GroupMessage{};
  const bool is_igmp = view.kind == PacketKind::kIp4 && view.protocol == kProtocolIgmp;
  const bool is_icmp6 = view.kind == PacketKind::kIp6 && view.protocol == kProtocolIcmp6;
  if (!is_igmp && !is_icmp6) return GroupFault::kNotGroup;
  out.family = is_igmp ? GroupFamily::kIp4 : GroupFamily::kIp6;
  const auto message = frame.subspan(view.l4_offset, view.l4_bytes);
  if (message.empty()) return is_igmp ? GroupFault::kBadLength : GroupFault::kNotGroup;
  const TypeRow row = row_of(out.family, load_u8(message.data()));
  if (is_icmp6 && row.kind == Kind::kUnknown) return GroupFault::kNotGroup;
  const Reading reading{
      .frame = frame,
      .view = view,
      .message = message,
      .row = row,
      .source = is_igmp ? mapped(view.source4.address) : view.source6.address,
      .target = is_igmp ? mapped(view.target4.address) : view.target6.address,
  };
  out.sender = reading.source;
  return read_checked(reading, out);
}

}  // namespace twinplane::dataplane
