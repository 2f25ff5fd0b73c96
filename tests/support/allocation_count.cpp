// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/allocation_count.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t count = 0;

}  // namespace

void* operator new(std::size_t bytes) {
  ++count;
  if (void* const block = std::malloc(bytes)) return block;
  throw std::bad_alloc();
}

void operator delete(void* block) noexcept { std::free(block); }

void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace twinplane::tests {

std::uint64_t allocation_count() noexcept { return count; }

}  // namespace twinplane::tests
