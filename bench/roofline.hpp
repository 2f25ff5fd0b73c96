// SPDX-License-Identifier: BSD-3-Clause
// roofline.hpp - what the memory of this machine allows: one random line of an array read, changed
// and written, with the best prefetch distance found in this run.
//
// Thread:  one.
// Memory:  64 bytes a line, in the bench's pages.
// Limits:  more lines to touch than the longest distance.
// Errors:  throws when there is no memory.
// Spec:    none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "bench/environment.hpp"
#include "bench/rounds.hpp"

namespace twinplane::bench {

class Roofline {
 public:
  static constexpr std::array<std::uint32_t, 9> kDistances{8, 12, 16, 24, 32, 48, 64, 96, 128};

  explicit Roofline(std::uint32_t line_count) : block_(take_block(std::size_t{line_count} * 64)) {}

  Roofline(const Roofline&) = delete;
  Roofline& operator=(const Roofline&) = delete;

  ~Roofline() { give_back(block_); }

  double run(std::span<const std::uint32_t> lines, std::uint32_t distance) {
    return cpu_ns_per_operation(lines.size() - distance, [&] {
      for (std::size_t i = 0; i + distance < lines.size(); ++i) {
        __builtin_prefetch(&line(lines[i + distance]), 1);
        line(lines[i]).value[lines[i] % 8] += i;
      }
    });
  }

  std::uint32_t best_distance(std::span<const std::uint32_t> lines) {
    std::uint32_t best = 0;
    double best_ns = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < 3; ++pass) {
      for (const std::uint32_t distance : kDistances) {
        const double ns = run(lines, distance);
        if (ns < best_ns) {
          best_ns = ns;
          best = distance;
        }
      }
    }
    return best;
  }

 private:
  struct Line {
    std::uint64_t value[8];
  };

  Line& line(std::uint32_t index) { return reinterpret_cast<Line*>(block_.data())[index]; }

  std::span<std::byte> block_;
};

}  // namespace twinplane::bench
