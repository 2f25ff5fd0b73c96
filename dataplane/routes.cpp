// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/routes.hpp"

#include <rte_errno.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <stdexcept>

#include "dataplane/bytes.hpp"
#include "dataplane/config_floating.hpp"

namespace twinplane::dataplane {
namespace {

struct Route {
  RouteKind kind;
  std::uint8_t port_index;
  IpAddress via;
};

// Every prefix once. A floating address that is a network of its own (/32, /128) is local, not
// connected.
using RouteMap = std::map<IpPrefix, Route>;

RouteMap collect(const Config& config) {
  RouteMap routes;
  for (const FloatingAddress& floating : floating_addresses(config)) {
    const IpPrefix host{floating.address, bits_of(floating.address.family)};
    if (!is_link_local(floating.address))
      routes.emplace(host, Route{RouteKind::kLocal, floating.port_index, {}});
  }
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    for (const IpPrefix& own : config.ports[i].addresses) {
      if (is_link_local(own.address)) continue;
      routes.emplace(network_of(own),
                     Route{RouteKind::kConnected, static_cast<std::uint8_t>(i), {}});
    }
  }
  for (const RouteConfig& route : config.routes) {
    routes.emplace(route.prefix, Route{RouteKind::kVia, route.port_index, route.via});
  }
  return routes;
}

// rte_lpm and rte_lpm6 take the first 24 bits by one table and each 8 further bits by a group of
// 256 entries.
std::uint32_t groups_of(const IpPrefix& prefix) noexcept {
  return prefix.length_bits <= 24 ? 0 : (prefix.length_bits - 17U) / 8U;
}

struct Sizes {
  std::uint32_t prefixes;
  std::uint32_t groups;
};

Sizes sizes_of(const RouteMap& routes, Family family) {
  Sizes sizes{0, 0};
  for (const auto& [prefix, route] : routes) {
    if (prefix.address.family != family || prefix.length_bits == 0) continue;
    ++sizes.prefixes;
    sizes.groups += groups_of(prefix);
  }
  return sizes;
}

[[noreturn]] void throw_no_table(const char* library, const Sizes& sizes) {
  const std::uint32_t mib = 64 + (sizes.groups + 1023) / 1024;
  throw std::runtime_error("routes: " + std::string(library) + " needs about " +
                           std::to_string(mib) + " MiB in one piece (" + rte_strerror(rte_errno) +
                           "); raise eal.memory_mib, or reserve more huge pages");
}

[[noreturn]] void throw_not_added(const IpPrefix& prefix, int error) {
  throw std::runtime_error("routes: cannot add " + to_text(prefix) + ": " + rte_strerror(-error));
}

std::uint32_t host_order(const tables::Address4& address) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, address.data(), sizeof value);
  return network_order(value);
}

template <class Address>
RouteResult<Address> resolved(const RouteResult<Address>& hop,
                              const Address& destination) noexcept {
  if (hop.kind == RouteKind::kVia || hop.kind == RouteKind::kNone) return hop;
  return {hop.kind, hop.port_index, destination};
}

}  // namespace

void RouteTable::Lpm4Deleter::operator()(rte_lpm* table) const noexcept { rte_lpm_free(table); }

void RouteTable::Lpm6Deleter::operator()(rte_lpm6* table) const noexcept { rte_lpm6_free(table); }

RouteTable::RouteTable(const Config& config, const std::string& name, int socket_id) {
  const RouteMap routes = collect(config);
  if (const Sizes sizes = sizes_of(routes, Family::kIpv4); sizes.prefixes != 0) {
    const rte_lpm_config limits{sizes.prefixes, std::max(1U, sizes.groups), 0};
    lpm4_.reset(rte_lpm_create((name + "-route4").c_str(), socket_id, &limits));
    if (!lpm4_) throw_no_table("rte_lpm", sizes);
  }
  if (const Sizes sizes = sizes_of(routes, Family::kIpv6); sizes.prefixes != 0) {
    const rte_lpm6_config limits{sizes.prefixes, std::max(1U, sizes.groups), 0};
    lpm6_.reset(rte_lpm6_create((name + "-route6").c_str(), socket_id, &limits));
    if (!lpm6_) throw_no_table("rte_lpm6", sizes);
  }
  for (const auto& [prefix, route] : routes) {
    const IpAddress& address = prefix.address;
    if (address.is4()) {
      const RouteResult4 hop{route.kind, route.port_index, route.via.v4()};
      if (prefix.length_bits == 0) {
        default4_ = hop;
        continue;
      }
      const int error = rte_lpm_add(lpm4_.get(), host_order(address.v4()), prefix.length_bits,
                                    static_cast<std::uint32_t>(hops4_.size()));
      if (error != 0) throw_not_added(prefix, error);
      hops4_.push_back(hop);
    } else {
      const RouteResult6 hop{route.kind, route.port_index, route.via.v6()};
      if (prefix.length_bits == 0) {
        default6_ = hop;
        continue;
      }
      const int error = rte_lpm6_add(lpm6_.get(), address.bytes.data(), prefix.length_bits,
                                     static_cast<std::uint32_t>(hops6_.size()));
      if (error != 0) throw_not_added(prefix, error);
      hops6_.push_back(hop);
    }
  }
}

RouteResult4 RouteTable::lookup(const tables::Address4& destination) const noexcept {
  std::uint32_t hop = 0;
  const bool found =
      lpm4_ != nullptr && rte_lpm_lookup(lpm4_.get(), host_order(destination), &hop) == 0;
  return resolved(found ? hops4_[hop] : default4_, destination);
}

RouteResult6 RouteTable::lookup(const tables::Address6& destination) const noexcept {
  if (is_link_local(IpAddress::of(destination))) return {};
  std::uint32_t hop = 0;
  const bool found =
      lpm6_ != nullptr && rte_lpm6_lookup(lpm6_.get(), destination.data(), &hop) == 0;
  return resolved(found ? hops6_[hop] : default6_, destination);
}

}  // namespace twinplane::dataplane
