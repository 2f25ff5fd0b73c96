// SPDX-License-Identifier: BSD-3-Clause
// link_local.hpp - addresses that mean something on their own link alone.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  none.
// Errors:  none.
// Spec:    RFC 3927 section 7; RFC 4291 section 2.5.6.
#pragma once

#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

constexpr bool is_link_local(const tables::Address4& address) noexcept {
  return address[0] == 169 && address[1] == 254;
}

constexpr bool is_link_local(const tables::Address6& address) noexcept {
  return address[0] == 0xFE && (address[1] & 0xC0U) == 0x80U;
}

}  // namespace twinplane::dataplane
