// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/table_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace twinplane::dataplane {

void TableFile::Unmap::operator()(std::byte* base) const noexcept { ::munmap(base, bytes); }

TableFile::TableFile(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);

  struct stat status {};

  if (descriptor < 0 || ::fstat(descriptor, &status) != 0)
    throw std::runtime_error("cannot read " + path + ": " + std::strerror(errno));
  const auto bytes = static_cast<std::size_t>(status.st_size);
  void* const base =
      bytes == 0 ? MAP_FAILED
                 : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
  ::close(descriptor);
  if (base == MAP_FAILED)
    throw std::runtime_error("cannot map " + path + ": it is empty or not a file");
  base_ = {static_cast<std::byte*>(base), Unmap{bytes}};
  if (bytes < tables::kImageHeadBytes)
    throw std::runtime_error(path + " is no table file: too short");
  std::memcpy(static_cast<void*>(&head_), base_.get(), sizeof head_);
  if (!head_.is_sound(bytes))
    throw std::runtime_error(path +
                             " is no table file of this version: give the path set as tables.file");
  std::byte* block = base_.get() + tables::kImageHeadBytes;
  const auto cut = [&](const tables::PartitionLimits& limits, std::size_t block_bytes) {
    if (tables::Partition::bytes(limits) != block_bytes)
      throw std::runtime_error(path +
                               " was written by another build: its tables are cut differently");
    tables::Carver carver({block, block_bytes});
    partitions_.push_back(std::make_unique<tables::Partition>(
        carver, limits, tables::HashSeed{head_.hash_seed + partitions_.size()}));
    block += block_bytes;
  };
  for (std::uint32_t i = 0; i < head_.partition_count; ++i)
    cut(tables::limits_of(head_), head_.partition_bytes);
  cut(tables::home_limits_of(head_), head_.home_bytes);
}

}  // namespace twinplane::dataplane
