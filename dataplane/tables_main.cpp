// SPDX-License-Identifier: BSD-3-Clause
// twinplane-tables - reads table files, of a living box or of one that was killed: its sessions, or
// what of them another box has.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/session_text.hpp"
#include "ha2/session_codec.hpp"
#include "tables/image.hpp"

namespace {

using namespace twinplane;

// One table file, mapped privately: cutting tables from it writes their few control words into this
// process's copy alone.
class Image {
 public:
  explicit Image(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);

    struct stat status {};

    if (descriptor < 0 || ::fstat(descriptor, &status) != 0)
      throw std::runtime_error("cannot read " + path + ": " + std::strerror(errno));
    bytes_ = static_cast<std::size_t>(status.st_size);
    void* const base =
        bytes_ == 0 ? MAP_FAILED
                    : ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    ::close(descriptor);
    if (base == MAP_FAILED)
      throw std::runtime_error("cannot map " + path + ": it is empty or not a file");
    base_ = static_cast<std::byte*>(base);
    if (bytes_ < tables::kImageHeadBytes)
      throw std::runtime_error(path + " is no table file: too short");
    std::memcpy(&head_, base_, sizeof head_);
    if (!head_.is_sound(bytes_))
      throw std::runtime_error(
          path + " is no table file of this version: give the path set as tables.file");
    const tables::PartitionLimits limits = tables::limits_of(head_);
    if (tables::Partition::bytes(limits) != head_.partition_bytes)
      throw std::runtime_error(path +
                               " was written by another build: its tables are cut differently");
    for (std::uint32_t i = 0; i < head_.partition_count; ++i) {
      tables::Carver carver(
          {base_ + tables::kImageHeadBytes + i * head_.partition_bytes, head_.partition_bytes});
      partitions_.push_back(std::make_unique<tables::Partition>(
          carver, limits, tables::HashSeed{head_.hash_seed + i}));
    }
  }

  ~Image() { ::munmap(base_, bytes_); }

  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const tables::ImageHead& head() const { return head_; }

  tables::Partition& partition(std::uint32_t index) const { return *partitions_[index]; }

 private:
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  tables::ImageHead head_;
  std::vector<std::unique_ptr<tables::Partition>> partitions_;
};

// Calls visit(partition, slot, session) for each live slot of both families. Entries say themselves
// whether they are live.
template <class Visit>
void for_each_session(const Image& image, Visit&& visit) {
  for (std::uint32_t p = 0; p < image.head().partition_count; ++p) {
    const auto walk = [&](const auto& slots) {
      for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot)
        if ((slots.entry(slot).flags & tables::kLive) != 0) visit(p, slot, slots.entry(slot));
    };
    walk(image.partition(p).session4().slots());
    walk(image.partition(p).session6().slots());
  }
}

int print_one(const Image& image, bool is_quiet) {
  std::uint64_t count = 0;
  for_each_session(image, [&](std::uint32_t partition, std::uint32_t slot, const auto& session) {
    ++count;
    if (is_quiet) return;
    nlohmann::ordered_json json = dataplane::session_json(session);
    json["partition"] = partition;
    json["slot"] = slot;
    std::puts(json.dump().c_str());
  });
  std::puts(
      nlohmann::ordered_json{{"sessions", count}, {"box", image.head().box_id}}.dump().c_str());
  return 0;
}

// How far generation `later` is ahead of `earlier`, wrapping.
std::uint16_t generations_ahead(std::uint16_t earlier, std::uint16_t later) {
  return static_cast<std::uint16_t>((later - earlier) & tables::kGenerationMask);
}

int compare(const Image& a, const Image& b) {
  if (a.head().partition_count != b.head().partition_count ||
      a.head().session4_slots != b.head().session4_slots ||
      a.head().session6_slots != b.head().session6_slots)
    throw std::runtime_error("the two files are not of one pair: partitions or slots differ");
  std::uint64_t sessions_a = 0, sessions_b = 0, kept = 0, lost = 0, local = 0, same = 0;
  for_each_session(a, [&](std::uint32_t partition, std::uint32_t slot, const auto& mine) {
    if ((mine.flags & tables::kLocalOnly) != 0) {
      ++local;
      return;
    }
    ++sessions_a;
    const auto& theirs = [&]() -> const auto& {
      if constexpr (sizeof mine == sizeof(tables::Session4))
        return b.partition(partition).session4().slots().entry(slot);
      else
        return b.partition(partition).session6().slots().entry(slot);
    }
    ();
    const bool is_live = (theirs.flags & tables::kLive) != 0;
    const std::uint16_t ahead = generations_ahead(mine.state.generation, theirs.state.generation);
    const bool has_same_key =
        is_live && ahead == 0 &&
        std::memcmp(&mine.client_side, &theirs.client_side, sizeof mine.client_side) == 0;
    // Held and since freed: the slot is empty under the same generation, or has been filled anew
    // under the next ones.
    const bool was_freed =
        (!is_live && ahead == 0) || (ahead != 0 && ahead < tables::kGenerationMask / 2);
    ++(has_same_key || was_freed ? kept : lost);
    if (has_same_key && ha2::image_of(mine) == ha2::image_of(theirs)) ++same;
  });
  for_each_session(b, [&](std::uint32_t, std::uint32_t, const auto&) { ++sessions_b; });
  const nlohmann::ordered_json summary{{"sessions_a", sessions_a},
                                       {"sessions_b", sessions_b},
                                       {"kept", kept},
                                       {"lost", lost},
                                       {"same", same},
                                       {"local_a", local}};
  std::puts(summary.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Reads the table files of Twinplane boxes (tables.file in the configuration), also after a "
      "crash.",
      "twinplane-tables"};
  std::string image_path;
  std::string other_path;
  bool is_quiet = false;
  app.add_option("image", image_path, "A table file")->required();
  app.add_option("other", other_path,
                 "A second one: how many of the first one's sessions does it hold?");
  app.add_flag("-q,--quiet", is_quiet, "One file: only the summary");
  app.footer(
      "One file: a JSON line for each session, then a summary. Two files: one JSON summary. kept = "
      "the other box holds the session's\n"
      "slot under the same generation and key, or held it and has freed it since; lost = the rest; "
      "local = sessions that never leave\n"
      "their box, by rule.");
  CLI11_PARSE(app, argc, argv);
  try {
    const Image image(image_path);
    return other_path.empty() ? print_one(image, is_quiet) : compare(image, Image(other_path));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "twinplane-tables: %s\n", error.what());
    return 1;
  }
}
