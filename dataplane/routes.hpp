// SPDX-License-Identifier: BSD-3-Clause
// routes.hpp - L3 forwarding: which port a packet leaves by and whose MAC address it needs; rte_lpm
// and rte_lpm6 underneath.
//
// Thread:  built after rte_eal_init, by one thread; the lookups are const and may run on any number
//          of cores at once.
// Memory:  from EAL's heap, 64 MiB for IPv4 and 64 MiB for IPv6 whatever the number of routes (a
//          family that no port has an address of takes none), and 1 KiB for each 8 bits that a
//          prefix goes beyond /24. Measured: one family works with 128 MiB of EAL memory without
//          huge pages, both need 144. Most of it is never touched: the default route stands beside
//          the tables.
// Limits:  kRoutesMax static routes; one next hop each.
// Errors:  the constructor throws std::runtime_error, saying which memory is missing; lookups
//          answer RouteKind::kNone.
// Spec:    RFC 1812 section 5.2.4: the longest match wins.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/config.hpp"
#include "tables/flow_key.hpp"

struct rte_lpm;
struct rte_lpm6;

namespace twinplane::dataplane {

enum class RouteKind : std::uint8_t {
  kNone,       // no route: destination unreachable
  kLocal,      // one of the floating addresses, NAT's among them: not to be forwarded
  kConnected,  // the destination is on the port's link
  kVia,        // through the next router
};

template <class Address>
struct RouteResult {
  RouteKind kind{RouteKind::kNone};
  std::uint8_t port_index{};  // into Config::ports; meaningless for kNone
  Address next_hop{};         // whom to resolve: for kLocal and kConnected the destination itself

  friend bool operator==(const RouteResult&, const RouteResult&) = default;
};

using RouteResult4 = RouteResult<tables::Address4>;
using RouteResult6 = RouteResult<tables::Address6>;

class RouteTable {
 public:
  // `name` is what DPDK keeps the tables by: unique in the process, at most 24 characters.
  // `socket_id` is a NUMA socket or SOCKET_ID_ANY (-1).
  RouteTable(const Config& config, const std::string& name, int socket_id);

  RouteResult4 lookup(const tables::Address4& destination) const noexcept;
  // Link-local destinations have no route: they are never forwarded (RFC 4291 section 2.5.6).
  RouteResult6 lookup(const tables::Address6& destination) const noexcept;

 private:
  struct Lpm4Deleter {
    void operator()(rte_lpm* table) const noexcept;
  };

  struct Lpm6Deleter {
    void operator()(rte_lpm6* table) const noexcept;
  };

  std::unique_ptr<rte_lpm, Lpm4Deleter> lpm4_;  // none: no prefix of this family
  std::unique_ptr<rte_lpm6, Lpm6Deleter> lpm6_;
  std::vector<RouteResult4> hops4_;  // what the tables' numbers stand for
  std::vector<RouteResult6> hops6_;
  RouteResult4 default4_;  // rte_lpm takes no prefix of length 0
  RouteResult6 default6_;
};

}  // namespace twinplane::dataplane
