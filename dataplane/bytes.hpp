// SPDX-License-Identifier: BSD-3-Clause
// bytes.hpp - reads and writes numbers at any byte of a packet.
//
// Thread:  any; pure.
// Memory:  the caller's bytes; no alignment is asked for.
// Limits:  the caller has checked that the number lies within its span.
// Errors:  none.
// Spec:    network byte order is big endian. What is called `raw` keeps the packet's order
//          (tables::Endpoint::port_be).
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace twinplane::dataplane {

template <std::unsigned_integral T>
constexpr T network_order(T value) noexcept {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <class T>
inline T load_raw(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
inline void store_raw(std::byte* at, const T& value) noexcept {
  std::memcpy(at, &value, sizeof value);
}

template <std::unsigned_integral T>
inline T load_be(const std::byte* at) noexcept {
  return network_order(load_raw<T>(at));
}

template <std::unsigned_integral T>
inline void store_be(std::byte* at, T value) noexcept {
  store_raw(at, network_order(value));
}

inline std::uint8_t load_u8(const std::byte* at) noexcept {
  return std::to_integer<std::uint8_t>(*at);
}

}  // namespace twinplane::dataplane
