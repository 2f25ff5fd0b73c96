// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/table_memory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
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

[[noreturn]] void refuse(const std::string& path, const std::string& what,
                         const std::string& remedy) {
  throw std::runtime_error("tables.file \"" + path + "\" " + what + ". " + remedy + ".");
}

std::byte* map(int descriptor, std::size_t bytes) {
  void* const base =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0);
  if (base == MAP_FAILED) fail("cannot map memory", bytes);
  return static_cast<std::byte*>(base);
}

bool is_on_hugetlbfs(int descriptor) noexcept {
  struct statfs status {};

  return ::fstatfs(descriptor, &status) == 0 && status.f_type == HUGETLBFS_MAGIC;
}

int open_file(const std::string& path) {
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0 && errno == ELOOP)
    refuse(path, "is a symbolic link, and where it leads can change",
           "Give tables.file the path of the file itself");
  if (descriptor < 0)
    refuse(path, std::string("cannot be opened: ") + std::strerror(errno),
           "Give tables.file a path that this user can read and write");
  return descriptor;
}

// No other box's, and of no interest to other users: it holds the hash seed. Gives its size.
std::size_t claim_file(int descriptor, const std::string& path) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      refuse(path, "is in use: another box that runs on this machine has its tables there",
             "Give each box a tables.file of its own, or end the other box first");
    refuse(path, std::string("cannot be locked: ") + std::strerror(errno),
           "Give tables.file a path in memory, as under /dev/shm");
  }

  struct stat status {};

  if (::fstat(descriptor, &status) != 0)
    refuse(path, std::string("cannot be read: ") + std::strerror(errno),
           "Give tables.file another path");
  if (!S_ISREG(status.st_mode))
    refuse(path, "is not a regular file", "Give tables.file a path where nothing is yet");
  if (status.st_uid != ::geteuid())
    refuse(path,
           "belongs to user " + std::to_string(status.st_uid) + ", and the box runs as " +
               std::to_string(::geteuid()),
           "Remove it, or give tables.file another path");
  constexpr mode_t kOwnersAlone = S_IRUSR | S_IWUSR;
  if ((status.st_mode & ALLPERMS & ~kOwnersAlone) != 0 && ::fchmod(descriptor, kOwnersAlone) != 0)
    refuse(path, std::string("cannot be made its owner's alone: ") + std::strerror(errno),
           "Remove it, or give tables.file another path");
  return static_cast<std::size_t>(status.st_size);
}

// What the file has and could still get.
std::uint64_t room_bytes(int descriptor) noexcept {
  struct stat status {};

  struct statfs system {};

  if (::fstat(descriptor, &status) != 0 || ::fstatfs(descriptor, &system) != 0) return 0;
  std::uint64_t free_bytes = system.f_bavail * static_cast<std::uint64_t>(system.f_bsize);
  if (system.f_type == HUGETLBFS_MAGIC) {
    const std::uint64_t free_pages_bytes = free_huge_mib() << 20U;
    // Without a limit of its own a hugetlbfs says that it has no blocks.
    free_bytes = system.f_blocks == 0 ? free_pages_bytes : std::min(free_bytes, free_pages_bytes);
  }
  return static_cast<std::uint64_t>(status.st_blocks) * 512 + free_bytes;
}

// Takes all pages now: where there is no room for one, its first touch would be a SIGBUS.
void reserve(int descriptor, std::size_t bytes, const std::string& path) {
  int error = 0;
  do {
    error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes));
  } while (error == EINTR);
  // Some file systems cannot.
  if (error == 0 || error == EOPNOTSUPP || error == EINVAL) return;
  constexpr const char* kRemedy =
      "Lower tables.session4_slots, tables.session6_slots or tables.partitions, or give that file "
      "system more room (size= of a tmpfs, huge pages for a hugetlbfs)";
  const std::string wanted = std::to_string(bytes >> 20U) + " MiB for the tables";
  const std::uint64_t room = room_bytes(descriptor);
  if (error != ENOSPC || room >= bytes)
    refuse(path, "cannot get " + wanted + ": " + std::strerror(error), kRemedy);
  refuse(path,
         "cannot get " + wanted + ": " + std::to_string(((bytes - room - 1) >> 20U) + 1) +
             " MiB are missing in " + std::filesystem::absolute(path).parent_path().string(),
         kRemedy);
}

}  // namespace

std::array<char, 40> machine_start() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  std::getline(file, text);
  std::array<char, 40> start{};
  std::memcpy(start.data(), text.data(), std::min(text.size(), start.size() - 1));
  return start;
}

TableMemory::TableMemory(const tables::ImageHead& head, const TableMemorySetup& setup)
    : bytes_(round_up(head.image_bytes(), kHugePageBytes)),
      partition_bytes_(head.partition_bytes),
      home_bytes_(head.home_bytes),
      partition_count_(head.partition_count) {
  if (setup.file.empty())
    map_anonymous(setup.may_use_huge_pages);
  else
    map_file(head, setup);
  tables::ImageHead mine = head;
  mine.is_clean = is_kept_ ? 1 : 0;  // what is kept stays good until it is used
  mine.end = end_before_;
  new (base_) tables::ImageHead(mine);
}

void TableMemory::map_anonymous(bool may_use_huge_pages) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  void* base = MAP_FAILED;
  if (may_use_huge_pages && free_huge_mib() >= bytes_ >> 20U)
    base = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags | MAP_HUGETLB, -1, 0);
  is_on_huge_pages_ = base != MAP_FAILED;
  if (base == MAP_FAILED) base = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (base == MAP_FAILED) fail("cannot map memory", bytes_);
  base_ = static_cast<std::byte*>(base);
}

void TableMemory::map_file(const tables::ImageHead& head, const TableMemorySetup& setup) {
  file_.number = open_file(setup.file);
  const std::size_t file_bytes = claim_file(file_.number, setup.file);
  is_on_huge_pages_ = is_on_hugetlbfs(file_.number);
  if (setup.keeps_tables && file_bytes == bytes_) {
    reserve(file_.number, bytes_, setup.file);
    base_ = map(file_.number, bytes_);
    tables::ImageHead old;
    std::memcpy(static_cast<void*>(&old), base_, sizeof old);
    const char* const reason = tables::why_not_kept(old, head, file_bytes);
    is_kept_ = reason == nullptr;
    if (is_kept_) {
      end_before_ = old.end;
      return;
    }
    why_not_kept_ = reason;
    ::munmap(base_, bytes_);
  } else if (setup.keeps_tables && file_bytes != 0) {
    why_not_kept_ = "it has another size: another version has written it, or [tables] was changed";
  }
  // Made anew, and with that zeroed.
  if (::ftruncate(file_.number, 0) != 0 ||
      ::ftruncate(file_.number, static_cast<off_t>(bytes_)) != 0)
    fail("cannot size tables.file \"" + setup.file + "\"", bytes_);
  try {
    reserve(file_.number, bytes_, setup.file);
  } catch (const std::runtime_error&) {
    // A part of it may have been had.
    [[maybe_unused]] const int result = ::ftruncate(file_.number, 0);
    throw;
  }
  base_ = map(file_.number, bytes_);
}

TableMemory::File::~File() {
  if (number >= 0) ::close(number);
}

TableMemory::~TableMemory() { ::munmap(base_, bytes_); }

void TableMemory::mark_in_use() noexcept {
  reinterpret_cast<tables::ImageHead*>(base_)->is_clean = 0;
}

void TableMemory::mark_clean(const tables::ImageEnd& end, std::uint64_t configuration) noexcept {
  auto* const head = reinterpret_cast<tables::ImageHead*>(base_);
  head->end = end;
  head->configuration = configuration;
  head->is_clean = 1;
}

std::span<std::byte> TableMemory::partition_block(std::uint32_t partition) noexcept {
  return {base_ + tables::kImageHeadBytes + partition * partition_bytes_, partition_bytes_};
}

std::span<std::byte> TableMemory::home_block() noexcept {
  return {base_ + tables::kImageHeadBytes + partition_count_ * partition_bytes_, home_bytes_};
}

}  // namespace twinplane::dataplane
