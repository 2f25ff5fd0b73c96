// SPDX-License-Identifier: BSD-3-Clause
// neighbor_key.hpp - who is meant on which link: a port and an IPv4 or IPv6 address in one flat
// key.
//
// Thread:  any; values.
// Memory:  17 bytes without padding: hashed as bytes.
// Limits:  an IPv4 address stands as ::ffff:a.b.c.d, which no IPv6 packet carries (parse() refuses
//          it).
// Errors:  none.
// Spec:    RFC 4291 section 2.5.5.2.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/config_address.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

struct NeighborKey {
  tables::Address6 address{};
  std::uint8_t port_index{};

  static NeighborKey of(std::size_t port_index, const tables::Address6& address) noexcept {
    return {address, static_cast<std::uint8_t>(port_index)};
  }

  static NeighborKey of(std::size_t port_index, const tables::Address4& address) noexcept {
    NeighborKey key{kMapped, static_cast<std::uint8_t>(port_index)};
    std::copy(address.begin(), address.end(), key.address.begin() + 12);
    return key;
  }

  static NeighborKey of(std::size_t port_index, const IpAddress& address) noexcept {
    return address.is4() ? of(port_index, address.v4()) : of(port_index, address.v6());
  }

  bool is4() const noexcept {
    return std::equal(kMapped.begin(), kMapped.begin() + 12, address.begin());
  }

  IpAddress ip() const noexcept {
    if (!is4()) return IpAddress::of(address);
    return IpAddress::of(tables::Address4{address[12], address[13], address[14], address[15]});
  }

  friend bool operator==(const NeighborKey&, const NeighborKey&) = default;

 private:
  static constexpr tables::Address6 kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
};

static_assert(sizeof(NeighborKey) == 17 && std::has_unique_object_representations_v<NeighborKey>);

}  // namespace twinplane::dataplane
