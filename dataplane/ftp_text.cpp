// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ftp_text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "tables/flow_key.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tables::Direction;
using tables::kFromClient;
using tables::kFromServer;

// Text that is read from its front on.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : left_(text), whole_bytes_(text.size()) {}

  std::size_t at() const noexcept { return whole_bytes_ - left_.size(); }

  bool is_done() const noexcept { return left_.empty(); }

  char peek() const noexcept { return left_.empty() ? '\0' : left_.front(); }

  void skip(std::size_t count) noexcept { left_.remove_prefix(std::min(count, left_.size())); }

  bool take(char wanted) noexcept {
    if (left_.empty() || left_.front() != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }

  // Decimal digits alone, no more than five of them.
  std::optional<std::uint16_t> take_number(std::uint32_t max) noexcept {
    constexpr std::size_t kDigitsMax = 5;
    std::uint32_t number = 0;
    std::size_t digits = 0;
    while (digits < left_.size() && left_[digits] >= '0' && left_[digits] <= '9') {
      if (digits == kDigitsMax) return std::nullopt;
      number = number * 10 + static_cast<std::uint32_t>(left_[digits++] - '0');
    }
    if (digits == 0 || number > max) return std::nullopt;
    left_.remove_prefix(digits);
    return static_cast<std::uint16_t>(number);
  }

  // Up to the next `end`, which is taken too.
  std::optional<std::string_view> take_until(char end) noexcept {
    const std::size_t length = left_.find(end);
    if (length == std::string_view::npos) return std::nullopt;
    const std::string_view taken = left_.substr(0, length);
    left_.remove_prefix(length + 1);
    return taken;
  }

 private:
  std::string_view left_;
  std::size_t whole_bytes_;
};

bool is_digit(char one) noexcept { return one >= '0' && one <= '9'; }

bool is_delimiter(char one) noexcept { return one >= 33 && one <= 126 && !is_digit(one); }

struct Place {
  std::size_t begin;
  std::size_t end;
};

void put_place(HelperText& text, Place place) noexcept {
  text.verdict = HelperVerdict::kNamed;
  text.offset = static_cast<std::uint16_t>(place.begin);
  text.bytes = static_cast<std::uint16_t>(place.end - place.begin);
}

bool try_numbers(Reader& reader, HelperText& text) noexcept {
  const std::size_t begin = reader.at();
  std::array<std::uint8_t, 6> numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i != 0 && !reader.take(',')) return false;
    const auto number = reader.take_number(255);
    if (!number) return false;
    numbers[i] = static_cast<std::uint8_t>(*number);
  }
  text.form = kFtpNumbers;
  text.address = tables::mapped_address(Address4{numbers[0], numbers[1], numbers[2], numbers[3]});
  text.port = static_cast<std::uint16_t>(numbers[4] << 8U | numbers[5]);
  put_place(text, {begin, reader.at()});
  return true;
}

bool try_address(char family, std::string_view written, Address6& address) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (written.size() >= terminated.size()) return false;
  std::copy(written.begin(), written.end(), terminated.begin());
  if (family == '1') {
    Address4 address4;
    if (inet_pton(AF_INET, terminated.data(), address4.data()) != 1) return false;
    address = tables::mapped_address(address4);
    return true;
  }
  return family == '2' && inet_pton(AF_INET6, terminated.data(), address.data()) == 1;
}

bool try_extended(Reader& reader, HelperText& text) noexcept {
  const std::size_t begin = reader.at();
  const char delimiter = reader.peek();
  if (!is_delimiter(delimiter)) return false;
  reader.skip(1);
  const char family = reader.peek();
  reader.skip(1);
  if (!reader.take(delimiter)) return false;
  const auto address = reader.take_until(delimiter);
  if (!address || !try_address(family, *address, text.address)) return false;
  const auto port = reader.take_number(65535);
  if (!port || !reader.take(delimiter)) return false;
  text.form = kFtpExtended;
  text.delimiter = delimiter;
  text.port = *port;
  put_place(text, {begin, reader.at()});
  return true;
}

// Nothing but the end of the line may follow what a client names.
bool is_line_end(Reader& reader) noexcept {
  while (reader.take(' ')) {
  }
  reader.take('\r');
  return reader.is_done();
}

void read_port(Reader reader, HelperText& text) noexcept {
  while (reader.take(' ')) {
  }
  if (!try_numbers(reader, text) || !is_line_end(reader)) text.verdict = HelperVerdict::kMalformed;
}

void read_eprt(Reader reader, HelperText& text) noexcept {
  while (reader.take(' ')) {
  }
  if (!try_extended(reader, text) || !is_line_end(reader)) text.verdict = HelperVerdict::kMalformed;
}

// Six numbers wherever they stand in the text, as servers write it as they like.
void read_227(Reader reader, HelperText& text) noexcept {
  bool was_digit = false;
  for (; !reader.is_done(); reader.skip(1)) {
    const bool is_start = is_digit(reader.peek()) && !was_digit;
    was_digit = is_digit(reader.peek());
    Reader from_here = reader;
    if (is_start && try_numbers(from_here, text) && !is_digit(from_here.peek())) return;
  }
  text.verdict = HelperVerdict::kMalformed;
}

void read_229(Reader reader, HelperText& text) noexcept {
  text.verdict = HelperVerdict::kMalformed;
  if (!reader.take_until('(')) return;
  const char delimiter = reader.peek();
  if (!is_delimiter(delimiter)) return;
  for (int i = 0; i < 3; ++i)
    if (!reader.take(delimiter)) return;
  const std::size_t begin = reader.at();
  const auto port = reader.take_number(65535);
  const std::size_t end = reader.at();
  if (!port || !reader.take(delimiter) || !reader.take(')')) return;
  text.form = kFtpPort;
  text.delimiter = delimiter;
  text.port = *port;
  put_place(text, {begin, end});
}

struct Command {
  std::string_view word;  // with the space behind it
  Direction direction;    // of who says it
  Direction opener;       // who opens the data connection
  void (*read)(Reader, HelperText&) noexcept;
};

constexpr std::array<Command, 4> kCommands{{{"PORT ", kFromClient, kFromServer, read_port},
                                            {"EPRT ", kFromClient, kFromServer, read_eprt},
                                            {"227 ", kFromServer, kFromClient, read_227},
                                            {"229 ", kFromServer, kFromClient, read_229}}};

char upper(char one) noexcept {
  return one >= 'a' && one <= 'z' ? static_cast<char>(one - 'a' + 'A') : one;
}

// Are the first bytes of both alike, as far as both go?
bool begins_alike(std::string_view line, std::string_view word) noexcept {
  const std::size_t bytes = std::min(line.size(), word.size());
  return std::ranges::equal(line.substr(0, bytes), word.substr(0, bytes), {}, upper);
}

HelperText read_line(std::string_view line, bool is_whole, Direction direction) noexcept {
  HelperText text;
  for (const Command& command : kCommands) {
    if (command.direction != direction || !begins_alike(line, command.word)) continue;
    if (!is_whole) {
      text.verdict = HelperVerdict::kPartial;
      return text;
    }
    if (line.size() < command.word.size()) continue;
    text.opener = command.opener;
    Reader reader(line);
    reader.skip(command.word.size());
    command.read(reader, text);
    return text;
  }
  return text;
}

}  // namespace

HelperText find_ftp(std::span<const std::byte> payload, Direction direction,
                    bool begins_line) noexcept {
  const std::string_view all(reinterpret_cast<const char*>(payload.data()), payload.size());
  HelperText found;
  std::size_t begin = 0;
  bool is_line = begins_line;
  while (begin < all.size()) {
    const std::size_t end = all.find('\n', begin);
    const bool is_whole = end != std::string_view::npos;
    const std::string_view line =
        all.substr(begin, is_whole ? end - begin : std::string_view::npos);
    if (is_line) {
      HelperText text = read_line(line, is_whole, direction);
      if (text.verdict == HelperVerdict::kPartial) return text;
      text.offset = static_cast<std::uint16_t>(text.offset + begin);
      if (text.verdict == HelperVerdict::kNamed && found.verdict == HelperVerdict::kNamed) {
        found.verdict = HelperVerdict::kCrowded;
        return found;
      }
      if (text.verdict != HelperVerdict::kNothing) found = text;
    }
    if (!is_whole) break;
    begin = end + 1;
    is_line = true;
  }
  return found;
}

std::size_t write_ftp(const HelperText& text, const Address6& address, std::uint16_t port,
                      std::span<char, kHelperTextMax> out) noexcept {
  char* at = out.data();
  char* const end = out.data() + out.size();
  const auto put_number = [&](unsigned number) { at = std::to_chars(at, end, number).ptr; };
  Address4 address4;
  std::copy(address.begin() + 12, address.end(), address4.begin());
  const bool is_four = tables::mapped_address(address4) == address;
  switch (text.form) {
    case kFtpNumbers:
      if (!is_four) return 0;
      for (const std::uint8_t byte : address4) {
        put_number(byte);
        *at++ = ',';
      }
      put_number(port >> 8U);
      *at++ = ',';
      put_number(port & 0xFFU);
      break;
    case kFtpExtended: {
      std::array<char, INET6_ADDRSTRLEN> written{};
      inet_ntop(is_four ? AF_INET : AF_INET6, is_four ? address4.data() : address.data(),
                written.data(), written.size());
      // A delimiter that is also in an address must not be chosen by others.
      const std::string_view name(written.data());
      if (name.find(text.delimiter) != std::string_view::npos) return 0;
      *at++ = text.delimiter;
      *at++ = is_four ? '1' : '2';
      *at++ = text.delimiter;
      at = std::copy(name.begin(), name.end(), at);
      *at++ = text.delimiter;
      put_number(port);
      *at++ = text.delimiter;
      break;
    }
    case kFtpPort:
      put_number(port);
      break;
    default:
      return 0;
  }
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace twinplane::dataplane
