// SPDX-License-Identifier: BSD-3-Clause
// instr_driver.cpp - the hot paths alone, for an instruction counter: valgrind --tool=callgrind
// --toggle-collect=FUNCTION.
//
// Usage: instr_driver encode|apply. Prints how many records the measured function handled; run.py
//        divides.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>

#include "bench/boxes.hpp"
#include "bench/sessions.hpp"

namespace twinplane::bench {

// No EAL under valgrind: plain zeroed memory does.
std::span<std::byte> take_block(std::size_t bytes) {
  const std::size_t rounded = (bytes + 63) / 64 * 64;
  auto* const start = static_cast<std::byte*>(std::aligned_alloc(64, rounded));
  std::memset(start, 0, rounded);
  return {start, bytes};
}

void give_back(std::span<std::byte> block) { std::free(block.data()); }

}  // namespace twinplane::bench

// What is measured: C names, so that they can be given to the tool.
extern "C" {
[[gnu::noinline]] void measured_encode(twinplane::bench::Boxes& boxes) { boxes.send(); }

[[gnu::noinline]] void measured_apply(twinplane::bench::Boxes& boxes) { boxes.apply(); }
}

int main(int argc, char** argv) {
  using namespace twinplane;
  const std::string_view what = argc == 2 ? argv[1] : "";
  if (what != "encode" && what != "apply") {
    std::fprintf(stderr, "usage: instr_driver encode|apply\n");
    return 2;
  }
  constexpr std::uint32_t kSlots = 50'000;
  bench::Boxes boxes(bench::limits4(kSlots));
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    boxes.owner().slots4().put(slot, bench::session4(slot));
    boxes.mirror().slots4().put(slot, bench::session4(slot));
  }
  boxes.settle();
  for (const std::uint32_t slot : bench::shuffled(kSlots, 1)) {
    boxes.owner().slots4().changeable(slot).state.tcp_ranks = 0x22;
    boxes.owner().slots4().mark(slot, tables::kMarkState);
  }
  measured_encode(boxes);
  measured_apply(boxes);
  std::printf("%u\n", kSlots);
  return boxes.mirror().slots4().entry(1).state.tcp_ranks == 0x22 ? 0 : 1;
}
