// SPDX-License-Identifier: BSD-3-Clause
// packet_checks.hpp - what every frame must satisfy after somebody has changed or built it.
//
// Thread:  any.
// Memory:  allocates freely.
// Limits:  checks checksums the slow way, see packet_builder.hpp.
// Errors:  GoogleTest failures.
// Spec:    RFC 1071; RFC 768 and RFC 6936 (a UDP checksum of 0).
#pragma once

#include <gtest/gtest.h>

#include "dataplane/ip_numbers.hpp"
#include "dataplane/packet_view.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::tests {

// Every checksum of a whole packet that `view` describes is right.
inline void expect_right_checksums(std::span<const std::byte> frame,
                                   const dataplane::PacketView& view) {
  const bool is_four = view.kind == dataplane::PacketKind::kIp4;
  if (is_four) {
    EXPECT_EQ(slow_checksum(frame.subspan(view.l3_offset, view.l3_header_bytes())), 0U);
  }
  const int at = checksum_offset(view.protocol);
  if (at < 0 || view.fragment.part != dataplane::FragmentPart::kWhole) return;
  const auto segment = frame.subspan(view.l4_offset, view.l4_bytes);
  if (view.protocol == dataplane::kProtocolUdp && get16(segment, 6) == 0) return;
  unsigned left_over = 0;
  if (view.protocol == dataplane::kProtocolIcmp)
    left_over = slow_checksum(segment);
  else if (is_four)
    left_over =
        slow_l4_checksum(view.source4.address, view.target4.address, view.protocol, segment);
  else
    left_over =
        slow_l4_checksum(view.source6.address, view.target6.address, view.protocol, segment);
  EXPECT_EQ(left_over, 0U);
}

}  // namespace twinplane::tests
