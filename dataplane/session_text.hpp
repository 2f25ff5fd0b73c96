// SPDX-License-Identifier: BSD-3-Clause
// session_text.hpp - a session or an association in words and numbers, for telemetry and table
// files.
//
// Thread:  any.
// Memory:  strings; not for the packet path.
// Limits:  none.
// Errors:  none.
// Spec:    one JSON object each; names as an operator knows them.
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "tables/sctp.hpp"
#include "tables/session.hpp"

namespace twinplane::dataplane {

template <class Address>
inline std::string endpoint_text(const tables::Endpoint<Address>& endpoint) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(sizeof(Address) == 4 ? AF_INET : AF_INET6, endpoint.address.data(), text, sizeof text);
  const std::string port = std::to_string(ntohs(endpoint.port_be));
  return sizeof(Address) == 4 ? std::string(text) + ":" + port
                              : "[" + std::string(text) + "]:" + port;
}

inline const char* tcp_rank_text(tables::TcpRank rank) {
  switch (rank) {
    case tables::TcpRank::kNone:
      return "none";
    case tables::TcpRank::kSynSent:
      return "syn-sent";
    case tables::TcpRank::kEstablished:
      return "established";
    case tables::TcpRank::kFinSent:
      return "fin-sent";
    case tables::TcpRank::kFinAcked:
      return "fin-acked";
    case tables::TcpRank::kReset:
      return "reset";
  }
  return "unknown";
}

template <class Address>
inline nlohmann::ordered_json session_json(const tables::SessionOf<Address>& session) {
  const auto side = [&session](tables::Side which) {
    return tables::DirectedKey<Address>{tables::key_of(session, which),
                                        tables::client_is_a(session, which)};
  };
  const auto outside = side(tables::Side::kClient);
  nlohmann::ordered_json json;
  json["family"] = sizeof(Address) == 4 ? 4 : 6;
  json["protocol"] = session.protocol;
  json["client"] = endpoint_text(tables::source_of(outside));
  json["server"] = endpoint_text(tables::target_of(outside));
  if ((session.flags & tables::kTranslated) != 0) {
    const auto inside = side(tables::Side::kServer);
    json["translated_client"] = endpoint_text(tables::source_of(inside));
    json["translated_server"] = endpoint_text(tables::target_of(inside));
  }
  if (session.protocol == 6) {
    json["tcp_client"] = tcp_rank_text(tables::tcp_rank(session.state, tables::kFromClient));
    json["tcp_server"] = tcp_rank_text(tables::tcp_rank(session.state, tables::kFromServer));
  }
  json["reply_seen"] = (session.flags & tables::kReplySeen) != 0;
  json["local_only"] = (session.flags & tables::kLocalOnly) != 0;
  json["application"] = session.state.application;
  json["held"] = (session.flags & tables::kHeld) != 0;
  json["young"] = (session.flags & tables::kYoung) != 0;
  json["decrypted"] = (session.flags & tables::kDecrypted) != 0;
  json["rule"] = session.state.rule;
  json["ingress"] = session.state.ingress_role;
  json["egress"] = session.state.egress_role;
  json["generation"] = session.state.generation;
  return json;
}

inline const char* sctp_rank_text(tables::SctpRank rank) {
  constexpr std::array<const char*, tables::kSctpRankCount> kTexts{
      "none",          "init-sent",      "init-acked", "cookie-echoed", "established",
      "shutdown-sent", "shutdown-acked", "closed",     "aborted"};
  const auto index = static_cast<std::size_t>(rank);
  return index < kTexts.size() ? kTexts[index] : "unknown";
}

// Each side's first address stands for it; how many more it has is beside.
inline nlohmann::ordered_json session_json(const tables::PlainEntry<tables::SctpBody>& entry) {
  const tables::SctpState& state = entry.body.state;
  const auto end_text = [&state](tables::Direction side, std::uint16_t port_be) {
    const tables::Address6& address = state.addresses[side][0];
    tables::Address4 address4{};
    std::copy(address.begin() + 12, address.end(), address4.begin());
    return tables::mapped_address(address4) == address
               ? endpoint_text(tables::Endpoint<tables::Address4>{address4, port_be})
               : endpoint_text(tables::Endpoint<tables::Address6>{address, port_be});
  };
  const auto count_of = [&state](tables::Direction side) {
    return std::ranges::count_if(state.address_flags[side],
                                 [](std::uint8_t flags) { return flags != 0; });
  };
  nlohmann::ordered_json json;
  json["protocol"] = 132;
  json["client"] = end_text(tables::kFromClient, entry.body.client_port_be);
  json["server"] = end_text(tables::kFromServer, entry.body.server_port_be);
  json["client_addresses"] = count_of(tables::kFromClient);
  json["server_addresses"] = count_of(tables::kFromServer);
  json["sctp"] = sctp_rank_text(state.rank);
  json["local_only"] = (entry.head.flags & tables::kLocalOnly) != 0;
  json["rule"] = entry.body.rule;
  json["ingress"] = entry.body.ingress_role;
  json["egress"] = entry.body.egress_role;
  json["generation"] = entry.head.generation;
  return json;
}

}  // namespace twinplane::dataplane
