// SPDX-License-Identifier: BSD-3-Clause
// helper.hpp - an application-layer helper: reads in a control session where another session will
// go, and writes that anew where addresses are translated. What every helper is; kHelpers lists
// those there are.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  one such text a segment; kHelperTextMax bytes of it.
// Errors:  HelperVerdict; nothing that a segment holds does harm.
// Spec:    dataplane/DESIGN.md D-D31; ftp_text.hpp for the one there is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tables/session.hpp"

namespace twinplane::dataplane {

inline constexpr std::size_t kHelperTextMax = 64;

// What a session is, in its field `application`; one meaning on both boxes.
enum Application : std::uint16_t {
  kUnknownApplication = 0,
  kFtpControl = 1,
  kFtpData = 2,        // the client of the control session opened it
  kFtpServerData = 3,  // its server did
};

enum class HelperVerdict : std::uint8_t {
  kNothing,    // no endpoint is named
  kNamed,      // one is
  kPartial,    // the segment ends within what may name one: it must come again, with the rest
  kMalformed,  // it should name one, and cannot be read
  kCrowded,    // it names more than one
};

struct HelperText {
  HelperVerdict verdict = HelperVerdict::kNothing;
  // of the two ends of the control session, the one that will open the other session
  tables::Direction opener = tables::kFromClient;
  std::uint8_t form = 0;     // the helper's own: how the endpoint is written
  char delimiter = 0;        // the helper's own
  std::uint16_t offset = 0;  // in the payload: what names the endpoint
  std::uint16_t bytes = 0;
  std::uint16_t port = 0;      // host byte order
  tables::Address6 address{};  // IPv4 as ::ffff:a.b.c.d; all zeros: whose text it is
};

struct Helper {
  std::string_view name;  // as a configuration says
  std::uint8_t protocol;
  std::uint16_t port;            // of control sessions, unless configured
  std::uint16_t control;         // Application of those
  std::uint16_t data;            // and of the sessions that they lead to
  std::uint16_t data_by_server;  // the same, where the control session's server opens them
  // `begins_line`: the payload's first byte is known to be a line's.
  HelperText (*find)(std::span<const std::byte> payload, tables::Direction direction,
                     bool begins_line) noexcept;
  // Writes `text` with another endpoint; returns how many bytes, 0 when that cannot be said in it.
  std::size_t (*write)(const HelperText& text, const tables::Address6& address, std::uint16_t port,
                       std::span<char, kHelperTextMax> out) noexcept;
};

extern const std::array<Helper, 1> kHelpers;

// Of a session's application; null when it is no control session.
const Helper* try_helper(std::uint16_t application) noexcept;
const Helper* try_helper(std::string_view name) noexcept;

}  // namespace twinplane::dataplane
