// SPDX-License-Identifier: BSD-3-Clause
#include "scripts/rig/load/options.hpp"

#include <charconv>
#include <stdexcept>

#include "scripts/rig/load/content.hpp"

namespace twinplane::load {
namespace {

std::uint32_t number(const std::string& option, const std::string& text, std::uint32_t min,
                     std::uint32_t max) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < min || value > max)
    throw std::invalid_argument(option + " takes a number from " + std::to_string(min) + " to " +
                                std::to_string(max) + ", not: " + text);
  return value;
}

}  // namespace

Options parse_options(const std::vector<std::string>& words) {
  if (words.empty() || (words[0] != "server" && words[0] != "client"))
    throw std::invalid_argument("the first word is server or client");
  Options options;
  options.is_client = words[0] == "client";
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string& name = words[i];
    if (i + 1 == words.size()) throw std::invalid_argument(name + " needs a value");
    const std::string& value = words[i + 1];
    constexpr std::uint32_t kMinute = 60'000'000;
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(number(name, value, 1, 65533));
    else if (name == "--source")
      options.sources.push_back(value);
    else if (name == "--server")
      options.servers.push_back(value);
    else if (name == "--transfers")
      options.transfers = number(name, value, 0, 100'000);
    else if (name == "--interval-us")
      options.interval_us = number(name, value, 100, kMinute);
    else if (name == "--chunk-bytes")
      options.chunk_bytes = number(name, value, kChunkBytesMin, kChunkBytesMax) / 8 * 8;
    else if (name == "--rate")
      options.rate = number(name, value, 0, 100'000);
    else if (name == "--datagram-flows")
      options.datagram_flows = number(name, value, 0, 10'000);
    else if (name == "--datagram-us")
      options.datagram_us = number(name, value, 100, kMinute);
    else
      throw std::invalid_argument("no such option: " + name);
  }
  if (options.is_client && (options.sources.empty() || options.servers.empty()))
    throw std::invalid_argument("a client needs --source and --server");
  return options;
}

}  // namespace twinplane::load
