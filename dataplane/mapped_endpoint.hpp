// SPDX-License-Identifier: BSD-3-Clause
// mapped_endpoint.hpp - addresses of both families in one form, and back.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  none.
// Errors:  unmapped() to the wrong family gives an address that nobody has.
// Spec:    RFC 4291 section 2.5.5.2.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

inline tables::Address6 mapped(const tables::Address4& address) noexcept {
  return tables::mapped_address(address);
}

inline const tables::Address6& mapped(const tables::Address6& address) noexcept { return address; }

template <class Address>
Address unmapped(const tables::Address6& address) noexcept {
  if constexpr (std::is_same_v<Address, tables::Address6>) {
    return address;
  } else {
    Address four;
    std::copy(address.begin() + 12, address.end(), four.begin());
    return four;
  }
}

}  // namespace twinplane::dataplane
