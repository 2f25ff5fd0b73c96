// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ip4_fragments.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"
#include "tables/base/check.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::size_t kUnitBytes = 8;  // of the fragment offset
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kOffsetMask = 0x1FFF;

// The options that each fragment carries, padded with ends of list; returns how many bytes.
std::size_t copy_options(std::span<const std::byte> options, std::span<std::byte> out) noexcept {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNoOperation = 1;
  constexpr std::uint8_t kCopied = 0x80;
  std::size_t bytes = 0;
  while (!options.empty() && load_u8(options.data()) != kEnd) {
    const std::uint8_t type = load_u8(options.data());
    const std::size_t length = type == kNoOperation ? 1 : load_u8(options.data() + 1);
    if ((type & kCopied) != 0) {
      std::memcpy(out.data() + bytes, options.data(), length);
      bytes += length;
    }
    options = options.subspan(length);
  }
  return (bytes + 3) / 4 * 4;
}

}  // namespace

Ip4Fragments::Ip4Fragments(std::span<const std::byte> frame, const PacketView& view,
                           std::uint16_t mtu_bytes) noexcept
    : frame_(frame),
      l3_offset_(view.l3_offset),
      header_bytes_(view.l3_header_bytes()),
      body_bytes_(view.l3_bytes - header_bytes_) {
  later_header_bytes_ =
      kIp4Bytes + copy_options(frame.subspan(l3_offset_ + kIp4Bytes, header_bytes_ - kIp4Bytes),
                               later_options_);
  TWINPLANE_DCHECK(mtu_bytes, >=, header_bytes_ + kUnitBytes);
  first_body_bytes_ = (mtu_bytes - header_bytes_) / kUnitBytes * kUnitBytes;
  later_body_bytes_ = (mtu_bytes - later_header_bytes_) / kUnitBytes * kUnitBytes;
  const std::size_t rest_bytes = body_bytes_ - std::min(body_bytes_, first_body_bytes_);
  count_ = 1 + (rest_bytes + later_body_bytes_ - 1) / later_body_bytes_;
}

std::size_t Ip4Fragments::frame_bytes_max() const noexcept {
  return l3_offset_ +
         std::max(header_bytes_ + first_body_bytes_, later_header_bytes_ + later_body_bytes_);
}

std::size_t Ip4Fragments::write(std::size_t place, std::span<std::byte> out) const noexcept {
  const bool is_first = place == 0;
  const std::size_t header_bytes = is_first ? header_bytes_ : later_header_bytes_;
  const std::size_t start = is_first ? 0 : first_body_bytes_ + (place - 1) * later_body_bytes_;
  const std::size_t body_bytes =
      std::min(body_bytes_ - start, is_first ? first_body_bytes_ : later_body_bytes_);
  const std::size_t frame_bytes = l3_offset_ + header_bytes + body_bytes;
  TWINPLANE_DCHECK(out.size(), >=, frame_bytes);

  std::memcpy(out.data(), frame_.data(), l3_offset_ + (is_first ? header_bytes_ : kIp4Bytes));
  std::byte* const ip = out.data() + l3_offset_;
  if (!is_first)
    std::memcpy(ip + kIp4Bytes, later_options_.data(), later_header_bytes_ - kIp4Bytes);
  std::memcpy(ip + header_bytes, frame_.data() + l3_offset_ + header_bytes_ + start, body_bytes);

  const auto field = load_be<std::uint16_t>(ip + 6);
  const bool is_last = place + 1 == count_;
  const auto more = static_cast<std::uint16_t>(is_last ? field & kMoreFragments : kMoreFragments);
  const auto offset = static_cast<std::uint16_t>((field & kOffsetMask) + start / kUnitBytes);
  ip[0] = static_cast<std::byte>(0x40U | header_bytes / 4);
  store_be(ip + 2, static_cast<std::uint16_t>(header_bytes + body_bytes));
  store_be(ip + 6, static_cast<std::uint16_t>(more | offset));
  store_raw(ip + 10, std::uint16_t{0});
  store_raw(ip + 10, checksum_be({ip, header_bytes}));
  return frame_bytes;
}

}  // namespace twinplane::dataplane
