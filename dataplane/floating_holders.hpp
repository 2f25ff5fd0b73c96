// SPDX-License-Identifier: BSD-3-Clause
// floating_holders.hpp - which box answers for each floating address, and with which MAC address,
// as the pair keeps it equal.
//
// Thread:  the home worker; holder() for any thread.
// Memory:  48 bytes an address, taken by the constructor.
// Limits:  kVirtualMacSlots addresses of the pair.
// Errors:  what finds no room in the table is counted there, and has no holder.
// Spec:    tables/virtual_mac.hpp. The box that becomes active answers for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/own_addresses.hpp"
#include "dataplane/worker_stats.hpp"
#include "tables/partition.hpp"

namespace twinplane::dataplane {

inline constexpr std::uint32_t kVirtualMacSlots = 1024;

class FloatingHolders {
 public:
  struct Row {
    FloatingAddress floating;
    MacAddress mac;
    std::uint8_t group;
  };

  FloatingHolders(const Config& config, std::span<const FloatingAddress> addresses,
                  tables::Partition& home);

  // This box answers from now on, for these and no others.
  void take(std::uint32_t now_s) noexcept;

  // Takes over what the peer's stream has said since the last call. Returns how much that was.
  std::size_t poll() noexcept;

  std::span<const Row> rows() const noexcept { return rows_; }

  // The box that answers for rows()[index]: 0, 1, or tables::kNoHolder.
  std::uint8_t holder(std::size_t index) const noexcept {
    return static_cast<std::uint8_t>(holders_[index].get());
  }

 private:
  tables::VirtualMacBody::Key key_of(const Row& row) const noexcept;
  void show(std::uint32_t slot) noexcept;
  void end_strangers() noexcept;

  tables::PlainTable<tables::VirtualMacBody>& table_;
  std::uint8_t box_id_;
  std::uint8_t priority_;
  std::vector<Row> rows_;
  std::unique_ptr<Gauge[]> holders_;  // by row
};

}  // namespace twinplane::dataplane
