// SPDX-License-Identifier: BSD-3-Clause
// resolver_fixture.hpp - an active resolver between a link and packets that are kept for
// inspection, and its virtual clock.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  a table of 64 neighbors and small limits, so that tests can reach them.
// Errors:  none.
// Spec:    dataplane/neighbor_resolver.hpp.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "dataplane/neighbor_resolver.hpp"
#include "tests/support/link_fakes.hpp"

namespace twinplane::tests {

using dataplane::NeighborCounter;
using dataplane::NeighborDrop;
using dataplane::NeighborKey;
using dataplane::NeighborState;

inline NeighborKey host(unsigned number) {
  return NeighborKey::of(0, tables::Address4{10, 1, 0, static_cast<std::uint8_t>(number)});
}

inline const NeighborKey kHost = host(7);

class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() { resolver_.set_active(true, 0); }

  void advance(std::uint64_t by_ms) {
    for (const std::uint64_t end_ms = now_ms_ + by_ms; now_ms_ < end_ms;) resolver_.poll(++now_ms_);
  }

  void resolve(const NeighborKey& key, std::size_t packet) {
    resolver_.resolve(key, packets_.packet(packet), now_ms_);
  }

  void answer(const NeighborKey& key, const MacAddress& mac = kHostMac) {
    resolver_.on_advertisement(
        key, {.is_answer = true, .is_override = true, .has_mac = true, .mac = mac}, now_ms_);
  }

  // Unasked.
  void tell(const NeighborKey& key, const MacAddress& mac, bool is_override) {
    resolver_.on_advertisement(key, {.is_override = is_override, .has_mac = true, .mac = mac},
                               now_ms_);
  }

  bool is_known(const NeighborKey& key, const MacAddress& wanted = kHostMac) const {
    MacAddress mac;
    return table_.try_lookup(key, mac) && mac == wanted;
  }

  NeighborState state_of(const NeighborKey& key) const {
    return table_.entry(table_.find(key)).state;
  }

  std::uint64_t count(NeighborCounter counter) const { return counters_.get(counter); }

  FakePackets::Released released(std::size_t packet, const MacAddress& mac = kHostMac) {
    return {packets_.packet(packet), 0, mac};
  }

  FakePackets::Dropped dropped(std::size_t packet, NeighborDrop reason) {
    return {packets_.packet(packet), reason};
  }

  dataplane::NeighborOptions options_{
      .unresolved_max = 20, .requests = {100, 40}, .learns = {10, 10}};
  dataplane::OwnAddresses own_{two_ports()};
  dataplane::NeighborTable table_{64, {7}};
  dataplane::NeighborCounters counters_;
  FakeLink link_;
  FakePackets packets_;
  dataplane::NeighborSender sender_{own_, link_, counters_};
  dataplane::NeighborResolver resolver_{options_, own_, table_, sender_, packets_, counters_};
  std::uint64_t now_ms_ = 1;
};

}  // namespace twinplane::tests
