// SPDX-License-Identifier: BSD-3-Clause
// group_message.hpp - what an IGMP or MLD message says, in one form for both families and all
// versions.
//
// Thread:  any; pure.
// Memory:  values that read the frame: good as long as it is.
// Limits:  a frame's records are walked once to be checked, and once more by whoever wants them; a
//          record is at least 8 bytes. Auxiliary data and records of unknown types are passed over.
// Errors:  GroupFault; the first in the order of the enum. Whether a sender belongs to the link is
//          for the caller to judge.
// Spec:    RFC 1112 appendix I, RFC 2236 sections 2 and 2.5, RFC 3376 sections 4 and 7.1 (IGMP 1, 2
//          and 3); RFC 2710 section 3, RFC 3810 sections 5, 6.2 and 8.1 (MLD 1 and 2); RFC 2113 and
//          RFC 2711 (router alert).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/group_address.hpp"
#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

// In the order in which they are looked for.
enum class GroupFault : std::uint8_t {
  kNone,
  kNotGroup,  // neither IGMP nor MLD
  kFragment,
  kBadLength,    // shorter than its type, or a query whose length is no version's
  kUnknownType,  // of IGMP: other protocols use it too (DVMRP, PIM version 1, traces)
  kBadChecksum,
  kBadHopLimit,    // not 1: it may have come through a router
  kNoRouterAlert,  // IGMP 3 and MLD; IGMP 1 and 2 have been sent without
  // neither unicast nor, where that is allowed, unspecified; in IPv6 not link-local
  kBadSource,
  kBadTarget,  // a group that this kind of message does not go to
  kBadGroup,   // that a query or a report of one group is about, and that is no group
  kSourcesCut,
  kRecordsCut,
  kCount,
};

inline constexpr std::size_t kGroupFaultCount = static_cast<std::size_t>(GroupFault::kCount);

inline constexpr auto kGroupFaultNames = std::to_array<std::string_view>({
    "none",
    "not_group",
    "fragment",
    "bad_length",
    "unknown_type",
    "bad_checksum",
    "bad_hop_limit",
    "no_router_alert",
    "bad_source",
    "bad_target",
    "bad_group",
    "sources_cut",
    "records_cut",
});
static_assert(kGroupFaultNames.size() == kGroupFaultCount);
static_assert(std::ranges::none_of(kGroupFaultNames, &std::string_view::empty));

constexpr std::string_view name(GroupFault fault) noexcept {
  const auto index = static_cast<std::size_t>(fault);
  return index < kGroupFaultCount ? kGroupFaultNames[index] : "unknown";
}

// Named by IGMP: MLD's versions 1 and 2 say what IGMP's 2 and 3 do.
enum class GroupVersion : std::uint8_t { k1 = 1, k2 = 2, k3 = 3 };

// The sources that a query or a record names, as they stand in the frame.
class GroupSources {
 public:
  GroupSources() noexcept = default;

  // `bytes` hold whole addresses.
  GroupSources(std::span<const std::byte> bytes, GroupFamily family) noexcept
      : bytes_(bytes), family_(family) {}

  std::size_t count() const noexcept { return bytes_.size() / address_bytes(family_); }

  // `index` is in [0, count()).
  tables::Address6 operator[](std::size_t index) const noexcept;

  static constexpr std::size_t address_bytes(GroupFamily family) noexcept {
    return family == GroupFamily::kIp4 ? 4 : 16;
  }

 private:
  std::span<const std::byte> bytes_;
  GroupFamily family_{GroupFamily::kIp4};
};

enum class GroupRecordType : std::uint8_t {
  kIsInclude = 1,
  kIsExclude = 2,
  kToInclude = 3,
  kToExclude = 4,
  kAllow = 5,
  kBlock = 6,
};

struct GroupRecord {
  GroupRecordType type{GroupRecordType::kIsInclude};
  tables::Address6 group{};
  GroupSources sources{};
};

// A report's records from first to last. Copies walk on their own.
class GroupRecords {
 public:
  GroupRecords() noexcept = default;

  // The one record that a report or a leave of an earlier version stands for (RFC 3376 section
  // 7.3.2).
  explicit GroupRecords(const GroupRecord& only) noexcept : only_(only), has_only_(true) {}

  GroupRecords(std::span<const std::byte> bytes, std::size_t count, GroupFamily family) noexcept
      : rest_(bytes), left_(count), family_(family) {}

  // False: there are no more, or what is left is cut (see is_cut()). Passes over records of unknown
  // types and of what is no group.
  [[nodiscard]] bool try_next(GroupRecord& out) noexcept;

  bool is_cut() const noexcept { return is_cut_; }

 private:
  std::span<const std::byte> rest_;
  std::size_t left_ = 0;
  GroupRecord only_{};
  GroupFamily family_{GroupFamily::kIp4};
  bool has_only_ = false;
  bool is_cut_ = false;
};

struct GroupQuery {
  tables::Address6 group{};  // kNoAddress: a general query
  GroupSources sources{};    // none: about the group as a whole
  std::uint32_t max_response_ms{};
  std::uint16_t interval_s{};  // the querier's; 0 in versions that do not tell it
  std::uint8_t robustness{};   // the querier's; 0: not told
  bool suppresses_timers{};    // the S flag: routers leave their timers as they are
};

struct GroupMessage {
  GroupFamily family{GroupFamily::kIp4};
  GroupVersion version{GroupVersion::k3};
  bool is_query{};
  tables::Address6 sender{};  // may be kUnspecified4, and in reports kNoAddress (IPv6 ::)
  GroupQuery query{};         // of a query
  GroupRecords records{};     // of a report
  bool is_leave{};            // IGMP 2's leave or MLD 1's done; `records` say the same

  bool is_unspecified_sender() const noexcept { return sender == unspecified(family); }
};

// `view` is that of `frame`; parse() has said kOk, or kIp4BadSource: who has no address yet reports
// from 0.0.0.0 (RFC 3376 section 4.2.13), which nothing else may.
[[nodiscard]] GroupFault read_group_message(std::span<const std::byte> frame,
                                            const PacketView& view, GroupMessage& out) noexcept;

}  // namespace twinplane::dataplane
