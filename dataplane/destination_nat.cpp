// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/destination_nat.hpp"

#include <type_traits>

#include "dataplane/bytes.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

template <class Address>
Address address_of(const IpAddress& address) noexcept {
  if constexpr (std::is_same_v<Address, tables::Address4>)
    return address.v4();
  else
    return address.v6();
}

bool is_in(std::uint64_t zones, std::uint8_t zone) noexcept {
  return (zones >> (zone % kZonesMax) & 1U) != 0;
}

}  // namespace

DestinationNat::DestinationNat(const Config& config) {
  for (const NatConfig& nat : config.nat) {
    if (!nat.destination) continue;
    const Slice sources{sources_.size(), sources_.size() + nat.source.size()};
    sources_.insert(sources_.end(), nat.source.begin(), nat.source.end());
    if (nat.destination->address.is4())
      rows4_.add(compile<tables::Address4>(nat, *nat.destination, sources));
    else
      rows6_.add(compile<tables::Address6>(nat, *nat.destination, sources));
  }
}

template <class Address>
DestinationNat::Row<Address> DestinationNat::compile(const NatConfig& nat,
                                                     const NatDestination& destination,
                                                     const Slice& sources) {
  Row<Address> row{};
  row.address = address_of<Address>(destination.address);
  row.real_address = address_of<Address>(destination.real_address);
  row.zones_from = zone_bits(nat.from_zones);
  row.protocols = {kAnyProtocol, kAnyProtocol};
  if (!destination.protocols.empty())
    row.protocols = {destination.protocols.front(), destination.protocols.back()};
  row.ports = destination.ports;
  row.real_port_be = network_order(destination.real_port);
  row.is_bidirectional = destination.is_bidirectional;
  row.sources = sources;
  return row;
}

template <class Address>
void DestinationNat::Rows<Address>::add(const Row<Address>& row) {
  const std::size_t bit = bit_of(row.address);
  map_[bit / 64] |= std::uint64_t{1} << bit % 64;
  rows_.insert(std::ranges::upper_bound(rows_, row.address, {}, &Row<Address>::address), row);
}

template <class Address>
bool DestinationNat::matches(const Row<Address>& row,
                             const Arrival<Address>& arrival) const noexcept {
  if (!is_in(row.zones_from, arrival.zone)) return false;
  const bool has_protocol = row.protocols[0] == kAnyProtocol ||
                            row.protocols[0] == arrival.protocol ||
                            row.protocols[1] == arrival.protocol;
  if (!has_protocol) return false;
  if (row.ports) {
    const std::uint16_t port = network_order(arrival.target.port_be);
    if (port < row.ports->first || port > row.ports->last) return false;
  }
  if (row.sources.begin == row.sources.end) return true;
  const IpAddress source = IpAddress::of(arrival.source.address);
  for (std::size_t i = row.sources.begin; i < row.sources.end; ++i) {
    if (contains(sources_[i], source)) return true;
  }
  return false;
}

template <class Address>
std::optional<Address> DestinationNat::Rows<Address>::try_public_source(
    const Address& real, std::uint8_t zone_to) const noexcept {
  for (const Row<Address>& row : rows_) {
    if (row.is_bidirectional && row.real_address == real && is_in(row.zones_from, zone_to))
      return row.address;
  }
  return std::nullopt;
}

template class DestinationNat::Rows<tables::Address4>;
template class DestinationNat::Rows<tables::Address6>;
template bool DestinationNat::matches(const Row<tables::Address4>&,
                                      const Arrival<tables::Address4>&) const noexcept;
template bool DestinationNat::matches(const Row<tables::Address6>&,
                                      const Arrival<tables::Address6>&) const noexcept;

}  // namespace twinplane::dataplane
