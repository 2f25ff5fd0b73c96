// SPDX-License-Identifier: BSD-3-Clause
// group_builder.hpp - IGMP and MLD messages for tests, built byte by byte.
//
// Thread:  any; values.
// Memory:  allocates freely.
// Limits:  shares no code with dataplane/ but for reading addresses' text.
// Errors:  none.
// Spec:    RFC 1112, 2236, 3376 (IGMP); RFC 2710, 3810 (MLD).
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "dataplane/config_address.hpp"
#include "tests/support/packet_builder.hpp"

namespace twinplane::tests {

inline dataplane::IpAddress address(const char* text) {
  return dataplane::parse_address(text).value();
}

// As the group modules have it: IPv4 as ::ffff:a.b.c.d.
inline tables::Address6 group_address(const char* text) {
  const dataplane::IpAddress read = address(text);
  if (read.is6()) return read.v6();
  const tables::Address4 four = read.v4();
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, four[0], four[1], four[2], four[3]};
}

inline std::size_t bytes_of_family(const char* text) { return address(text).is4() ? 4 : 16; }

inline void append_address(Bytes& to, const char* text) {
  const dataplane::IpAddress read = address(text);
  append(to, std::as_bytes(std::span(read.bytes)).first(bytes_of_family(text)));
}

inline const Bytes kIgmpAlert = bytes_of({0x94, 4, 0, 0});
inline const Bytes kMldAlert = bytes_of({58, 0, 5, 2, 0, 0, 1, 0});

using Sources = std::vector<const char*>;

struct Record {
  int type;
  const char* group;
  Sources sources{};
  int auxiliary_words = 0;
};

inline Bytes record_bytes(const Record& record) {
  Bytes bytes =
      bytes_of({record.type, record.auxiliary_words, static_cast<int>(record.sources.size() >> 8U),
                static_cast<int>(record.sources.size() & 0xFFU)});
  append_address(bytes, record.group);
  for (const char* source : record.sources) append_address(bytes, source);
  append(bytes, filler(static_cast<std::size_t>(record.auxiliary_words) * 4));
  return bytes;
}

// IGMP 3's and MLD 2's report.
inline Bytes report_message(int type, const std::vector<Record>& records) {
  Bytes message = bytes_of({type, 0, 0, 0, 0, 0, static_cast<int>(records.size() >> 8U),
                            static_cast<int>(records.size() & 0xFFU)});
  for (const Record& record : records) append(message, record_bytes(record));
  return message;
}

// IGMP 1 and 2, and the beginning of version 3's query.
inline Bytes igmp_message(int type, int code, const char* group) {
  Bytes message = bytes_of({type, code, 0, 0});
  append_address(message, group);
  return message;
}

inline Bytes mld_message(int type, int code, const char* group) {
  Bytes message = bytes_of({type, 0, 0, 0, code >> 8U, code & 0xFF, 0, 0});
  append_address(message, group);
  return message;
}

inline Bytes query_tail(int flags_and_robustness, int interval_code, const Sources& sources = {}) {
  Bytes tail =
      bytes_of({flags_and_robustness, interval_code, static_cast<int>(sources.size() >> 8U),
                static_cast<int>(sources.size() & 0xFFU)});
  for (const char* source : sources) append_address(tail, source);
  return tail;
}

inline Ip4 igmp_header(const char* source, const char* target) {
  return {.source = address(source).v4(),
          .target = address(target).v4(),
          .protocol = 2,
          .ttl = 1,
          .options = kIgmpAlert};
}

inline Bytes igmp_frame(const Ip4& header, Bytes message) {
  put16(message, 2, 0);
  put16(message, 2, slow_checksum(message));
  return frame4(header, message);
}

inline Bytes igmp_frame(const char* source, const char* target, const Bytes& message) {
  return igmp_frame(igmp_header(source, target), message);
}

inline Ip6 mld_header(const char* source, const char* target) {
  return {.source = address(source).v6(),
          .target = address(target).v6(),
          .protocol = 58,
          .hop_limit = 1,
          .first_header = 0,
          .extensions = kMldAlert};
}

inline Bytes mld_frame(const char* source, const char* target, const Bytes& message) {
  return frame6(mld_header(source, target), message);
}

}  // namespace twinplane::tests
