// SPDX-License-Identifier: BSD-3-Clause
#include "bench/environment.hpp"

#include <benchmark/benchmark.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace twinplane::bench {

namespace {

constexpr const char* kFreePages = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";

bool has_huge_pages_for(std::uint32_t memory_mib) {
  std::ifstream file(kFreePages);
  std::uint64_t free_count = 0;
  return (file >> free_count) && free_count * 2 >= memory_mib;
}

// The processors that this process may use, the last first: interrupts tend to go to the first.
std::vector<int> processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<int> usable;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu)
    if (CPU_ISSET(cpu, &set)) usable.push_back(cpu);
  return usable;
}

std::string lcores(std::uint32_t core_count) {
  const std::vector<int> usable = processors();
  std::string text;
  for (std::uint32_t core = 0; core < core_count; ++core)
    text += (core == 0 ? "" : ",") + std::to_string(core) + "@" +
            std::to_string(usable[core % usable.size()]);
  return text;
}

}  // namespace

Scale scale() {
  static const Scale read = [] {
    const char* const text = std::getenv("TWINPLANE_BENCH_SCALE");
    const std::string_view name = text == nullptr ? "tiny" : text;
    if (name == "full") return Scale::kFull;
    return name == "quick" ? Scale::kQuick : Scale::kTiny;
  }();
  return read;
}

void start_eal(const Needs& needs) {
  std::vector<std::string> words{"bench", "--no-pci", "--no-telemetry", "--log-level=lib.*:error",
                                 "--lcores=" + lcores(needs.core_count)};
  const bool is_huge = has_huge_pages_for(needs.memory_mib);
  if (is_huge)
    words.insert(words.end(), {"--in-memory", "--single-file-segments"});
  else
    words.insert(words.end(), {"--no-huge", "--no-shconf", "-m", std::to_string(needs.memory_mib)});
  words.push_back(std::string("--file-prefix=") + needs.file_prefix);
  for (const char* argument : needs.eal_arguments) words.emplace_back(argument);
  std::vector<char*> arguments;
  arguments.reserve(words.size());
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
    throw std::runtime_error(std::string("EAL did not start: ") + rte_strerror(rte_errno));
  benchmark::AddCustomContext("pages", is_huge ? "2 MB" : "4 KB");
}

int run_benches(int argc, char** argv, const Needs& needs) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  try {
    start_eal(needs);
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  benchmark::Shutdown();
  for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
    if (rte_eth_dev_is_valid_port(port) == 0) continue;
    rte_eth_dev_stop(port);
    rte_eth_dev_close(port);
  }
  // No rte_eal_cleanup: nothing of DPDK's outlives the process (no shared configuration, unlinked
  // pages), and 22.11 takes its memory away beneath its own interrupt thread, which may still be at
  // what closing a port left it to do.
  return 0;
}

std::span<std::byte> take_block(std::size_t bytes) {
  void* const start = rte_zmalloc("bench", bytes, 64);
  if (start == nullptr)
    throw std::runtime_error("no memory for a block of " + std::to_string(bytes >> 20U) + " MiB");
  return {static_cast<std::byte*>(start), bytes};
}

void give_back(std::span<std::byte> block) { rte_free(block.data()); }

}  // namespace twinplane::bench
