// SPDX-License-Identifier: BSD-3-Clause
// rte_rival.hpp - rte_hash as its documentation says is fastest: bulk lookups, CRC hash, entries in
// an array by position.
//
// Thread:  one.
// Memory:  EAL's, as everybody's here.
// Limits:  `places` keys; a burst of up to 64.
// Errors:  throws when the table cannot be made; add() aborts when a key finds no place.
// Spec:    DPDK programmer's guide, hash library; flags: 0 (plain) or
//          RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF.
#pragma once

#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_prefetch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>

#include "bench/environment.hpp"
#include "tables/base/check.hpp"
#include "tables/session.hpp"

namespace twinplane::bench {

template <class Key, class Entry>
class RteTable {
 public:
  static constexpr std::size_t kBurst = 32;

  RteTable(const char* name, std::uint32_t places, std::uint8_t extra_flags)
      : entries_(take_block(std::size_t{places} * sizeof(Entry))) {
    rte_hash_parameters parameters{};
    parameters.name = name;
    parameters.entries = places;
    parameters.key_len = sizeof(Key);
    parameters.hash_func = rte_hash_crc;
    parameters.extra_flag = extra_flags;
    hash_ = rte_hash_create(&parameters);
    if (hash_ == nullptr) throw std::runtime_error("rte_hash_create failed");
  }

  RteTable(const RteTable&) = delete;
  RteTable& operator=(const RteTable&) = delete;

  ~RteTable() {
    rte_hash_free(hash_);
    give_back(entries_);
  }

  void clear() { rte_hash_reset(hash_); }

  void add(const Key& key, const Entry& entry) {
    const std::int32_t position = rte_hash_add_key(hash_, &key);
    TWINPLANE_CHECK(position, >=, 0);
    entries()[position] = entry;
  }

  // The same through the data pointer, and no entry written: what rte_hash alone costs.
  void add_data(const Key& key, std::uintptr_t data) {
    const int status = rte_hash_add_key_data(hash_, &key, reinterpret_cast<void*>(data));
    TWINPLANE_CHECK(status, ==, 0);
  }

  using Positions = std::array<std::int32_t, 64>;

  // Looks a burst up and asks for the entries' lines.
  void start_burst(std::span<const void*> keys, Positions& positions) {
    rte_hash_lookup_bulk(hash_, keys.data(), static_cast<std::uint32_t>(keys.size()),
                         positions.data());
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (positions[i] >= 0) rte_prefetch0(&entries()[positions[i]]);
  }

  // Calls on_hit(Entry&, i) for each of `count` keys that was found.
  template <class OnHit>
  void finish_burst(std::size_t count, const Positions& positions, OnHit&& on_hit) {
    for (std::size_t i = 0; i < count; ++i)
      if (positions[i] >= 0) on_hit(entries()[positions[i]], i);
  }

  template <class OnHit>
  void find_burst(std::span<const void*> keys, OnHit&& on_hit) {
    Positions positions;
    start_burst(keys, positions);
    finish_burst(keys.size(), positions, on_hit);
  }

 private:
  Entry* entries() { return reinterpret_cast<Entry*>(entries_.data()); }

  std::span<std::byte> entries_;
  rte_hash* hash_ = nullptr;
};

using RteRival = RteTable<tables::FlowKey4, tables::Session4>;

}  // namespace twinplane::bench
