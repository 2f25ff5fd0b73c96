// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/floating_holders.hpp"

#include <algorithm>

#include "dataplane/neighbor_key.hpp"
#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {

using tables::VirtualMacBody;

FloatingHolders::FloatingHolders(const Config& config, std::span<const FloatingAddress> addresses,
                                 tables::Partition& home)
    : table_(home.table<tables::TableKind::kVirtualMac>()),
      box_id_(config.box.id),
      priority_(config.box.priority),
      holders_(std::make_unique<Gauge[]>(addresses.size())) {
  for (const FloatingAddress& floating : addresses) {
    const PortConfig& port = config.ports[floating.port_index];
    rows_.push_back({floating, virtual_mac(port, floating.port_index), port.virtual_mac_group});
    holders_[rows_.size() - 1].set(tables::kNoHolder);
  }
}

VirtualMacBody::Key FloatingHolders::key_of(const Row& row) const noexcept {
  return {NeighborKey::of(row.floating.port_index, row.floating.address).address,
          row.group,
          row.floating.port_index,
          {}};
}

void FloatingHolders::take(std::uint32_t now_s) noexcept {
  end_strangers();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const VirtualMacBody::Key key = key_of(rows_[i]);
    const std::uint32_t slot = table_.slots().find(key).slot;
    const VirtualMacBody body{key, rows_[i].mac, box_id_, priority_};
    if (slot == tables::kNoSlot) {
      if (table_.create(body, now_s).status != tables::InsertStatus::kInserted) continue;
    } else if (table_.slots().entry(slot).body.mac != body.mac) {
      table_.change(slot, [&](VirtualMacBody& known) { known = body; });
    } else {
      table_.patch(slot, body.patch());
    }
    holders_[i].set(box_id_);
  }
}

// The pair's addresses are those of the configuration of whoever is active.
void FloatingHolders::end_strangers() noexcept {
  for (std::uint32_t slot = 0; slot < table_.slots().slot_count(); ++slot) {
    if (!table_.slots().live().is_live(slot)) continue;
    const VirtualMacBody::Key& key = table_.slots().entry(slot).body.key;
    const bool is_ours = std::ranges::any_of(rows_, [&](const Row& row) {
      const VirtualMacBody::Key mine = key_of(row);
      return mine.address == key.address && mine.group == key.group && mine.port == key.port;
    });
    if (!is_ours) table_.end(slot);
  }
}

std::size_t FloatingHolders::poll() noexcept {
  tables::DirtyQueue& arrivals = table_.slots().arrivals();
  const std::size_t count = arrivals.size();
  while (!arrivals.empty()) show(arrivals.pop());
  return count;
}

void FloatingHolders::show(std::uint32_t slot) noexcept {
  if (!table_.slots().live().is_live(slot)) return;
  const VirtualMacBody& body = table_.slots().entry(slot).body;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (table_.slots().find(key_of(rows_[i])).slot == slot) holders_[i].set(body.holder);
}

}  // namespace twinplane::dataplane
