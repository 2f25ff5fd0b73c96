// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "ha2/session_receipts.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::Address4;
using tables::TableKind;

Receipt ask_for_it_alone(tests::StreamEnds& ends, std::uint32_t slot) {
  return ends.stream().ask_receipt(TableKind::kSession4, slot);
}

class SessionReceiptsTest : public ::testing::Test {
 protected:
  static tests::BoxShape shape() {
    tests::BoxShape shape = tests::small_shape();
    shape.limits.plain(TableKind::kReturnMac) = shape.limits.plain(TableKind::kSequenceShift) = 64;
    return shape;
  }

  // A session with a return path, which the peer has.
  void SetUp() override {
    ends_.settle();
    slot_ = ends_.create(1);
    auto& slots = partition().session4().slots();
    slots.changeable(slot_).flags |= tables::kReturned;
    slots.renew(slot_);
    ASSERT_TRUE(tables::try_give_return<Address4>(partition(), slot_, {{2, 0, 0, 0, 0, 7}, 1}, 5));
    ends_.settle();
  }

  tables::Partition& partition() { return ends_.partition(); }

  void change_path() {
    const std::uint32_t at = tables::return_slot_of<Address4>(partition(), slot_);
    ASSERT_NE(at, tables::kNoSlot);
    partition().table<TableKind::kReturnMac>().change(
        at, [](tables::ReturnMacBody& body) { body.port = 3; });
  }

  void exchange() {
    for (const tests::Frame& frame : ends_.flush_owner()) ends_.to_the_mirror(frame);
    ends_.wait(100'000);
    for (const tests::Frame& status : ends_.poll_mirror()) ends_.to_the_owner(status);
  }

  tests::StreamEnds ends_{shape()};
  std::uint32_t slot_ = 0;
};

TEST_F(SessionReceiptsTest, WaitForWhatStandsBesideTheSessionToo) {
  change_path();
  SessionReceipts all = ask_receipts<Address4>(ends_.stream(), partition(), slot_);
  EXPECT_EQ(all.beside_count, 1U);
  Receipt alone = ask_for_it_alone(ends_, slot_);
  ASSERT_EQ(ends_.poll_owner().size(), 1U);  // lost, and with it the path
  ends_.create(2);
  exchange();
  EXPECT_EQ(ends_.stream().look_at(alone), ReceiptState::kReceived);
  EXPECT_EQ(look_at(ends_.stream(), all), ReceiptState::kWaiting);
  exchange();
  EXPECT_EQ(look_at(ends_.stream(), all), ReceiptState::kReceived);
}

TEST_F(SessionReceiptsTest, AskAgainForWhatHasChangedSince) {
  SessionReceipts all = ask_receipts<Address4>(ends_.stream(), partition(), slot_);
  change_path();
  EXPECT_EQ(look_at(ends_.stream(), all), ReceiptState::kWaiting);
  exchange();
  EXPECT_EQ(look_at(ends_.stream(), all), ReceiptState::kReceived);
}

TEST_F(SessionReceiptsTest, AreGoneWithTheSession) {
  SessionReceipts all = ask_receipts<Address4>(ends_.stream(), partition(), slot_);
  partition().session4().end(slot_);
  EXPECT_EQ(look_at(ends_.stream(), all), ReceiptState::kGone);
}

}  // namespace
}  // namespace twinplane::ha2
