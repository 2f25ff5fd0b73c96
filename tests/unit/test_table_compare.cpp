// SPDX-License-Identifier: BSD-3-Clause
// What one box's table file holds of another's: the account of every failover.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "dataplane/table_compare.hpp"
#include "dataplane/table_memory.hpp"
#include "tests/support/plain_bodies.hpp"
#include "tests/support/table_block.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::ArpBody;
using tables::TableKind;

constexpr std::uint32_t kSessions = 64;
constexpr std::uint32_t kNeighbors = 32;

tables::ImageHead head_of(std::uint32_t session_slots, std::uint64_t hash_seed) {
  tables::ImageHead head;
  head.partition_count = 1;
  head.session4_slots = session_slots;
  head.session6_slots = kSessions;
  head.hash_seed = hash_seed;
  head.partition_bytes = tables::Partition::bytes(tables::limits_of(head));
  tables::PartitionLimits home;
  home.plain(TableKind::kArp) = kNeighbors;
  home.plain(TableKind::kDosBlock) = kNeighbors;
  std::ranges::copy(home.plain_slots, head.home_slots.begin());
  head.home_bytes = tables::Partition::bytes(home);
  return head;
}

// A box's tables in a file.
class Box {
 public:
  Box(const std::filesystem::path& path, std::uint64_t hash_seed,
      std::uint32_t session_slots = kSessions)
      : path_(path.string()),
        head_(head_of(session_slots, hash_seed)),
        memory_(head_, {.file = path_, .keeps_tables = false}) {
    tables::Carver flows(memory_.partition_block(0), tables::Carver::Block::kZeroed);
    flows_.emplace(flows, tables::limits_of(head_), tables::HashSeed{hash_seed});
    tables::Carver home(memory_.home_block(), tables::Carver::Block::kZeroed);
    home_.emplace(home, tables::home_limits_of(head_), tables::HashSeed{hash_seed + 1});
  }

  auto& sessions() { return flows_->session4().slots(); }

  template <TableKind kKind>
  auto& home() {
    return home_->slots<kKind>();
  }

  TableFile file() const { return TableFile(path_); }

 private:
  std::string path_;
  tables::ImageHead head_;
  TableMemory memory_;
  std::optional<tables::Partition> flows_;
  std::optional<tables::Partition> home_;
};

tables::PlainEntry<ArpBody> neighbor(std::uint32_t number) {
  tables::PlainEntry<ArpBody> entry{};
  entry.body = tests::body_of<ArpBody>(number);
  entry.head.flags = tables::kLive;
  return entry;
}

class TwoFiles : public testing::Test {
 protected:
  ~TwoFiles() override { std::filesystem::remove_all(directory_); }

  static std::filesystem::path make_directory() {
    std::string name = "/dev/shm/twinplane-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory: " + name);
    return name;
  }

  KindCompared compare(TableKind kind) {
    return compare_tables(east_->file(), west_->file())[tables::index_of(kind)];
  }

  // The same in the same slots of both.
  void fill(std::uint32_t count) {
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      east_->sessions().put(slot, tests::make_session<Address4>(slot));
      west_->sessions().put(slot, tests::make_session<Address4>(slot));
    }
  }

  std::filesystem::path directory_ = make_directory();
  // Each box has an index of its own: only slots are alike.
  std::unique_ptr<Box> east_ = std::make_unique<Box>(directory_ / "east", 1);
  std::unique_ptr<Box> west_ = std::make_unique<Box>(directory_ / "west", 2);
};

TEST_F(TwoFiles, ThatAreAlikeHaveLostNothing) {
  fill(5);
  const KindCompared compared = compare(TableKind::kSession4);
  EXPECT_EQ(compared.entries_a, 5U);
  EXPECT_EQ(compared.entries_b, 5U);
  EXPECT_EQ(compared.kept, 5U);
  EXPECT_EQ(compared.same, 5U);
  EXPECT_EQ(compared.lost, 0U);
}

TEST_F(TwoFiles, WhatNeverArrivedIsLost) {
  fill(4);
  auto mine = tests::make_session<Address4>(9);
  mine.state.generation = 1;  // of the first session in that slot
  east_->sessions().put(9, mine);
  const KindCompared compared = compare(TableKind::kSession4);
  EXPECT_EQ(compared.kept, 4U);
  EXPECT_EQ(compared.lost, 1U);
}

TEST_F(TwoFiles, WhatHasChangedSinceIsKeptAndNotTheSame) {
  fill(3);
  auto& session = west_->sessions().changeable(1);
  tables::set_tcp_rank(session.state, tables::kFromClient, tables::TcpRank::kEstablished);
  const KindCompared compared = compare(TableKind::kSession4);
  EXPECT_EQ(compared.kept, 3U);
  EXPECT_EQ(compared.same, 2U);
}

TEST_F(TwoFiles, AnotherSessionInTheSameSlotIsNotTheOne) {
  fill(3);
  auto other = tests::make_session<Address4>(40);
  other.state.generation = east_->sessions().entry(1).state.generation;
  west_->sessions().put(1, other);
  const KindCompared compared = compare(TableKind::kSession4);
  EXPECT_EQ(compared.kept, 2U);
  EXPECT_EQ(compared.lost, 1U);
}

TEST_F(TwoFiles, ASessionThatEndedAndWhoeverCameAfterItLoseNothing) {
  fill(3);
  west_->sessions().erase(1);
  west_->sessions().put(1, [&] {
    auto next = tests::make_session<Address4>(40);
    next.state.generation =
        static_cast<std::uint16_t>(east_->sessions().entry(1).state.generation + 1);
    return next;
  }());
  EXPECT_EQ(compare(TableKind::kSession4).lost, 0U);
}

TEST_F(TwoFiles, WhatARuleKeepsAtHomeIsLocal) {
  fill(2);
  auto mine = tests::make_session<Address4>(7);
  mine.flags |= tables::kLocalOnly;
  east_->sessions().put(7, mine);
  const KindCompared compared = compare(TableKind::kSession4);
  EXPECT_EQ(compared.local, 1U);
  EXPECT_EQ(compared.entries_a, 2U);
  EXPECT_EQ(compared.lost, 0U);
}

TEST_F(TwoFiles, TheHomePartitionIsComparedToo) {
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    east_->home<TableKind::kArp>().put(slot, neighbor(slot));
    west_->home<TableKind::kArp>().put(slot, neighbor(slot));
  }
  const KindCompared compared = compare(TableKind::kArp);
  EXPECT_EQ(compared.entries_a, 3U);
  EXPECT_EQ(compared.same, 3U);
}

TEST_F(TwoFiles, AKindThatIsNeverSentIsLocal) {
  tables::PlainEntry<tables::DosBlockBody> entry{};
  entry.body = tests::body_of<tables::DosBlockBody>(1);
  entry.head.flags = tables::kLive;
  east_->home<TableKind::kDosBlock>().put(0, entry);
  const KindCompared compared = compare(TableKind::kDosBlock);
  EXPECT_EQ(compared.local, 1U);
  EXPECT_EQ(compared.entries_a + compared.lost, 0U);
}

TEST_F(TwoFiles, OfTwoPairsAreRefusedInWords) {
  west_ = std::make_unique<Box>(directory_ / "other", 2, 2 * kSessions);
  try {
    compare(TableKind::kSession4);
    FAIL() << "they were compared";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("session4"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace twinplane::dataplane
