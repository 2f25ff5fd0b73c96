// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/return_paths.hpp"

#include <cstring>

#include "dataplane/virtual_mac.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::size_t kSourceMacOffset = 6;

}  // namespace

ReturnPaths::ReturnPaths(const Config& config) noexcept
    : port_count_(static_cast<std::uint8_t>(config.ports.size())) {
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    own_macs_[i] = virtual_mac(config.ports[i], i);
    if (config.ports[i].symmetric_return) served_ports_ |= std::uint64_t{1} << i;
  }
}

tables::ReturnPath ReturnPaths::path_of(std::span<const std::byte> frame,
                                        std::uint8_t port_index) noexcept {
  tables::ReturnPath path{.mac = {}, .port = port_index};
  std::memcpy(path.mac.data(), frame.data() + kSourceMacOffset, path.mac.size());
  return path;
}

bool ReturnPaths::is_fit(const tables::ReturnPath& path) const noexcept {
  if (!tables::ReturnMacBody::is_neighbor(path.mac)) return false;
  return std::none_of(own_macs_.begin(), own_macs_.begin() + port_count_,
                      [&](const MacAddress& own) { return own == path.mac; });
}

void ReturnPaths::move(tables::Partition& partition, std::uint32_t at,
                       const tables::ReturnPath& now, BurstTime time) noexcept {
  // A packet that the box has made in the client's name comes from nobody.
  if (now.mac == MacAddress{}) return;
  if (!is_fit(now)) return add(ReturnCounter::kRefusedMac);
  auto& table = partition.table<tables::TableKind::kReturnMac>();
  const bool is_moved = tables::try_follow(table, at, now, time.seconds());
  add(is_moved ? ReturnCounter::kMoved : ReturnCounter::kMoveHeld);
}

}  // namespace twinplane::dataplane
