// SPDX-License-Identifier: BSD-3-Clause
// ftp_text.hpp - what FTP's control connection says of data connections: PORT and EPRT of a client,
// replies 227 and 229 of a server.
//
// Thread:  any; pure.
// Memory:  none.
// Limits:  commands of one line; of a reply the line that begins with its code and a space.
// Errors:  HelperVerdict.
// Spec:    RFC 959 sections 4.1.2 and 4.2, RFC 1123 section 4.1.2.6 (a 227 need have no
//          parentheses), RFC 2428 (EPRT, 229).
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/helper.hpp"

namespace twinplane::dataplane {

enum FtpForm : std::uint8_t {
  kFtpNumbers,   // h1,h2,h3,h4,p1,p2
  kFtpExtended,  // |1|132.235.1.2|6275| or |2|1080::8:800:200C:417A|5282|
  kFtpPort,      // 6446, where all before it is empty
};

HelperText find_ftp(std::span<const std::byte> payload, tables::Direction direction,
                    bool begins_line) noexcept;

std::size_t write_ftp(const HelperText& text, const tables::Address6& address, std::uint16_t port,
                      std::span<char, kHelperTextMax> out) noexcept;

}  // namespace twinplane::dataplane
