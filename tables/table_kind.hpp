// SPDX-License-Identifier: BSD-3-Clause
// table_kind.hpp - the kinds of table, as they are numbered on the wire and in table files, and
// their names.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  16 kinds: a record's kind is one byte, table kind and operation.
// Errors:  none.
// Spec:    ha2/PROTOCOL.md section 4. Numbers are never used again for another kind.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

namespace twinplane::tables {

enum class TableKind : std::uint8_t {
  kSession4 = 0,
  kSession6 = 1,
  kArp = 2,
  kNd = 3,
  kMac = 4,
  kMulticast4 = 5,
  kMulticast6 = 6,
  kVirtualMac = 7,
  kSecurityAssociation = 8,
  kDosBlock = 9,
  kSctp = 10,
  kSequenceShift = 11,
  kIpsecSequence = 12,
  kExpectation = 13,
  kReturnMac = 14,
};
inline constexpr std::size_t kTableKindCount = 15;
static_assert(kTableKindCount <= 16);

// As they are shown, and as a configuration names them.
inline constexpr std::array<std::string_view, kTableKindCount> kTableKindNames{
    "session4",       "session6",    "arp",        "nd",        "mac",  "multicast4",
    "multicast6",     "virtual_mac", "ipsec_sa",   "dos_block", "sctp", "sequence_shift",
    "ipsec_sequence", "expectation", "return_mac",
};

constexpr std::size_t index_of(TableKind kind) noexcept { return static_cast<std::size_t>(kind); }

constexpr std::string_view name_of(TableKind kind) noexcept {
  return kTableKindNames[index_of(kind)];
}

// A kind that is known when a template is compiled.
template <TableKind kKind>
using KindConstant = std::integral_constant<TableKind, kKind>;

// A set of kinds.
class KindSet {
 public:
  constexpr KindSet() noexcept = default;

  constexpr KindSet(std::initializer_list<TableKind> kinds) noexcept {
    for (const TableKind kind : kinds) add(kind);
  }

  static constexpr KindSet all() noexcept { return of_bits((1U << kTableKindCount) - 1); }

  // Bits of kinds that this version does not know are left out.
  static constexpr KindSet of_bits(std::uint32_t bits) noexcept {
    KindSet set;
    set.bits_ = static_cast<std::uint16_t>(bits & ((1U << kTableKindCount) - 1));
    return set;
  }

  constexpr void add(TableKind kind) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ | 1U << index_of(kind));
  }

  constexpr void remove(TableKind kind) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ & ~(1U << index_of(kind)));
  }

  constexpr bool has(TableKind kind) const noexcept { return (bits_ >> index_of(kind) & 1U) != 0; }

  constexpr std::uint16_t bits() const noexcept { return bits_; }

  constexpr int count() const noexcept { return std::popcount(bits_); }

  friend constexpr KindSet operator&(KindSet left, KindSet right) noexcept {
    return of_bits(static_cast<unsigned>(left.bits_) & right.bits_);
  }

  friend constexpr bool operator==(KindSet, KindSet) noexcept = default;

 private:
  std::uint16_t bits_ = 0;  // bit i: the kind of number i
};

// Calls visit(KindConstant<kind>) and returns what it returns. Requires a kind of the list above.
template <class Visit>
constexpr decltype(auto) with_kind(TableKind kind, Visit&& visit) {
  switch (kind) {
    case TableKind::kSession4:
      break;
    case TableKind::kSession6:
      return visit(KindConstant<TableKind::kSession6>{});
    case TableKind::kArp:
      return visit(KindConstant<TableKind::kArp>{});
    case TableKind::kNd:
      return visit(KindConstant<TableKind::kNd>{});
    case TableKind::kMac:
      return visit(KindConstant<TableKind::kMac>{});
    case TableKind::kMulticast4:
      return visit(KindConstant<TableKind::kMulticast4>{});
    case TableKind::kMulticast6:
      return visit(KindConstant<TableKind::kMulticast6>{});
    case TableKind::kVirtualMac:
      return visit(KindConstant<TableKind::kVirtualMac>{});
    case TableKind::kSecurityAssociation:
      return visit(KindConstant<TableKind::kSecurityAssociation>{});
    case TableKind::kDosBlock:
      return visit(KindConstant<TableKind::kDosBlock>{});
    case TableKind::kSctp:
      return visit(KindConstant<TableKind::kSctp>{});
    case TableKind::kSequenceShift:
      return visit(KindConstant<TableKind::kSequenceShift>{});
    case TableKind::kIpsecSequence:
      return visit(KindConstant<TableKind::kIpsecSequence>{});
    case TableKind::kExpectation:
      return visit(KindConstant<TableKind::kExpectation>{});
    case TableKind::kReturnMac:
      return visit(KindConstant<TableKind::kReturnMac>{});
  }
  return visit(KindConstant<TableKind::kSession4>{});
}

// visit(KindConstant<kind>) for each kind, in the order of their numbers.
template <class Visit>
constexpr void for_each_kind(Visit&& visit) {
  for (std::size_t i = 0; i < kTableKindCount; ++i) with_kind(static_cast<TableKind>(i), visit);
}

constexpr bool is_session(TableKind kind) noexcept {
  return kind == TableKind::kSession4 || kind == TableKind::kSession6;
}

}  // namespace twinplane::tables
