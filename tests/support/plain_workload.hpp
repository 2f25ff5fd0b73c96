// SPDX-License-Identifier: BSD-3-Clause
// plain_workload.hpp - what happens to the owner's plain tables: entries of every kind that has
// slots come, change and go.
//
// Thread:  one.
// Memory:  none to speak of.
// Limits:  half as many keys again as a table has slots.
// Errors:  a full table refuses; another time the key tries again.
// Spec:    tables/plain_table.hpp, used as its owner uses it.
#pragma once

#include <cstdint>

#include "tables/partition.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::tests {

class PlainWorkload {
 public:
  explicit PlainWorkload(std::uint64_t seed) : prng_(seed) {}

  // One operation on a table of a plain kind; none where there is none.
  void operate(tables::Partition& owner, std::uint64_t now_ns);

  // Tables of these kinds are somebody else's.
  void leave_alone(tables::KindSet kinds) noexcept { others_ = kinds; }

  // Keys of a table that has so many slots.
  static std::uint32_t key_count(std::uint32_t slot_count) noexcept {
    return slot_count + slot_count / 2;
  }

 private:
  template <class Body>
  void operate_on(tables::PlainTable<Body>& table, std::uint32_t now_s);
  template <class Body>
  void alter(tables::PlainTable<Body>& table, std::uint32_t slot, std::uint32_t number);
  template <class Body>
  void rekey(tables::PlainTable<Body>& table, std::uint32_t slot);

  Prng prng_;
  tables::KindSet others_;
};

}  // namespace twinplane::tests
