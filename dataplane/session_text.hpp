// SPDX-License-Identifier: BSD-3-Clause
// session_text.hpp - a session in words and numbers, for telemetry and table files.
//
// Thread:  any.
// Memory:  strings; not for the packet path.
// Limits:  none.
// Errors:  none.
// Spec:    one JSON object a session; names as an operator knows them.
#pragma once

#include <arpa/inet.h>

#include <nlohmann/json.hpp>
#include <string>

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
  json["rule"] = session.state.rule;
  json["ingress"] = session.state.ingress_role;
  json["egress"] = session.state.egress_role;
  json["generation"] = session.state.generation;
  return json;
}

}  // namespace twinplane::dataplane
