// SPDX-License-Identifier: BSD-3-Clause
// frame_sink.hpp - where the box's own frames go: whoever builds one gets a buffer, fills it and
// sends it.
//
// Thread:  the thread that calls it; one at a time.
// Memory:  the buffer belongs to the sink and is good until send() or the next try_frame().
// Limits:  port_index is into Config::ports.
// Errors:  try_frame() answers an empty span when there is no buffer: expected shortage, for the
//          caller to count.
// Spec:    none.
#pragma once

#include <cstddef>
#include <span>

namespace twinplane::dataplane {

struct FrameSink {
  virtual ~FrameSink() = default;
  // A buffer for one frame that will leave by the port. One that is not sent is simply offered
  // again.
  [[nodiscard]] virtual std::span<std::byte> try_frame(std::size_t port_index) noexcept = 0;
  // Sends the first `frame_bytes` of what try_frame() last gave for this port.
  virtual void send(std::size_t port_index, std::size_t frame_bytes) noexcept = 0;
};

}  // namespace twinplane::dataplane
