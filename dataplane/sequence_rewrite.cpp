// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/sequence_rewrite.hpp"

#include "dataplane/bytes.hpp"
#include "dataplane/checksum.hpp"
#include "dataplane/ip_numbers.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Direction;
using tables::ShiftEdge;
using tables::ShiftWay;

constexpr std::size_t kSequenceOffset = 4;
constexpr std::size_t kAcknowledgementOffset = 8;
constexpr std::size_t kFlagsOffset = 13;
constexpr std::size_t kChecksumOffset = 16;
constexpr std::size_t kQuotedChecksumEnd = 18;

// A number that may stand at any byte of what the checksum covers. At an odd one each of its bytes
// is the other half of a word than it would be at an even one, which in a one's complement sum is
// the number with its bytes swapped (RFC 1071 section 2 B).
void replace_at(std::byte* header, std::size_t offset, std::uint32_t value,
                ChecksumDelta& delta) noexcept {
  const auto before_be = load_raw<std::uint32_t>(header + offset);
  const std::uint32_t after_be = network_order(value);
  store_raw(header + offset, after_be);
  const auto as_summed = [offset](std::uint32_t number_be) {
    if (offset % 2 == 0) return number_be;
    return (number_be & 0x00FF00FFU) << 8U | (number_be >> 8U & 0x00FF00FFU);
  };
  delta.replace(as_summed(before_be), as_summed(after_be));
}

// What the receiver of the blocks' data has, as it counts; their sender counts by `way`.
void rewrite_blocks(std::byte* tcp, std::size_t header_bytes, const ShiftWay& way,
                    ChecksumDelta& delta) noexcept {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNoOperation = 1;
  constexpr std::uint8_t kSack = 5;
  constexpr std::size_t kBlockBytes = 8;
  std::size_t at = kTcpBytes;
  while (at + 1 < header_bytes) {
    const std::uint8_t kind = load_u8(tcp + at);
    if (kind == kEnd) return;
    if (kind == kNoOperation) {
      ++at;
      continue;
    }
    const std::size_t length = load_u8(tcp + at + 1);
    if (length < 2 || at + length > header_bytes) return;
    if (kind == kSack) {
      for (std::size_t block = at + 2; block + kBlockBytes <= at + length; block += kBlockBytes) {
        const auto from = load_be<std::uint32_t>(tcp + block);
        const auto up_to = load_be<std::uint32_t>(tcp + block + 4);
        replace_at(tcp, block, tables::own_number(way, from, ShiftEdge::kFrom), delta);
        replace_at(tcp, block + 4, tables::own_number(way, up_to, ShiftEdge::kUpTo), delta);
      }
    }
    at += length;
  }
}

}  // namespace

void rewrite_sequences(std::span<std::byte> frame, PacketView& view, const ShiftWays& ways,
                       Direction direction) noexcept {
  if (view.l4_kind != L4Kind::kTcp) return;  // a later fragment has no header
  std::byte* tcp = frame.data() + view.l4_offset;
  const ShiftWay& of_other = ways[tables::opposite(direction)];
  ChecksumDelta delta;
  view.tcp.sequence = tables::sent_on_number(ways[direction], view.tcp.sequence);
  replace_at(tcp, kSequenceOffset, view.tcp.sequence, delta);
  if ((view.tcp.flags & kTcpAck) != 0) {
    view.tcp.acknowledgement = tables::own_number(of_other, view.tcp.acknowledgement);
    replace_at(tcp, kAcknowledgementOffset, view.tcp.acknowledgement, delta);
    rewrite_blocks(tcp, std::size_t{view.payload_offset} - view.l4_offset, of_other, delta);
  }
  store_raw(tcp + kChecksumOffset, delta.apply(load_raw<std::uint16_t>(tcp + kChecksumOffset)));
}

void rewrite_quoted_sequences(std::span<std::byte> frame, const PacketView& error,
                              PacketView& quote, const ShiftWays& ways,
                              Direction direction) noexcept {
  if (quote.l4_kind != L4Kind::kTcp) return;
  std::byte* tcp = frame.data() + quote.l4_offset;
  // Where the quote stands in the error, and with it each byte's place in a word: at an even one,
  // as all headers before it have even lengths.
  ChecksumDelta in_quote;
  quote.tcp.sequence = tables::own_number(ways[direction], quote.tcp.sequence);
  replace_at(tcp, kSequenceOffset, quote.tcp.sequence, in_quote);
  const bool acknowledges =
      quote.l4_bytes > kFlagsOffset && (load_u8(tcp + kFlagsOffset) & kTcpAck) != 0;
  if (acknowledges) {
    const auto acknowledged = load_be<std::uint32_t>(tcp + kAcknowledgementOffset);
    replace_at(tcp, kAcknowledgementOffset,
               tables::sent_on_number(ways[tables::opposite(direction)], acknowledged), in_quote);
  }
  ChecksumDelta in_error = in_quote;
  if (quote.l4_bytes >= kQuotedChecksumEnd) {
    const auto before_be = load_raw<std::uint16_t>(tcp + kChecksumOffset);
    const std::uint16_t after_be = in_quote.apply(before_be);
    store_raw(tcp + kChecksumOffset, after_be);
    in_error.replace(before_be, after_be);
  }
  std::byte* checksum = frame.data() + error.l4_offset + 2;
  store_raw(checksum, in_error.apply(load_raw<std::uint16_t>(checksum)));
}

}  // namespace twinplane::dataplane
