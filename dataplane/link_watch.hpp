// SPDX-License-Identifier: BSD-3-Clause
// link_watch.hpp - asks the devices of ports with symmetric_return, ten times a second, whether
// they have a link, and tells the return paths.
//
// Thread:  control; asking may be a system call.
// Memory:  the list of ports, taken at construction.
// Limits:  what a device does not know it does not say: one without a carrier to look at, as
//          net_af_packet, always has a link.
// Errors:  a device that cannot be asked is as it was.
// Spec:    DPDK 22.11, rte_eth_link_get_nowait(); dataplane/DESIGN.md D-D37.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/port.hpp"
#include "dataplane/return_paths.hpp"

namespace twinplane::dataplane {

class LinkWatch {
 public:
  LinkWatch(const Config& config, const std::vector<std::unique_ptr<Port>>& ports,
            ReturnPaths& returns);

  void poll(std::uint64_t now_ns);

 private:
  struct Watched {
    std::string name;
    std::uint16_t dpdk_port;
    std::uint8_t port_index;
  };

  ReturnPaths& returns_;
  std::vector<Watched> watched_;
  std::uint64_t last_ns_ = 0;
};

}  // namespace twinplane::dataplane
