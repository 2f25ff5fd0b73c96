// SPDX-License-Identifier: BSD-3-Clause
// eal.hpp - DPDK's environment: started from the configuration, cleaned up at the end.
//
// Thread:  main, once in a process.
// Memory:  huge pages where there are some and the configuration allows; else ordinary memory of
//          eal.memory_mib.
// Limits:  one a process (DPDK's own).
// Errors:  throws std::runtime_error that says what to do.
// Spec:    DPDK 22.11, EAL parameters.
#pragma once

#include <string>
#include <vector>

#include "dataplane/config.hpp"

namespace twinplane::dataplane {

class Eal {
 public:
  explicit Eal(const Config& config);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  bool uses_huge_pages() const noexcept { return uses_huge_pages_; }

  // Where DPDK keeps this process's sockets and locks; it stays when the process ends.
  static std::string runtime_directory();

  // The arguments for a configuration: for --check and for tests.
  static std::vector<std::string> arguments(const Config& config, bool uses_huge_pages);

 private:
  bool uses_huge_pages_;
};

// 2 MiB pages free now, in MiB.
std::uint64_t free_huge_mib();

// True for a name like 0000:03:00.0: a device of the bus; anything else is a virtual device.
bool is_pci_address(const std::string& device);

}  // namespace twinplane::dataplane
