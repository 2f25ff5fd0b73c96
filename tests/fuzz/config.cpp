// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes configuration files: any bytes are a whole configuration, or faults with their lines.
//
// The input is the file. Faults name lines that exist and hold nothing that a terminal would obey;
// a configuration that was taken can be summed up, compared in a hello, and says the same when the
// file is read once more.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/config_hello.hpp"
#include "dataplane/config_load.hpp"
#include "dataplane/config_summary.hpp"
#include "dataplane/nat_block.hpp"
#include "ha2/pair.hpp"
#include "tests/fuzz/kit/require.hpp"

namespace {

using namespace twinplane;
using fuzz::require;

// Nothing that a terminal takes for an order: neither set of control characters, whichever way
// UTF-8 has them.
bool is_plain(std::string_view text) {
  unsigned before = 0;
  for (const char letter : text) {
    const unsigned byte = static_cast<unsigned char>(letter);
    if ((byte < 0x20 && letter != '\n') || byte == 0x7F) return false;
    if (before == 0xC2 && byte >= 0x80 && byte < 0xA0) return false;
    before = byte;
  }
  return true;
}

void require_tellable(const dataplane::ConfigError& error, std::string_view text) {
  const auto line_count = static_cast<std::uint32_t>(std::ranges::count(text, '\n') + 1);
  require(!error.faults().empty(), "refused without a fault");
  require(is_plain(error.what()), "a fault holds control characters");
  std::uint32_t last_line = 1;
  for (const dataplane::ConfigFault& fault : error.faults()) {
    require(fault.line >= last_line, "faults are not in the order of their lines");
    require(fault.line <= line_count, "a fault stands behind the end of the file");
    require(!fault.wrong.empty() && !fault.right.empty(), "a fault without words");
    last_line = fault.line;
  }
}

// Both ends of the rule's sources have blocks, and who has a port of one is who has the block.
void require_blocks(const dataplane::NatConfig& nat) {
  const std::uint64_t count = dataplane::inside_count(nat);
  require(count <= dataplane::block_count(nat), "sources without a block");
  for (const std::uint64_t ordinal : {std::uint64_t{0}, count - 1}) {
    const auto block = dataplane::block_of(nat, static_cast<std::uint32_t>(ordinal));
    require(block.address_index < nat.addresses.size(), "a block of no address");
    require(block.ports.first <= block.ports.last && block.ports.first >= nat.ports.first &&
                block.ports.last <= nat.ports.last,
            "a block beyond the rule's ports");
    const auto inside =
        dataplane::try_inside_of(nat, nat.addresses[block.address_index], block.ports.last);
    require(inside && dataplane::try_ordinal(nat, *inside) == ordinal, "a block of somebody else");
  }
}

void require_whole(const dataplane::Config& config, std::string_view text) {
  const std::string told = dataplane::summary(config);
  require(!told.empty() && told.back() == '\n' && is_plain(told), "a summary that cannot be shown");
  const auto items = dataplane::hello_items(config);
  require(items.size() <= ha2::kHelloItemsMax, "more items than a hello holds");
  for (const dataplane::HelloItem& item : items)
    require(!item.name.empty() && item.name.size() <= 23,
            "an item's name that a hello cannot hold");
  for (const dataplane::NatConfig& nat : config.nat) {
    if (nat.block_ports != 0) require_blocks(nat);
  }
  const dataplane::Config again = dataplane::parse_config(text, "again.toml");
  require(dataplane::hello_items(again) == items && dataplane::summary(again) == told,
          "the same file means something else the second time");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  try {
    require_whole(dataplane::parse_config(text, "box.toml"), text);
  } catch (const dataplane::ConfigError& error) {
    require_tellable(error, text);
  }
  return 0;
}
