// SPDX-License-Identifier: BSD-3-Clause
// mac_table.hpp - behind which port of a bridge domain an address is, as every worker asks it.
//
// Thread:  try_lookup() and try_row() on any thread; everything else on the home worker.
// Memory:  128 bytes an address of capacity, taken by the constructor.
// Limits:  capacity 16..32768.
// Errors:  insert() answers kNoPlace where there is no room. try_lookup() may miss an address that
//          is being written at that very moment; the frame is then flooded.
// Spec:    probed_table.hpp. A place stands for its address until erase().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/probed_table.hpp"
#include "tables/base/hash.hpp"
#include "tables/mac.hpp"

namespace twinplane::dataplane {

using MacKey = tables::MacBody::Key;

constexpr MacKey mac_key(const tables::MacBytes& mac, std::uint16_t vlan,
                         std::uint8_t domain) noexcept {
  return {mac, vlan, domain, 0};
}

struct MacRow {
  MacKey key{};
  std::uint16_t move_count{};
  std::uint8_t port{};
  std::uint8_t flags{};  // tables::MacFlag

  bool is_static() const noexcept { return (flags & tables::kIsStatic) != 0; }

  bool is_held() const noexcept { return (flags & tables::kIsHeld) != 0; }
};

struct MacFound {
  std::uint32_t place;
  std::uint8_t port;
  std::uint8_t flags;

  bool is_static() const noexcept { return (flags & tables::kIsStatic) != 0; }

  bool is_held() const noexcept { return (flags & tables::kIsHeld) != 0; }
};

class MacTable {
 public:
  static constexpr std::uint32_t kNoPlace = 0xFFFFFFFFU;

  MacTable(std::uint32_t capacity, tables::HashSeed seed);

  [[nodiscard]] bool try_lookup(const MacKey& key, MacFound& found) const noexcept;

  // What stands in a place. False: nothing.
  [[nodiscard]] bool try_row(std::uint32_t place, MacRow& row) const noexcept;

  std::uint32_t find(const MacKey& key) const noexcept;
  // The key must not be in the table.
  [[nodiscard]] std::uint32_t insert(const MacRow& row) noexcept;
  // The key stays.
  void update(std::uint32_t place, const MacRow& row) noexcept;

  void erase(std::uint32_t place) noexcept { table_.erase(place); }

  std::uint32_t place_count() const noexcept { return table_.slot_count(); }

  std::uint32_t live_count() const noexcept { return table_.live_count(); }

 private:
  // MAC in the low 48 bits, then VLAN; whether it is live, flags, port, domain, moves.
  struct Format {
    static constexpr std::size_t kWords = 2;
    using Words = std::array<std::uint64_t, kWords>;

    static constexpr unsigned kDomainShift = 24;
    static constexpr std::uint64_t kLive = 2;
    static constexpr Words kFree{};
    static constexpr Words kRemoved{0, 1};

    static Words words_of(const MacRow& row) noexcept;
    static MacRow row_of(const Words& words) noexcept;

    static constexpr bool is_free(const Words& words) noexcept { return words[1] == 0; }

    static constexpr bool is_live(const Words& words) noexcept {
      return (words[1] & 0xFFU) == kLive;
    }

    static constexpr bool is_same_key(const Words& left, const Words& right) noexcept {
      constexpr std::uint64_t kDomainMask = std::uint64_t{0xFFFF} << kDomainShift;
      return left[0] == right[0] && ((left[1] ^ right[1]) & kDomainMask) == 0;
    }
  };

  std::uint64_t hash(const MacKey& key) const noexcept { return tables::hash_of(key, seed_); }

  ProbedTable<Format> table_;
  tables::HashSeed seed_;
};

}  // namespace twinplane::dataplane
