// SPDX-License-Identifier: BSD-3-Clause
// workload.hpp - what traffic does to the owner's tables: sessions of all kinds come, change and
// end, and beside them what plain tables there are.
//
// Thread:  one.
// Memory:  none to speak of; what a flow is follows from its number, all state is in the tables.
// Limits:  up to 65536 flows of each address family.
// Errors:  a full table refuses; the flow tries again another time.
// Spec:    session_table.hpp, tcp_track.hpp: used as a worker uses them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tables/partition.hpp"
#include "tables/tcp_track.hpp"
#include "tests/support/plain_workload.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::tests {

// Traffic that has a name. kMixed is whatever the seed has drawn.
enum class WorkloadKind : std::uint8_t {
  kMixed,
  kHotKeys,     // few flows that come, change and go all the time, often in the same slot
  kSynFlood,    // more half-open sessions than slots
  kMassExpiry,  // nothing ends by itself, then everything is due at once
  kFullTable,   // more flows than slots, hardly any ends
  kCount
};
inline constexpr std::size_t kWorkloadKindCount = static_cast<std::size_t>(WorkloadKind::kCount);
inline constexpr std::array<std::string_view, kWorkloadKindCount> kWorkloadNames{
    "mixed", "hot keys", "SYN flood", "mass expiry", "full table"};

// Drawn for each seed: relative weights of what happens, and what the flows are like.
struct WorkloadShape {
  std::uint32_t flow_count4 = 100;
  std::uint32_t flow_count6 = 100;
  std::uint32_t hot_flow_count = 4;
  std::uint32_t hot_permille = 0;  // so many operations go to the hot flows
  std::uint32_t create_weight = 10;
  std::uint32_t advance_weight = 10;
  std::uint32_t data_weight = 10;
  std::uint32_t end_weight = 5;
  std::uint32_t reuse_weight = 2;   // end and create again at once, often in the same slot
  std::uint32_t expire_weight = 1;  // a scan of the ages
  std::uint32_t translated_permille = 300;
  std::uint32_t local_only_permille = 50;
  std::uint32_t tcp_permille = 700;
  std::uint32_t rich_permille = 100;  // with application and QoS class
  bool is_time_jumping = false;       // now and then everything is due at once
  std::uint32_t jump_permille = 20;   // of the scans
  std::uint32_t jump_ms = 200'000;
  std::uint32_t scan_slots = 64;
};

// The weights of a kind; what makes the flows' keys stays.
WorkloadShape shape_of(WorkloadKind kind, const WorkloadShape& drawn) noexcept;

class Workload {
 public:
  Workload(const WorkloadShape& shape, std::uint64_t seed)
      : drawn_(shape),
        shape_(shape),
        prng_(seed),
        plain_(seed ^ 0x91A1U),
        marking_(seed ^ 0x3A2CU) {}

  // One operation on the owner's tables.
  void operate(tables::Partition& owner, std::uint64_t now_ns);

  const WorkloadShape& shape() const noexcept { return shape_; }

  void set_kind(WorkloadKind kind) noexcept { shape_ = shape_of(kind, drawn_); }

  // A box that leaves opens no more sessions.
  void set_closed(bool is_closed) noexcept { is_closed_ = is_closed; }

  PlainWorkload& plain() noexcept { return plain_; }

  // Creations that found the table full.
  std::uint64_t refused_count() const noexcept { return refused_count_; }

  // The session that flow `number` makes; its keys depend on nothing but the number.
  template <class Address>
  tables::SessionOf<Address> session_of(std::uint32_t number) const noexcept;

 private:
  template <class Address>
  void operate_on(tables::SessionTable<Address>& sessions, std::uint32_t flow_count,
                  std::uint64_t now_ns);
  template <class Address>
  void create(tables::SessionTable<Address>& sessions, std::uint32_t number, std::uint64_t now_ns);
  template <class Address>
  void advance(tables::SessionTable<Address>& sessions, std::uint32_t slot);
  template <class Address>
  void move_data(tables::SessionTable<Address>& sessions, std::uint32_t slot);
  template <class Address>
  void take_segment(tables::SessionTable<Address>& sessions, std::uint32_t slot,
                    tables::Direction direction, std::uint8_t flags, std::uint32_t payload_bytes);

  template <class Address>
  void change_mark(tables::SessionTable<Address>& sessions, std::uint64_t now_ns);

  std::uint32_t where_it_stands(const tables::SessionState& state, tables::Direction direction);

  std::uint32_t now_ms(std::uint64_t now_ns) const noexcept {
    return static_cast<std::uint32_t>(now_ns / 1'000'000U) + jumped_ms_;
  }

  WorkloadShape drawn_;
  WorkloadShape shape_;
  Prng prng_;
  PlainWorkload plain_;
  Prng marking_;  // came later: the seeds of before keep their meaning
  bool is_closed_ = false;
  std::uint64_t refused_count_ = 0;
  std::uint32_t jumped_ms_ = 0;
};

}  // namespace twinplane::tests
