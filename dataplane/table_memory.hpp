// SPDX-License-Identifier: BSD-3-Clause
// table_memory.hpp - the memory that all partitions' tables are cut from: huge pages, ordinary
// memory, or a file.
//
// Thread:  main, at start and end.
// Memory:  what image_bytes() says, taken at once and touched, so that the packet path never waits
//          for a page.
// Limits:  that of the machine.
// Errors:  throws std::runtime_error that says how much was wanted and what to do.
// Spec:    tables/image.hpp for the file's head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tables/image.hpp"

namespace twinplane::dataplane {

class TableMemory {
 public:
  // `file` empty: anonymous memory, on huge pages where enough are free. Else the file is made anew
  // and mapped.
  TableMemory(const tables::ImageHead& head, const std::string& file, bool may_use_huge_pages);
  ~TableMemory();
  TableMemory(const TableMemory&) = delete;
  TableMemory& operator=(const TableMemory&) = delete;

  std::span<std::byte> partition_block(std::uint32_t partition) noexcept;

  std::size_t bytes() const noexcept { return bytes_; }

  bool is_on_huge_pages() const noexcept { return is_on_huge_pages_; }

 private:
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t partition_bytes_ = 0;
  bool is_on_huge_pages_ = false;
};

}  // namespace twinplane::dataplane
