// SPDX-License-Identifier: BSD-3-Clause
// destination_nat.hpp - where a packet really goes whose destination is a public address of a
// server, and as whom the server speaks itself.
//
// Thread:  built at start; const afterwards, for any number of cores: nothing is remembered.
// Memory:  built once, under 100 bytes a rule; looking up allocates nothing.
// Limits:  kNatRulesMax rules. A packet to an address that no rule names costs one bit of a map of
//          128 bytes, or nothing where there are no rules.
// Errors:  none; expects a Config that load_config has passed.
// Spec:    dataplane/DESIGN.md D-D17: the answer depends on packet, zone and configuration alone,
//          so it can be had before the session is known, and names the session's partition.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/config.hpp"
#include "tables/flow_key.hpp"

namespace twinplane::dataplane {

// A packet as it comes in by a port of `zone`.
template <class Address>
struct Arrival {
  std::uint8_t protocol;
  tables::Endpoint<Address> source;
  tables::Endpoint<Address> target;
  std::uint8_t zone;  // into Config::zones, below kZonesMax
};

class DestinationNat {
 public:
  explicit DestinationNat(const Config& config);

  // What the first rule that matches makes of the packet's target; nothing when none does.
  std::optional<tables::Endpoint<tables::Address4>> try_real_target(
      const Arrival<tables::Address4>& arrival) const noexcept {
    return rows4_.try_real_target(*this, arrival);
  }

  std::optional<tables::Endpoint<tables::Address6>> try_real_target(
      const Arrival<tables::Address6>& arrival) const noexcept {
    return rows6_.try_real_target(*this, arrival);
  }

  // As whom a host speaks in that zone which a bidirectional rule names; nothing when none does.
  std::optional<tables::Address4> try_public_source(const tables::Address4& real,
                                                    std::uint8_t zone_to) const noexcept {
    return rows4_.try_public_source(real, zone_to);
  }

  std::optional<tables::Address6> try_public_source(const tables::Address6& real,
                                                    std::uint8_t zone_to) const noexcept {
    return rows6_.try_public_source(real, zone_to);
  }

 private:
  // Where a rule's prefixes stand in sources_, as a half-open interval; empty = any.
  struct Slice {
    std::size_t begin;
    std::size_t end;
  };

  // Of a public address: one rule.
  template <class Address>
  struct Row {
    Address address;
    Address real_address;
    std::uint64_t zones_from;                // a bit for each zone
    std::array<std::uint16_t, 2> protocols;  // kAnyProtocol in the first stands for all
    std::optional<PortRange> ports;
    std::uint16_t real_port_be;  // 0 = the port stays
    bool is_bidirectional;
    Slice sources;
  };

  template <class Address>
  class Rows {
   public:
    void add(const Row<Address>& row);
    std::optional<tables::Endpoint<Address>> try_real_target(
        const DestinationNat& owner, const Arrival<Address>& arrival) const noexcept;
    std::optional<Address> try_public_source(const Address& real,
                                             std::uint8_t zone_to) const noexcept;

   private:
    // Which bit of the map stands for the address.
    static std::size_t bit_of(const Address& address) noexcept {
      std::uint32_t word = 0;
      for (const std::uint32_t piece :
           std::bit_cast<std::array<std::uint32_t, sizeof(Address) / 4>>(address))
        word ^= piece;
      return word * 0x9E3779B1U >> 22U;
    }

    std::array<std::uint64_t, 16> map_{};
    std::vector<Row<Address>> rows_;  // by address; those of one address as they stand in the file
  };

  static constexpr std::uint16_t kAnyProtocol = 0xFFFF;

  template <class Address>
  bool matches(const Row<Address>& row, const Arrival<Address>& arrival) const noexcept;
  template <class Address>
  static Row<Address> compile(const NatConfig& nat, const NatDestination& destination,
                              const Slice& sources);

  std::vector<IpPrefix> sources_;
  Rows<tables::Address4> rows4_;
  Rows<tables::Address6> rows6_;
};

template <class Address>
inline std::optional<tables::Endpoint<Address>> DestinationNat::Rows<Address>::try_real_target(
    const DestinationNat& owner, const Arrival<Address>& arrival) const noexcept {
  if (rows_.empty()) return std::nullopt;
  const std::size_t bit = bit_of(arrival.target.address);
  if ((map_[bit / 64] >> bit % 64 & 1U) == 0) return std::nullopt;
  auto row = std::ranges::lower_bound(rows_, arrival.target.address, {}, &Row<Address>::address);
  for (; row != rows_.end() && row->address == arrival.target.address; ++row) {
    if (!owner.matches(*row, arrival)) continue;
    return tables::Endpoint<Address>{
        row->real_address, row->real_port_be == 0 ? arrival.target.port_be : row->real_port_be};
  }
  return std::nullopt;
}

}  // namespace twinplane::dataplane
