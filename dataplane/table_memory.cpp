// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/table_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>

#include "dataplane/eal.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20U;

std::size_t round_up(std::size_t bytes, std::size_t step) noexcept {
  return (bytes + step - 1) / step * step;
}

[[noreturn]] void fail(const std::string& what, std::size_t bytes) {
  throw std::runtime_error(what + " (" + std::to_string(bytes >> 20U) +
                           " MiB for the tables): " + std::strerror(errno) +
                           ". Lower tables.session4_slots, tables.session6_slots or "
                           "tables.partitions, or give more memory.");
}

}  // namespace

TableMemory::TableMemory(const tables::ImageHead& head, const std::string& file,
                         bool may_use_huge_pages)
    : bytes_(round_up(tables::kImageHeadBytes + head.partition_count * head.partition_bytes,
                      kHugePageBytes)),
      partition_bytes_(head.partition_bytes) {
  void* base = MAP_FAILED;
  if (!file.empty()) {
    const int descriptor =
        ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) fail("cannot open tables.file \"" + file + "\"", bytes_);
    if (::ftruncate(descriptor, static_cast<off_t>(bytes_)) != 0)
      fail("cannot size tables.file \"" + file + "\"", bytes_);
    base =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0);
    ::close(descriptor);
  } else {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    if (may_use_huge_pages && free_huge_mib() >= bytes_ >> 20U)
      base = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags | MAP_HUGETLB, -1, 0);
    is_on_huge_pages_ = base != MAP_FAILED;
    if (base == MAP_FAILED) base = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  }
  if (base == MAP_FAILED) fail("cannot map memory", bytes_);
  base_ = static_cast<std::byte*>(base);
  new (base_) tables::ImageHead(head);
}

TableMemory::~TableMemory() { ::munmap(base_, bytes_); }

std::span<std::byte> TableMemory::partition_block(std::uint32_t partition) noexcept {
  return {base_ + tables::kImageHeadBytes + partition * partition_bytes_, partition_bytes_};
}

}  // namespace twinplane::dataplane
