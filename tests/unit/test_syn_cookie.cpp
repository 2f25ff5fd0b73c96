// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/syn_cookie.hpp"
#include "tests/support/prng.hpp"

namespace twinplane::dataplane {
namespace {

constexpr SipKey kFirstKey{1, 2};
constexpr SipKey kSecondKey{3, 4};
constexpr CookieTime kNow{1000};

template <class Address>
CookieFlow<Address> flow_of(std::uint32_t client_sequence = 0xFFFF'FFFF) {
  CookieFlow<Address> flow{.client = {}, .server = {}, .client_sequence = client_sequence};
  flow.client.address.fill(10);
  flow.server.address.fill(20);
  flow.client.port_be = 0x1234;
  flow.server.port_be = 0x5000;
  return flow;
}

template <class Address>
class SynCookie : public testing::Test {};

using Families = testing::Types<tables::Address4, tables::Address6>;
TYPED_TEST_SUITE(SynCookie, Families, );

TYPED_TEST(SynCookie, TellsTheMssRoundedDown) {
  const SipKey keys = kFirstKey;
  const auto flow = flow_of<TypeParam>();
  std::uint16_t told_before = 0;
  for (std::uint32_t mss = 0; mss <= 0xFFFF; ++mss) {
    const std::uint32_t cookie =
        make_syn_cookie(keys, flow, {static_cast<std::uint16_t>(mss), false}, kNow);
    const CookieAnswer answer = check_syn_cookie(keys, flow, cookie, kNow);
    ASSERT_EQ(answer.verdict, CookieVerdict::kGood) << mss;
    ASSERT_GE(answer.kept.mss, told_before);
    ASSERT_TRUE(answer.kept.mss <= mss || mss < 536) << mss;
    ASSERT_TRUE(mss < 1220 || mss > 1460 || answer.kept.mss + 100U > mss) << mss;
    told_before = answer.kept.mss;
  }
}

TYPED_TEST(SynCookie, IsGoodInItsPeriodAndTheNext) {
  const SipKey keys = kFirstKey;
  const auto flow = flow_of<TypeParam>();
  const std::uint32_t cookie = make_syn_cookie(keys, flow, {1460, false}, kNow);
  for (std::uint64_t period = kNow.period - 40; period < kNow.period + 70; ++period) {
    const bool is_good = period == kNow.period || period == kNow.period + 1;
    const bool looks_young = (period - kNow.period) % 16 <= 1;
    EXPECT_EQ(check_syn_cookie(keys, flow, cookie, {period}).verdict, is_good ? CookieVerdict::kGood
                                                                      : looks_young
                                                                          ? CookieVerdict::kForged
                                                                          : CookieVerdict::kTooOld)
        << period;
  }
}

TYPED_TEST(SynCookie, IsForThisFlowAlone) {
  const SipKey keys = kFirstKey;
  const auto flow = flow_of<TypeParam>();
  const std::uint32_t cookie = make_syn_cookie(keys, flow, {1460, false}, kNow);
  auto other = flow;
  const auto expect_refused = [&] {
    EXPECT_EQ(check_syn_cookie(keys, other, cookie, kNow).verdict, CookieVerdict::kForged);
    EXPECT_EQ(check_syn_cookie(keys, other, cookie, kNow).kept.mss, 0);
    other = flow;
  };
  other.client.address.back() ^= 1U;
  expect_refused();
  other.server.address.front() ^= 0x80U;
  expect_refused();
  other.client.port_be ^= 1U;
  expect_refused();
  other.server.port_be ^= 1U;
  expect_refused();
  other.client_sequence = 0;
  expect_refused();
  std::swap(other.client, other.server);
  expect_refused();
}

TYPED_TEST(SynCookie, NoBitOfItCanBeChanged) {
  const SipKey keys = kFirstKey;
  const auto flow = flow_of<TypeParam>();
  const std::uint32_t cookie = make_syn_cookie(keys, flow, {1300, false}, kNow);
  for (unsigned bit = 0; bit < 32; ++bit)
    EXPECT_NE(check_syn_cookie(keys, flow, cookie ^ 1U << bit, kNow).verdict, CookieVerdict::kGood);
}

TYPED_TEST(SynCookie, GuessesAreRefused) {
  const SipKey keys = kFirstKey;
  const auto flow = flow_of<TypeParam>();
  tests::Prng prng(1);
  int good = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto guess = static_cast<std::uint32_t>(prng.next());
    good += check_syn_cookie(keys, flow, guess, kNow).verdict == CookieVerdict::kGood ? 1 : 0;
  }
  EXPECT_LE(good, 1) << "two times of 16, two and eight sizes each, one hash of 2^24";
}

TYPED_TEST(SynCookie, AnotherKeyKnowsItNot) {
  const auto flow = flow_of<TypeParam>();
  const std::uint32_t cookie = make_syn_cookie(kFirstKey, flow, {1460, true}, kNow);
  EXPECT_EQ(check_syn_cookie(kSecondKey, flow, cookie, kNow).verdict, CookieVerdict::kForged);
}

TYPED_TEST(SynCookie, TellsWhetherTheClientTakesSack) {
  const auto flow = flow_of<TypeParam>();
  for (const bool has_sack : {false, true}) {
    const std::uint32_t cookie = make_syn_cookie(kFirstKey, flow, {1460, has_sack}, kNow);
    EXPECT_EQ(check_syn_cookie(kFirstKey, flow, cookie, kNow).kept.has_sack, has_sack);
  }
}

TYPED_TEST(SynCookie, TheFirstPeriodHasNoneBefore) {
  const SipKey keys = kFirstKey;
  const auto flow = flow_of<TypeParam>();
  const std::uint32_t first = make_syn_cookie(keys, flow, {1460, false}, {0});
  EXPECT_EQ(check_syn_cookie(keys, flow, first, {0}).verdict, CookieVerdict::kGood);
  const std::uint32_t before_time = first | 15U << 28U;
  EXPECT_EQ(check_syn_cookie(keys, flow, before_time, {0}).verdict, CookieVerdict::kTooOld);
}

TEST(SynCookieTime, CountsPeriodsOf64Seconds) {
  EXPECT_EQ(cookie_time(63).period, 0U);
  EXPECT_EQ(cookie_time(64).period, 1U);
}

}  // namespace
}  // namespace twinplane::dataplane
