// SPDX-License-Identifier: BSD-3-Clause
// Tables' memory in a file: when it is kept over lives, and which files are refused. Other users'
// files are made by root alone.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "dataplane/table_memory.hpp"

namespace twinplane::dataplane {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::byte kMark{0x5A};

tables::ImageHead head(std::uint32_t partition_count = 2) {
  tables::ImageHead head;
  head.partition_count = partition_count;
  head.partition_bytes = 4096;
  head.machine_start = {'t', 'o', 'd', 'a', 'y'};
  return head;
}

class TableMemoryFile : public testing::Test {
 protected:
  TableMemoryFile() : directory_(make_directory()), path_(directory_ / "tables") {}

  ~TableMemoryFile() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<TableMemory> open(const tables::ImageHead& mine = head()) const {
    return std::make_unique<TableMemory>(
        mine, TableMemorySetup{.file = path_.string(), .keeps_tables = true});
  }

  // What is said when it cannot be opened; empty when it can.
  std::string refusal() const {
    try {
      static_cast<void>(open());
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  // A life that ends in order and leaves a mark.
  void leave_tables() const {
    const auto memory = open();
    memory->mark_in_use();
    memory->partition_block(1).front() = kMark;
    memory->mark_clean({}, 0);
  }

  bool has_mark() const {
    std::ifstream file(path_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(tables::kImageHeadBytes + head().partition_bytes));
    return file.get() == std::to_integer<int>(kMark);
  }

  mode_t mode() const {
    struct stat status {};

    return ::stat(path_.c_str(), &status) == 0 ? status.st_mode & ALLPERMS : 0;
  }

  static std::filesystem::path make_directory() {
    std::string name = "/dev/shm/twinplane-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory: " + name);
    return name;
  }

  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(TableMemoryFile, TellsHowTheProcessBeforeEndedAlsoAfterAStartThatFailed) {
  {
    const auto memory = open();
    EXPECT_EQ(memory->end_before().term, 0U);
    memory->mark_in_use();
    memory->mark_clean({7, 1, 1234}, 0);
  }
  open().reset();
  const auto memory = open();
  ASSERT_TRUE(memory->is_kept());
  EXPECT_EQ(memory->end_before().term, 7U);
  EXPECT_EQ(memory->end_before().was_active, 1U);
  EXPECT_EQ(memory->end_before().at_ns, 1234U);
}

TEST_F(TableMemoryFile, ThatIsNewIsZeroedAndItsOwnersAlone) {
  const auto memory = open();
  EXPECT_FALSE(memory->is_kept());
  EXPECT_EQ(memory->why_not_kept(), "");
  EXPECT_EQ(memory->partition_block(1).front(), std::byte{0});
  EXPECT_EQ(mode(), mode_t{0600});
}

TEST_F(TableMemoryFile, LeftInOrderIsKept) {
  leave_tables();
  const auto memory = open();
  EXPECT_TRUE(memory->is_kept());
  EXPECT_EQ(memory->partition_block(1).front(), kMark);
}

TEST_F(TableMemoryFile, IsStillKeptAfterStartsThatDidNotUseIt) {
  leave_tables();
  for (int start = 0; start < 2; ++start) {
    const auto memory = open();
    EXPECT_TRUE(memory->is_kept()) << start;
  }
  EXPECT_TRUE(open()->is_kept());
}

TEST_F(TableMemoryFile, ThatWasUsedAndNotLeftInOrderIsMadeAnew) {
  leave_tables();
  open()->mark_in_use();
  const auto memory = open();
  EXPECT_FALSE(memory->is_kept());
  EXPECT_THAT(memory->why_not_kept(), HasSubstr("unclean"));
  EXPECT_EQ(memory->partition_block(1).front(), std::byte{0});
}

TEST_F(TableMemoryFile, ThatIsNewIsNotKeptWhereItWasNeverUsed) {
  static_cast<void>(open());
  EXPECT_FALSE(open()->is_kept());
}

TEST_F(TableMemoryFile, OfAnotherSizeIsMadeAnew) {
  leave_tables();
  const auto memory = open(head(2048));
  EXPECT_FALSE(memory->is_kept());
  EXPECT_THAT(memory->why_not_kept(), HasSubstr("another size"));
}

TEST_F(TableMemoryFile, OfALivingBoxIsRefusedAndStaysAsItIs) {
  const auto memory = open();
  memory->partition_block(1).front() = kMark;
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("another box")));
  EXPECT_TRUE(has_mark());
}

TEST_F(TableMemoryFile, ThatIsASymbolicLinkIsRefusedAndItsTargetStays) {
  leave_tables();
  std::filesystem::rename(path_, directory_ / "target");
  std::filesystem::create_symlink(directory_ / "target", path_);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("symbolic link")));
  EXPECT_TRUE(has_mark());
}

TEST_F(TableMemoryFile, ThatIsNotRegularIsRefused) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("not a regular file")));
}

TEST_F(TableMemoryFile, InADirectoryThatIsMissingIsRefused) {
  path_ = directory_ / "missing" / "tables";
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("No such file")));
}

TEST_F(TableMemoryFile, OfAnotherUserIsRefusedAndStaysAsItIs) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  leave_tables();
  ASSERT_EQ(::chown(path_.c_str(), 12345, 12345), 0);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path_.string()), HasSubstr("12345")));
  EXPECT_TRUE(has_mark());
}

TEST_F(TableMemoryFile, ThatOthersMayReadBecomesItsOwnersAlone) {
  leave_tables();
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_TRUE(open()->is_kept());
  EXPECT_EQ(mode(), mode_t{0600});
}

TEST_F(TableMemoryFile, HasAllItsPagesFromTheStart) {
  const auto memory = open();

  struct stat status {};

  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_GE(static_cast<std::size_t>(status.st_blocks) * 512, memory->bytes());
}

TEST(MachineStart, IsKnownHere) { EXPECT_NE(machine_start(), decltype(machine_start()){}); }

}  // namespace
}  // namespace twinplane::dataplane
