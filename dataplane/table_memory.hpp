// SPDX-License-Identifier: BSD-3-Clause
// table_memory.hpp - the memory that all partitions' tables are cut from: huge pages, ordinary
// memory, or a file, whose tables may be those of the process before.
//
// Thread:  main, at start and end. The file is locked (flock) for as long as this lives.
// Memory:  what the head says, taken at once and touched, so that the packet path never waits for a
//          page.
// Limits:  that of the machine, and of the file system that the file is in.
// Errors:  throws std::runtime_error that says what is wrong and what to do: how much was wanted
//          and how much is missing, or that the file is another box's that runs, another user's, a
//          symbolic link or not regular; such a file stays as it is. A file whose tables cannot be
//          kept is made anew, and why is said in words. A file that is open to other users is made
//          its owner's alone.
// Spec:    tables/image.hpp for the file's head; dataplane/DESIGN.md D-D13.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tables/image.hpp"

namespace twinplane::dataplane {

struct TableMemorySetup {
  std::string file;  // empty: anonymous memory, on huge pages where enough are free
  bool keeps_tables = false;
  bool may_use_huge_pages = true;
};

class TableMemory {
 public:
  TableMemory(const tables::ImageHead& head, const TableMemorySetup& setup);
  ~TableMemory();
  TableMemory(const TableMemory&) = delete;
  TableMemory& operator=(const TableMemory&) = delete;

  std::span<std::byte> partition_block(std::uint32_t partition) noexcept;

  std::span<std::byte> home_block() noexcept;

  // The blocks hold what an earlier process left; else they are zeroed.
  bool is_kept() const noexcept { return is_kept_; }

  // Why not, where it was asked for and there was a file; else empty.
  const std::string& why_not_kept() const noexcept { return why_not_kept_; }

  // Changes are to come: until mark_clean() no other process may keep the tables.
  void mark_in_use() noexcept;

  // No change is under way and none will come: the next process may keep the tables if it numbers
  // rules, ports and zones alike (ImageHead::configuration).
  void mark_clean(const tables::ImageEnd& end, std::uint64_t configuration) noexcept;

  // Of the process that left what is kept.
  const tables::ImageEnd& end_before() const noexcept { return end_before_; }

  std::size_t bytes() const noexcept { return bytes_; }

  bool is_on_huge_pages() const noexcept { return is_on_huge_pages_; }

 private:
  // Closed, and with that unlocked, at its end.
  struct File {
    File() = default;
    ~File();
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    int number = -1;
  };

  void map_file(const tables::ImageHead& head, const TableMemorySetup& setup);
  void map_anonymous(bool may_use_huge_pages);

  File file_;
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t partition_bytes_ = 0;
  std::size_t home_bytes_ = 0;
  std::uint32_t partition_count_ = 0;
  bool is_on_huge_pages_ = false;
  bool is_kept_ = false;
  tables::ImageEnd end_before_;
  std::string why_not_kept_;
};

// Names this start of the machine: the kernel's boot id; all zeros where it cannot be read.
std::array<char, 40> machine_start();

}  // namespace twinplane::dataplane
