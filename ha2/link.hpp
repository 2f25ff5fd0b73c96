// SPDX-License-Identifier: BSD-3-Clause
// link.hpp - where frames go: the caller's device, queue or simulator. Two calls a frame, none a
// record.
//
// Thread:  the core that polls the stream.
// Memory:  the link's own; a span from try_frame() is valid until the next call of either function.
// Limits:  a span holds at least the frame size agreed at start.
// Errors:  an empty span when there is no buffer or descriptor: the caller sends nothing and tries
//          again later (S9).
// Spec:    PROTOCOL.md section 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace twinplane::ha2 {

class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Room for one frame, or empty.
  virtual std::span<std::byte> try_frame() noexcept = 0;

  // Sends the first frame_bytes of the span that try_frame() gave last. `partition` chooses queue
  // or UDP port.
  virtual void send(std::size_t frame_bytes, std::uint16_t partition) noexcept = 0;

 protected:
  ~Link() = default;
};

}  // namespace twinplane::ha2
