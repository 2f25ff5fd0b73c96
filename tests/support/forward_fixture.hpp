// SPDX-License-Identifier: BSD-3-Clause
// forward_fixture.hpp - a Forwarder over kConfigText and one partition, for tests that give it one
// packet at a time.
//
// Thread:  the test's.
// Memory:  DPDK's EAL, which it starts without huge pages, devices or privileges: 160 MiB.
// Limits:  one test program at a time holds an EAL; it is started once a suite.
// Errors:  expectations of GoogleTest.
// Spec:    none.
#pragma once

#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/destination_nat.hpp"
#include "dataplane/expectations.hpp"
#include "dataplane/forward.hpp"
#include "dataplane/nat_pool.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/quote.hpp"
#include "dataplane/return_paths.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tests/support/config_text.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::tests {

inline constexpr int kSyn = 0x02, kAck = 0x10, kFin = 0x01, kSynAck = 0x12, kRst = 0x04;
inline constexpr std::uint8_t kInside = 0, kOutside = 1;
inline constexpr tables::Address4 kHidden{10, 2, 0, 254};

using dataplane::Config;
using dataplane::Forwarder;
using dataplane::ForwardVerdict;
using dataplane::PacketKind;
using dataplane::ParseResult;
using tables::Address4;
using tables::Address6;

// What came of one packet, and the frame as it left.
struct Outcome {
  dataplane::ForwardResult result;
  dataplane::PacketView view;
  Bytes frame;
};

class ForwardFixture : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::array<std::string, 11> words{
        "test_forward", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m",
        "160",          "-l",        "0",        "--log-level", "error"};
    std::array<char*, words.size()> pointers{};
    for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
    ASSERT_GE(rte_eal_init(static_cast<int>(pointers.size()), pointers.data()), 0);
  }

  static void TearDownTestSuite() { rte_eal_cleanup(); }

  void make(const Config& config, std::uint32_t slot_count = 64) {
    config_ = config;
    rules_.emplace(config_);
    rules_in_use_.emplace(*rules_);
    routes_.reset();
    routes_.emplace(config_, "forward", -1);
    nat_.emplace(config_, 7);
    destinations_.emplace(config_);
    returns_.emplace(config_);
    const bool may_return = dataplane::return_slots(config_) != 0;
    expectations_.emplace(slot_count, kExpectationMs, tables::HashSeed{6});
    forwarder_.emplace(dataplane::ForwardContext{config_, *rules_in_use_, *routes_, *nat_,
                                                 *destinations_, &*expectations_,
                                                 may_return ? &*returns_ : nullptr});
    tables::PartitionLimits limits;
    limits.session4 = limits.session6 = {slot_count, 2};
    limits.plain(tables::TableKind::kSequenceShift) = slot_count;
    limits.plain(tables::TableKind::kExpectation) = slot_count;
    limits.plain(tables::TableKind::kReturnMac) =
        std::min(slot_count, dataplane::return_slots(config_));
    memory_.reset(
        static_cast<std::byte*>(std::aligned_alloc(64, tables::Partition::bytes(limits))));
    std::memset(memory_.get(), 0, tables::Partition::bytes(limits));
    tables::Carver carver({memory_.get(), tables::Partition::bytes(limits)});
    partition_.emplace(carver, limits, tables::HashSeed{5});
  }

  // By default all partitions are one table, so that every NAT port is home.
  void SetUp() override { make(dataplane::parse_config(with_one_partition(kConfigText), "t")); }

  static std::string with_one_partition(std::string_view text) {
    return std::string(text) + "[tables]\npartitions = 1\n";
  }

  Outcome send(std::uint8_t port, Bytes frame) {
    Outcome outcome{.result = {}, .view = {}, .frame = std::move(frame)};
    EXPECT_EQ(dataplane::parse(outcome.frame, outcome.view), ParseResult::kOk);
    if (outcome.view.kind == PacketKind::kIp4)
      outcome.result =
          forwarder_->forward(*partition_, outcome.frame, outcome.view,
                              Forwarder::key_of<Address4>(outcome.view), kNotLookedUp, port, time_);
    else
      outcome.result =
          forwarder_->forward(*partition_, outcome.frame, outcome.view,
                              Forwarder::key_of<Address6>(outcome.view), kNotLookedUp, port, time_);
    return outcome;
  }

  // `frame` is an ICMP error.
  Outcome send_error(std::uint8_t port, Bytes frame) {
    Outcome outcome{.result = {}, .view = {}, .frame = std::move(frame)};
    dataplane::PacketView quote;
    EXPECT_EQ(dataplane::parse(outcome.frame, outcome.view), ParseResult::kOk);
    EXPECT_EQ(dataplane::parse_quote(outcome.frame, outcome.view, quote), ParseResult::kOk);
    const auto forward = [&](const auto& key) {
      return forwarder_->forward_error(*partition_, outcome.frame, outcome.view, quote, key,
                                       kNotLookedUp, port);
    };
    outcome.result = outcome.view.kind == PacketKind::kIp4
                         ? forward(Forwarder::key_of<Address4>(quote))
                         : forward(Forwarder::key_of<Address6>(quote));
    return outcome;
  }

  Outcome send4(std::uint8_t port, const Ip4& ip, const Bytes& segment) {
    return send(port, frame4(ip, segment));
  }

  // The client's SYN, which opens a session and is hidden behind the NAT address; returns the port
  // it was given.
  std::uint16_t open(unsigned client_port = 40000) {
    const Outcome out = send4(kInside, {}, tcp_segment(client_port, 80, kSyn));
    EXPECT_EQ(out.result.verdict, ForwardVerdict::kForward);
    return out.view.source4.port_be;
  }

  Outcome reply(std::uint16_t nat_port_be, int flags) {
    const Ip4 ip{.source = kServer4, .target = kHidden};
    return send4(kOutside, ip, tcp_segment(80, dataplane::network_order(nat_port_be), flags));
  }

  std::uint32_t live4() const { return partition_->session4().slots().live_count(); }

  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };

  static constexpr std::uint32_t kExpectationMs = 30'000;
  static constexpr tables::Found kNotLookedUp{tables::kNoSlot, tables::Side::kClient};

  dataplane::BurstTime time_{5'000'000'000};
  Config config_;
  std::optional<dataplane::RuleSet> rules_;
  std::optional<dataplane::RulesInUse> rules_in_use_;
  std::optional<dataplane::RouteTable> routes_;
  std::optional<dataplane::NatPool> nat_;
  std::optional<dataplane::DestinationNat> destinations_;
  std::optional<dataplane::Expectations> expectations_;
  std::optional<dataplane::ReturnPaths> returns_;
  std::optional<Forwarder> forwarder_;
  std::unique_ptr<std::byte, Free> memory_;
  std::optional<tables::Partition> partition_;
};

}  // namespace twinplane::tests
