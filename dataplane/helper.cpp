// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/helper.hpp"

#include <algorithm>

#include "dataplane/ftp_text.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {

const std::array<Helper, 1> kHelpers{{{.name = "ftp",
                                       .protocol = kProtocolTcp,
                                       .port = 21,
                                       .control = kFtpControl,
                                       .data = kFtpData,
                                       .data_by_server = kFtpServerData,
                                       .find = find_ftp,
                                       .write = write_ftp}}};

const Helper* try_helper(std::uint16_t application) noexcept {
  for (const Helper& helper : kHelpers)
    if (helper.control == application) return &helper;
  return nullptr;
}

const Helper* try_helper(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kHelpers, name, &Helper::name);
  return found == kHelpers.end() ? nullptr : &*found;
}

}  // namespace twinplane::dataplane
