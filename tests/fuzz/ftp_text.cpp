// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what FTP's control connection may say.
//
// The first byte says who speaks, and whether the payload is known to begin a line; four more are
// an address and a port to be written; the rest is the payload. Held against what is read: it lies
// in one whole line that begins with its word; a second reading by the C library gives the same
// endpoint; written anew, it is read as what was written, and all else stayed; less of the line
// names nothing; a part is asked for again only where a line is not whole.
#include "dataplane/ftp_text.hpp"

#include <arpa/inet.h>

#include <cctype>
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/fuzz/kit/input.hpp"
#include "tests/fuzz/kit/require.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::dataplane;
using fuzz::require;

constexpr std::uint8_t kFromTheServer = 0x01;
constexpr std::uint8_t kBeginsLine = 0x02;
constexpr std::size_t kPayloadMax = 1460;

HelperText read(const std::string& text, tables::Direction direction, bool begins_line) {
  return find_ftp(std::as_bytes(std::span(text.data(), text.size())), direction, begins_line);
}

std::string upper(std::string text) {
  for (char& one : text) one = static_cast<char>(std::toupper(static_cast<unsigned char>(one)));
  return text;
}

void require_second_reading(const std::string& named, const HelperText& found) {
  if (found.form == kFtpNumbers) {
    unsigned n[6]{};
    int used = 0;
    require(std::sscanf(named.c_str(), "%u,%u,%u,%u,%u,%u%n", &n[0], &n[1], &n[2], &n[3], &n[4],
                        &n[5], &used) == 6 &&
                static_cast<std::size_t>(used) == named.size(),
            "what is no six numbers was read as such");
    require(n[4] * 256 + n[5] == found.port, "another port");
    for (std::size_t i = 0; i < 4; ++i) require(found.address[12 + i] == n[i], "another address");
    return;
  }
  if (found.form == kFtpPort) {
    require(std::to_string(found.port) == std::to_string(std::stoul(named)), "another port");
    return;
  }
  const std::size_t port_at = named.rfind(found.delimiter, named.size() - 2) + 1;
  require(std::stoul(named.substr(port_at)) == found.port, "another port");
  std::string address = named.substr(3, port_at - 4);
  address = address.substr(address.find(found.delimiter) == 0 ? 1 : 0);
  tables::Address6 six{};
  tables::Address4 four{};
  if (named[1] == '1') {
    require(inet_pton(AF_INET, address.c_str(), four.data()) == 1, "no address");
    six = tables::mapped_address(four);
  } else {
    require(inet_pton(AF_INET6, address.c_str(), six.data()) == 1, "no address");
  }
  require(six == found.address, "another address");
}

void require_rewritten(const std::string& text, const HelperText& found,
                       tables::Direction direction, bool begins_line,
                       const tables::Address6& address, std::uint16_t port) {
  std::array<char, kHelperTextMax> out{};
  const std::size_t bytes = write_ftp(found, address, port, out);
  require(bytes <= out.size(), "more was written than there is room for");
  if (bytes == 0) return;
  const std::string anew = text.substr(0, found.offset) + std::string(out.data(), bytes) +
                           text.substr(std::size_t{found.offset} + found.bytes);
  const HelperText again = read(anew, direction, begins_line);
  require(again.verdict == HelperVerdict::kNamed && again.offset == found.offset &&
              again.bytes == bytes && again.form == found.form && again.opener == found.opener,
          "what was written is not read");
  require(again.port == port, "another port was written");
  if (found.form != kFtpPort) require(again.address == address, "another address was written");
}

void run(const std::string& text, tables::Direction direction, bool begins_line,
         const tables::Address6& address, std::uint16_t port) {
  const HelperText found = read(text, direction, begins_line);
  if (found.verdict == HelperVerdict::kPartial)
    require(!text.empty() && text.back() != '\n', "a whole line was asked for again");
  if (found.verdict != HelperVerdict::kNamed) return;
  const std::size_t end = std::size_t{found.offset} + found.bytes;
  require(found.bytes != 0 && end < text.size(), "an endpoint that does not lie in the payload");
  const std::size_t before = text.rfind('\n', found.offset);
  const std::size_t line = before == std::string::npos ? 0 : before + 1;
  require(line != 0 || begins_line, "a line was believed whose beginning is not known");
  require(text.find('\n', line) >= end, "an endpoint of two lines");
  const std::string word = upper(text.substr(line, 5));
  const bool is_clients = word == "PORT " || word == "EPRT ";
  const bool is_servers = word.substr(0, 4) == "227 " || word.substr(0, 4) == "229 ";
  require(direction == tables::kFromClient ? is_clients : is_servers, "somebody else's word");
  require((found.opener == tables::kFromServer) == is_clients, "the wrong end opens");
  const std::string named = text.substr(found.offset, found.bytes);
  require_second_reading(named, found);
  require_rewritten(text, found, direction, begins_line, address, port);
  for (std::size_t bytes = line + 1; bytes <= text.find('\n', line); ++bytes) {
    const HelperText less = read(text.substr(0, bytes), direction, begins_line);
    require(less.verdict == HelperVerdict::kPartial, "a part of the line was not waited for");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const std::uint8_t flags = input.u8();
  const std::uint16_t port = input.u16();
  const std::uint16_t host = input.u16();
  tables::Address6 address = tables::mapped_address({10, 1, static_cast<std::uint8_t>(host), 7});
  if ((flags & 0x04U) != 0)
    address = {0xFD, static_cast<std::uint8_t>(host),      0xFA, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0,    static_cast<std::uint8_t>(host >> 8U)};
  const auto rest = input.take(kPayloadMax);
  run(std::string(reinterpret_cast<const char*>(rest.data()), rest.size()),
      (flags & kFromTheServer) != 0 ? tables::kFromServer : tables::kFromClient,
      (flags & kBeginsLine) != 0, address, port);
  return 0;
}
