// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/link_watch.hpp"

#include <rte_ethdev.h>

#include "dataplane/log.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kIntervalNs = 100'000'000;

}  // namespace

LinkWatch::LinkWatch(const Config& config, const std::vector<std::unique_ptr<Port>>& ports,
                     ReturnPaths& returns)
    : returns_(returns) {
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (config.ports[i].symmetric_return)
      watched_.push_back(
          {config.ports[i].name, ports[i]->dpdk_port(), static_cast<std::uint8_t>(i)});
}

void LinkWatch::poll(std::uint64_t now_ns) {
  if (now_ns - last_ns_ < kIntervalNs) return;
  last_ns_ = now_ns;
  for (const Watched& port : watched_) {
    rte_eth_link link{};
    if (rte_eth_link_get_nowait(port.dpdk_port, &link) != 0) continue;
    const bool is_up = link.link_status == RTE_ETH_LINK_UP;
    if (is_up == returns_.is_up(port.port_index)) continue;
    returns_.set_up(port.port_index, is_up);
    log_warning("port=" + port.name + " link=" + (is_up ? "up" : "down") +
                (is_up ? "" : " symmetric_return=\"replies go by the routes meanwhile\""));
  }
}

}  // namespace twinplane::dataplane
