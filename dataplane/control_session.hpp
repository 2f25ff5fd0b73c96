// SPDX-License-Identifier: BSD-3-Clause
// control_session.hpp - what a segment of a control session (FTP's) brings about: another session
// is expected, and what names its end is written anew where addresses are translated.
//
// Thread:  the core that owns the partition given; the object is const and shared by all.
// Memory:  none.
// Limits:  one expectation a session. A segment that names two ends, or ends within what may name
//          one, is dropped: the second time it comes with the rest.
// Errors:  TextChange::refused; then nothing has been changed but, perhaps, what is expected.
// Spec:    dataplane/DESIGN.md D-D31; RFC 2663 section 2.9 (application level gateways), RFC 2577
//          section 3 (the bounce attack).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/expectations.hpp"
#include "dataplane/forward_context.hpp"
#include "dataplane/forward_result.hpp"
#include "dataplane/helper.hpp"
#include "dataplane/packet_view.hpp"

namespace twinplane::dataplane {

// What is to be written into a payload in place of what is there.
struct TextChange {
  DropReason refused = DropReason::kNone;
  std::uint16_t offset = 0;
  std::uint16_t old_bytes = 0;
  std::uint16_t new_bytes = 0;  // 0: nothing
  std::array<char, kHelperTextMax> text{};

  bool is_any() const noexcept { return new_bytes != 0; }

  int growth() const noexcept { return int{new_bytes} - int{old_bytes}; }
};

// The packet as it stands before anything of it is rewritten.
struct ControlPacket {
  std::span<const std::byte> frame;
  const PacketView& view;
  tables::Direction direction;
  std::size_t room_bytes;  // by which it may grow
};

class ControlSessions {
 public:
  explicit ControlSessions(const ForwardContext& context) noexcept : context_(context) {}

  // The session in `slot` is a control session, and the packet one of its direction.
  template <class Address>
  TextChange inspect(tables::Partition& partition, std::uint32_t slot, const ControlPacket& packet,
                     BurstTime time) const noexcept;

  // The packet is sent on; asked before the session's edges move.
  static void note_passed(tables::SessionState& state, const ControlPacket& packet) noexcept;

  // Writes into the frame, behind whose end there is room for the growth. IP and TCP lengths,
  // checksums and the view follow.
  static void write(std::byte* frame, PacketView& view, const TextChange& change) noexcept;

 private:
  template <class Address>
  struct Expected;

  template <class Address>
  TextChange repeat(const tables::Partition& partition, std::uint32_t slot, const Helper& helper,
                    const ControlPacket& packet) const noexcept;
  template <class Address>
  DropReason read(const tables::SessionOf<Address>& session, const HelperText& text,
                  Expected<Address>& expected) const noexcept;
  template <class Address>
  std::optional<std::uint16_t> public_port(const tables::SessionOf<Address>& session,
                                           const Expected<Address>& expected) const noexcept;

  ForwardContext context_;
};

}  // namespace twinplane::dataplane
