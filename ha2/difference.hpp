// SPDX-License-Identifier: BSD-3-Clause
// difference.hpp - what a verification found: where the two boxes differed, and in which fields.
//
// Thread:  the core that owns the partition.
// Memory:  a log of 64 findings a partition, until somebody takes them.
// Limits:  a full log refuses and counts.
// Errors:  none.
// Spec:    PROTOCOL.md section 7.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ha2/plain_codec.hpp"
#include "ha2/range_checks.hpp"
#include "ha2/session_codec.hpp"

namespace twinplane::ha2 {

// The fields of a session's image, a bit each, in this order.
inline constexpr std::array<std::string_view, 14> kImageFieldNames{
    "presence",      "client_side", "server_side",  "flags",      "generation",
    "rule",          "application", "protocol",     "vsys",       "tcp_ranks",
    "timeout_class", "qos_class",   "ingress_role", "egress_role"};

// The name of a bit of Difference::fields; empty when the kind has no such field.
inline std::string_view image_field_name(tables::TableKind kind, unsigned bit) noexcept {
  return tables::with_kind(kind, [bit](auto of) -> std::string_view {
    if constexpr (tables::is_session(of())) {
      return bit < kImageFieldNames.size() ? kImageFieldNames[bit] : std::string_view{};
    } else {
      constexpr auto kFields = tables::BodyOf<of()>::fields();
      if (bit == 0) return kImageFieldNames[0];
      if (bit <= kFields.size()) return kFields[bit - 1].name;
      if (bit == kFields.size() + 1) return "generation";
      return bit == kFields.size() + 2 ? std::string_view("reserved") : std::string_view{};
    }
  });
}

inline constexpr std::size_t kImageBytesMax = [] {
  std::size_t bytes = sizeof(SessionImage<tables::Address6>);
  tables::for_each_kind([&bytes](auto kind) {
    if constexpr (!tables::is_session(kind()))
      bytes = std::max(bytes, sizeof(PlainImage<tables::BodyOf<kind()>>));
  });
  return bytes;
}();

template <class Address>
inline std::uint16_t fields_that_differ(const SessionImage<Address>& left,
                                        const SessionImage<Address>& right) noexcept {
  // What an emptied slot lacks besides is no news.
  if (((left.flags ^ right.flags) & tables::kLive) != 0) return 1;
  const auto is_unlike = [](const auto& a, const auto& b) {
    return std::memcmp(&a, &b, sizeof a) != 0;
  };
  const std::array<bool, kImageFieldNames.size()> is_different{
      false,
      is_unlike(left.client_side, right.client_side),
      is_unlike(left.server_side, right.server_side),
      left.flags != right.flags,
      left.generation != right.generation,
      left.rule != right.rule,
      left.application != right.application,
      left.protocol != right.protocol,
      left.vsys != right.vsys,
      left.tcp_ranks != right.tcp_ranks,
      left.timeout_class != right.timeout_class,
      left.qos_class != right.qos_class,
      left.ingress_role != right.ingress_role,
      left.egress_role != right.egress_role};
  unsigned fields = 0;
  for (std::size_t i = 0; i < is_different.size(); ++i) fields |= is_different[i] ? 1U << i : 0U;
  return static_cast<std::uint16_t>(fields);
}

struct Difference {
  std::uint64_t at_ns = 0;
  std::uint16_t partition = 0;
  CheckRange range{};
  CheckRound round = CheckRound::kNone;
  bool is_at_mirror = false;     // found there, when the slot was stated again
  std::uint16_t fields = 0;      // mirror: see image_field_name(); 0 at the owner: not known
  std::uint16_t generation = 0;  // mirror: of what the slot holds now
};

class DifferenceLog {
 public:
  void add(const Difference& difference) noexcept {
    if (count_ == places_.size()) {
      ++refused_count_;
      return;
    }
    places_[(first_ + count_++) % places_.size()] = difference;
  }

  // The oldest one, taken out; false when there is none.
  bool try_take(Difference& difference) noexcept {
    if (count_ == 0) return false;
    difference = places_[first_];
    first_ = (first_ + 1) % places_.size();
    --count_;
    return true;
  }

  std::uint64_t refused_count() const noexcept { return refused_count_; }

 private:
  std::array<Difference, 64> places_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t refused_count_ = 0;
};

}  // namespace twinplane::ha2
