// SPDX-License-Identifier: BSD-3-Clause
// group_numbers.hpp - the assigned numbers and sizes of IGMP and MLD.
//
// Thread:  any; constants.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    IANA registries: IGMP types, ICMPv6 types; RFC 3376 section 4, RFC 3810 section 5, RFC
//          2113, RFC 2711.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace twinplane::dataplane {

inline constexpr std::uint8_t kProtocolIgmp = 2;

inline constexpr std::uint8_t kIgmpQuery = 0x11;
inline constexpr std::uint8_t kIgmpReport1 = 0x12;
inline constexpr std::uint8_t kIgmpReport2 = 0x16;
inline constexpr std::uint8_t kIgmpLeave = 0x17;
inline constexpr std::uint8_t kIgmpReport3 = 0x22;

inline constexpr std::uint8_t kMldQuery = 130;
inline constexpr std::uint8_t kMldReport1 = 131;
inline constexpr std::uint8_t kMldDone = 132;
inline constexpr std::uint8_t kMldReport2 = 143;

inline constexpr std::size_t kIgmpBytes = 8;            // of versions 1 and 2
inline constexpr std::size_t kMldBytes = 24;            // of version 1
inline constexpr std::size_t kGroupQueryTailBytes = 4;  // what the latest queries have behind that
inline constexpr std::size_t kGroupReportBytes = 8;     // before the first record
inline constexpr std::size_t kGroupRecordBytes = 4;     // before the record's group

inline constexpr std::array kRouterAlert4{std::byte{0x94}, std::byte{4}, std::byte{0},
                                          std::byte{0}};
// Value 0: an MLD message.
inline constexpr std::array kRouterAlert6{std::byte{5}, std::byte{2}, std::byte{0}, std::byte{0}};

}  // namespace twinplane::dataplane
