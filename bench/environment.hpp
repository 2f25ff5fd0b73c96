// SPDX-License-Identifier: BSD-3-Clause
// environment.hpp - what every bench needs first: pinned cores, pages alike for all contenders,
// sizes.
//
// Thread:  the main thread.
// Memory:  blocks come from EAL's pages, as rte_hash's do: 2 MB ones where enough are free, else 4
//          KB ones.
// Limits:  two cores.
// Errors:  throws std::runtime_error when memory or EAL cannot be had; run_benches() says so and
//          exits 1.
// Spec:    TWINPLANE_BENCH_SCALE is tiny (the default, for the test suite), quick or full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace twinplane::bench {

enum class Scale : std::uint8_t { kTiny, kQuick, kFull };

Scale scale();

// One of three numbers, by the scale of this run.
template <class T>
T by_scale(T tiny, T quick, T full) {
  return scale() == Scale::kTiny ? tiny : scale() == Scale::kQuick ? quick : full;
}

// Places of the tables: full is 512 MB of entries, 16 times a last-level cache of 32 MB.
inline std::uint32_t table_places() { return by_scale(1U << 14U, 1U << 21U, 1U << 23U); }

struct Needs {
  std::uint32_t memory_mib;  // at the scale of this run
  std::uint32_t core_count = 1;
  const char* file_prefix = "twinplane-bench";
  std::span<const char* const> eal_arguments{};
};

// Starts EAL on the last cores of this process's affinity; the calling thread is pinned to the last
// one.
void start_eal(const Needs& needs);

// Starts EAL, runs the registered benches, returns the exit status.
int run_benches(int argc, char** argv, const Needs& needs);

// Zeroed, on a cache line, never freed before the end unless by give_back().
std::span<std::byte> take_block(std::size_t bytes);
void give_back(std::span<std::byte> block);

}  // namespace twinplane::bench
