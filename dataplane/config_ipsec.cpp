// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_ipsec.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ha2/sa_database.hpp"

namespace twinplane::dataplane {
namespace {

using tables::SaCipher;
using tables::SaIntegrity;

constexpr std::size_t kKeyFileBytesMax = 1024;
constexpr std::uint8_t kMappedBits = 96;  // of ::ffff:0:0/96

tables::Address6 mapped(const IpAddress& address) noexcept {
  if (address.is6()) return address.v6();
  tables::Address6 result{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const tables::Address4 v4 = address.v4();
  std::copy(v4.begin(), v4.end(), result.begin() + 12);
  return result;
}

// The text of a file that is its owner's alone, or why not.
struct KeyFile {
  std::string text;
  std::string wrong;
  std::string right;
};

KeyFile read_key_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return {{}, "cannot be read: " + std::string(std::strerror(errno)), "a file of keys"};
  KeyFile result;

  struct stat status {};

  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    result.wrong = "is no file";
    result.right = "a file of keys";
  } else if ((status.st_mode & 077U) != 0) {
    result.wrong = "may be read or written by others";
    result.right = "chmod 600 " + path;
  } else if (status.st_uid != geteuid() && status.st_uid != 0) {
    result.wrong = "belongs to another user";
    result.right = "a file of root, or of the user that runs this";
  } else {
    std::array<char, kKeyFileBytesMax + 1> bytes{};
    const ssize_t count = read(file, bytes.data(), bytes.size());
    if (count < 0 || static_cast<std::size_t>(count) > kKeyFileBytesMax) {
      result.wrong = "is too large";
      result.right = "at most 1024 bytes";
    } else {
      result.text.assign(bytes.data(), static_cast<std::size_t>(count));
    }
    explicit_bzero(bytes.data(), bytes.size());
  }
  close(file);
  return result;
}

int digit_of(char letter) noexcept {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// How many bytes the hexadecimal text has; nothing where it is none, or too long.
std::optional<std::uint8_t> parse_hex(std::string_view text, std::span<std::uint8_t> key) noexcept {
  if (text.size() % 2 != 0 || text.size() / 2 > key.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]);
    const int low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key[i / 2] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return static_cast<std::uint8_t>(text.size() / 2);
}

// "cipher HEX" and "integrity HEX", a line each.
bool parse_keys(std::string_view text, tables::SecurityAssociationBody& sa) noexcept {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return false;
    const std::string_view name = line.substr(0, space);
    const std::string_view hex = line.substr(space + 1);
    std::optional<std::uint8_t> bytes;
    if (name == "cipher" && (bytes = parse_hex(hex, sa.cipher_key)))
      sa.cipher_key_bytes = *bytes;
    else if (name == "integrity" && (bytes = parse_hex(hex, sa.integrity_key)))
      sa.integrity_key_bytes = *bytes;
    else
      return false;
  }
  return true;
}

void read_keys(Section& section, tables::SecurityAssociationBody& sa) {
  std::string path;
  section.read_text("keys_file", path, Need::kRequired);
  if (path.empty()) return;
  KeyFile file = read_key_file(path);
  if (!file.wrong.empty())
    section.faults().add(section.path("keys_file"), "\"" + path + "\" " + file.wrong, file.right);
  else if (!parse_keys(file.text, sa))
    section.faults().add(section.path("keys_file"), "\"" + path + "\" holds something else",
                         "lines \"cipher HEX\" and \"integrity HEX\", up to 32 and 64 bytes");
  explicit_bzero(file.text.data(), file.text.size());
}

void read_end(Section& section, std::string_view key, tables::Address6& target) {
  std::string text;
  section.read_text(key, text, Need::kRequired);
  if (text.empty()) return;
  const auto address = parse_address(text);
  if (address && is_unicast(*address))
    target = mapped(*address);
  else
    section.faults().add(section.path(key), "\"" + text + "\" is not a unicast address",
                         "an end of the tunnel");
}

void read_selector(Section& section, std::string_view key, tables::SaSelector& selector) {
  selector.port_last = 0xFFFF;
  std::string text;
  section.read_text(key, text);
  if (text.empty()) return;
  const auto network = parse_prefix(text);
  if (!network || network_of(*network) != *network) {
    section.faults().add(section.path(key), "\"" + text + "\" is no network",
                         "as \"10.1.0.0/16\", or nothing for any");
    return;
  }
  selector.address = mapped(network->address);
  selector.prefix_bits =
      static_cast<std::uint8_t>(network->length_bits + (network->address.is4() ? kMappedBits : 0U));
}

}  // namespace

void read_security_association(Section& section, Config& config) {
  SaConfig named;
  tables::SecurityAssociationBody& sa = named.sa;
  section.read_name("name", named.name, Need::kRequired);
  section.read_integer("spi", sa.key.spi, {256, 0xFFFF'FFFF}, Need::kRequired);
  sa.key.protocol = 50;
  section.read_choice("protocol", sa.key.protocol,
                      {{"esp", std::uint8_t{50}}, {"ah", std::uint8_t{51}}});
  bool is_inbound = false;
  section.read_choice("direction", is_inbound, {{"out", false}, {"in", true}}, Need::kRequired);
  read_end(section, "source", sa.source);
  read_end(section, "destination", sa.key.destination);
  auto cipher = SaCipher::kAesCbc;
  section.read_choice("cipher", cipher,
                      {{"null", SaCipher::kNull}, {"aes_cbc", SaCipher::kAesCbc}});
  auto integrity = SaIntegrity::kSha256;
  section.read_choice("integrity", integrity,
                      {{"sha1", SaIntegrity::kSha1},
                       {"sha256", SaIntegrity::kSha256},
                       {"sha512", SaIntegrity::kSha512}});
  sa.cipher = static_cast<std::uint8_t>(cipher);
  sa.integrity = static_cast<std::uint8_t>(integrity);
  read_keys(section, sa);
  read_selector(section, "local", sa.local);
  read_selector(section, "remote", sa.remote);
  bool is_extended = false;
  bool is_tunnel = true;
  section.read_boolean("esn", is_extended);
  section.read_boolean("tunnel", is_tunnel);
  sa.flags = static_cast<std::uint8_t>((is_inbound ? unsigned{tables::kSaInbound} : 0U) |
                                       (is_extended ? unsigned{tables::kSaExtendedSequence} : 0U) |
                                       (is_tunnel ? unsigned{tables::kSaTunnelMode} : 0U));
  constexpr std::int64_t kCountMax = std::int64_t{1} << 62;
  section.read_integer("seconds", sa.seconds_max, {0, 0xFFFF'FFFF});
  section.read_integer("bytes", sa.bytes_max, {0, kCountMax});
  section.read_integer("packets", sa.packets_max, {0, kCountMax});
  sa.soft_percent = 80;
  section.read_integer("soft_percent", sa.soft_percent, {1, 100});
  section.finish();
  if (section.faults().is_clean(section.path("keys_file")))
    if (const char* const why = ha2::why_unsound(sa); why != nullptr && sa.key.spi >= 256)
      section.faults().add(section.path("keys_file"), "its keys do not fit the algorithms", why);
  config.security_associations.push_back(named);
}

void check_security_associations(const Config& config, FaultList& faults) {
  const auto& all = config.security_associations;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) {
      const auto& left = all[i].sa.key;
      const auto& right = all[k].sa.key;
      if (left.spi == right.spi && left.destination == right.destination &&
          left.protocol == right.protocol)
        faults.add(path_of("security_association", i, "spi"),
                   "is that of \"" + all[k].name + "\" too, at the same destination",
                   "an SPI of its own for each SA of a destination");
      if (all[i].name == all[k].name && !all[i].name.empty())
        faults.add(path_of("security_association", i, "name"),
                   "\"" + all[i].name + "\" is there twice", "a name of its own");
    }
}

}  // namespace twinplane::dataplane
