// SPDX-License-Identifier: BSD-3-Clause
// What of a table file's head says that its tables are whole, and this box's to keep.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tables/image.hpp"

namespace twinplane::tables {
namespace {

constexpr std::uint64_t kPartitionBytes = 8192;
constexpr std::uint64_t kHomeBytes = 2048;
constexpr std::uint64_t kFileBytes = kImageHeadBytes + 4 * kPartitionBytes + kHomeBytes;

// As a box that is to start has it.
ImageHead my_head() {
  ImageHead head;
  head.partition_count = 4;
  head.session4_slots = 64;
  head.session6_slots = 32;
  head.has_half_open_queue = 1;
  head.box_id = 1;
  head.partition_bytes = kPartitionBytes;
  head.home_bytes = kHomeBytes;
  head.home_slots[index_of(TableKind::kArp)] = 16;
  head.hash_seed = 2;
  head.configuration = 3;
  head.machine_start = {'t', 'o', 'd', 'a', 'y'};
  return head;
}

// As this box's process before left it.
ImageHead left_head() {
  ImageHead head = my_head();
  head.hash_seed = 99;
  head.is_clean = 1;
  return head;
}

// Why a file that differs as `change` says is not kept; empty when it is.
template <class Change>
std::string reason_after(Change&& change) {
  ImageHead head = left_head();
  change(head);
  const char* const reason = why_not_kept(head, my_head(), kFileBytes);
  return reason == nullptr ? "" : reason;
}

template <class Change>
bool is_sound_after(Change&& change) {
  ImageHead head = left_head();
  change(head);
  return head.is_sound(kFileBytes);
}

constexpr const char* kCutDifferently = "its tables are cut differently: [tables] was changed";
constexpr const char* kCutShort = "it is cut short";
constexpr const char* kUnclean = "it is unclean: the process that used it did not end in order";
constexpr const char* kUnknownStart =
    "the machine's start is unknown: /proc/sys/kernel/random/boot_id cannot be read";

TEST(Image, IsKeptUnderAnotherHashSeed) {
  EXPECT_EQ(reason_after([](ImageHead&) {}), "");
}

TEST(Image, OfAnotherKindIsNotKept) {
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.magic; }), "it is no table file");
}

TEST(Image, OfAnotherVersionIsNotKept) {
  EXPECT_EQ(reason_after([](ImageHead& head) { --head.layout_version; }),
            "another version has written it");
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.layout_version; }),
            "another version has written it");
}

TEST(Image, ThatIsShorterThanItSaysIsNotKept) {
  EXPECT_STREQ(why_not_kept(left_head(), my_head(), kFileBytes - 1), kCutShort);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.partition_count; }), kCutShort);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.partition_bytes; }), kCutShort);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.home_bytes; }), kCutShort);
}

TEST(Image, ThatIsLongerThanItSaysIsKept) {
  EXPECT_EQ(why_not_kept(left_head(), my_head(), kFileBytes + 1), nullptr);
}

TEST(Image, ThatWasNotLeftInOrderIsNotKept) {
  EXPECT_EQ(reason_after([](ImageHead& head) { head.is_clean = 0; }), kUnclean);
  EXPECT_EQ(reason_after([](ImageHead& head) { head.is_clean = 2; }), kUnclean);
}

TEST(Image, OfTheOtherBoxIsNotKept) {
  EXPECT_EQ(reason_after([](ImageHead& head) { head.box_id = 0; }), "it is the other box's");
}

TEST(Image, FromBeforeTheMachinesLastStartIsNotKept) {
  for (std::size_t at = 0; at < sizeof ImageHead::machine_start; ++at)
    EXPECT_EQ(reason_after([at](ImageHead& head) { ++head.machine_start[at]; }),
              "it is from before the machine's last start")
        << at;
}

TEST(Image, OfAnUnknownStartOfTheMachineIsNotKept) {
  EXPECT_EQ(reason_after([](ImageHead& head) { head.machine_start = {}; }), kUnknownStart);
  ImageHead mine = my_head();
  mine.machine_start = {};
  EXPECT_STREQ(why_not_kept(left_head(), mine, kFileBytes), kUnknownStart);
  ImageHead old = left_head();
  old.machine_start = {};
  EXPECT_STREQ(why_not_kept(old, mine, kFileBytes), kUnknownStart);
}

TEST(Image, CutDifferentlyIsNotKept) {
  EXPECT_EQ(reason_after([](ImageHead& head) { --head.partition_count; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.session4_slots; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.session6_slots; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.sctp_slots; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.shift_slots; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.expectation_slots; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.return_slots; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { head.has_half_open_queue = 0; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { --head.partition_bytes; }), kCutDifferently);
  EXPECT_EQ(reason_after([](ImageHead& head) { --head.home_bytes; }), kCutDifferently);
  for (const TableKind kind : {TableKind::kArp, TableKind::kMac})
    EXPECT_EQ(reason_after([=](ImageHead& head) { ++head.home_slots[index_of(kind)]; }),
              kCutDifferently);
}

TEST(Image, OfAnotherConfigurationIsNotKept) {
  EXPECT_EQ(reason_after([](ImageHead& head) { ++head.configuration; }),
            "its rules, ports or zones have other numbers: the configuration was changed");
}

TEST(Image, IsSoundAsABoxLeavesIt) {
  EXPECT_TRUE(left_head().is_sound(kFileBytes));
  EXPECT_FALSE(left_head().is_sound(kFileBytes - 1));
}

TEST(Image, IsUnsoundWhereItsHeadCannotBe) {
  EXPECT_FALSE(is_sound_after([](ImageHead& head) { ++head.magic; }));
  EXPECT_FALSE(is_sound_after([](ImageHead& head) { ++head.layout_version; }));
  EXPECT_FALSE(is_sound_after([](ImageHead& head) { head.partition_count = 0; }));
  EXPECT_FALSE(is_sound_after([](ImageHead& head) {
    head.partition_count = ImageHead::kPartitionsMax + 1;
    head.partition_bytes = 0;
  }));
}

TEST(Image, IsUnsoundWherePartitionsAreSoLongThatTheirSumWraps) {
  EXPECT_FALSE(is_sound_after([](ImageHead& head) {
    head.partition_count = 4;
    head.partition_bytes = std::uint64_t{1} << 62U;
  }));
  EXPECT_FALSE(is_sound_after([](ImageHead& head) { head.home_bytes = ~std::uint64_t{0}; }));
}

TEST(Image, SaysHowItsHomePartitionIsCut) {
  const PartitionLimits limits = home_limits_of(my_head());
  EXPECT_EQ(limits.plain(TableKind::kArp), 16U);
  EXPECT_EQ(limits.plain(TableKind::kNd), 0U);
  EXPECT_EQ(limits.session4.slot_count, 0U);
}

}  // namespace
}  // namespace twinplane::tables
