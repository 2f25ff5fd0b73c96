// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/eal.hpp"

#include <rte_alarm.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_pci.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kHugeMibMin = 128;  // for the packet buffers of a small box

bool is_hugetlbfs_mounted() {
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);)
    if (line.find(" hugetlbfs ") != std::string::npos) return true;
  return false;
}

bool wants_huge_pages(const EalConfig& eal) {
  if (eal.huge_pages == HugePages::kOff) return false;
  if (eal.huge_pages == HugePages::kOn) return true;
  return free_huge_mib() >= kHugeMibMin && is_hugetlbfs_mounted();
}

void add_device(std::vector<std::string>& arguments, const std::string& device) {
  if (device.empty()) return;
  arguments.emplace_back(is_pci_address(device) ? "-a" : "--vdev");
  arguments.push_back(device);
}

// DPDK 22.11 takes its memory away beneath its own interrupt thread: one that is still at the list
// of its sources, because a device was closed just before, faults. Two alarms in a row say that it
// is through: each is answered by that thread, the second behind all that the first may have met.
void let_interrupts_settle() {
  for (int alarm = 0; alarm < 2; ++alarm) {
    std::atomic<bool> is_answered{false};
    const auto answer = [](void* flag) { static_cast<std::atomic<bool>*>(flag)->store(true); };
    if (rte_eal_alarm_set(1, answer, &is_answered) != 0) return;
    while (!is_answered) std::this_thread::yield();
  }
}

}  // namespace

std::uint64_t free_huge_mib() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  std::uint64_t page_count = 0;
  file >> page_count;
  return page_count * 2;
}

bool is_pci_address(const std::string& device) {
  // Arguments of the driver's may follow a comma; the bus's own parser knows the rest.
  rte_pci_addr address{};
  return rte_pci_addr_parse(device.substr(0, device.find(',')).c_str(), &address) == 0;
}

std::vector<std::string> Eal::arguments(const Config& config, bool uses_huge_pages) {
  std::vector<std::string> arguments{"twinplane",
                                     "--lcores",
                                     config.eal.lcores,
                                     "--main-lcore",
                                     std::to_string(config.eal.lcore_ids.front()),
                                     "--file-prefix",
                                     config.eal.file_prefix};
  if (uses_huge_pages) {
    arguments.emplace_back("--huge-unlink");  // a killed process leaves no pages behind
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "-m", std::to_string(config.eal.memory_mib)});
  }
  bool has_pci = is_pci_address(config.ha2.device);
  for (const PortConfig& port : config.ports) has_pci |= is_pci_address(port.device);
  if (!has_pci) arguments.emplace_back("--no-pci");
  for (const PortConfig& port : config.ports) add_device(arguments, port.device);
  add_device(arguments, config.ha2.device);
  arguments.insert(arguments.end(), config.eal.args.begin(), config.eal.args.end());
  return arguments;
}

Eal::Eal(const Config& config) : uses_huge_pages_(wants_huge_pages(config.eal)) {
  std::vector<std::string> texts = arguments(config, uses_huge_pages_);
  std::vector<char*> pointers;
  pointers.reserve(texts.size());
  for (std::string& text : texts) pointers.push_back(text.data());
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) >= 0) return;
  std::string message = "DPDK did not start: " + std::string(rte_strerror(rte_errno)) +
                        ". Its own lines stand above. Usual causes: ";
  message += uses_huge_pages_
                 ? "too few free huge pages (set eal.huge_pages = \"off\", or reserve more)"
                 : "no privilege (run as root), or eal.memory_mib too small";
  message += "; a device that does not exist; a file_prefix in use by another process.";
  throw std::runtime_error(message);
}

std::string Eal::runtime_directory() { return rte_eal_get_runtime_dir(); }

Eal::~Eal() {
  let_interrupts_settle();
  rte_eal_cleanup();
}

}  // namespace twinplane::dataplane
