// SPDX-License-Identifier: BSD-3-Clause
// transfer.hpp - one end of a long TCP connection: paced chunks out, checked chunks in.
//
// A paced sender measures the network: an unpaced one would measure the retransmission timer of its
// own TCP, as everything that it may have in flight is lost at once.
//
// Thread:  the loop's.
// Memory:  one chunk in, one chunk out.
// Limits:  chunks of kChunkBytesMin to kChunkBytesMax, multiples of 8.
// Errors:  each ends the transfer as one of End, counted once, at the client; the server resets a
//          connection whose content is wrong, so that the client sees it as broken.
// Spec:    content.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scripts/rig/load/content.hpp"
#include "scripts/rig/load/loop.hpp"
#include "scripts/rig/load/socket.hpp"
#include "scripts/rig/load/tally.hpp"

namespace twinplane::load {

class Transfer : public Handler {
 public:
  // The client's end, connecting.
  Transfer(Loop& loop, Tally& tally, Socket socket, const Hello& hello);
  // The server's end, accepted; what to do comes with the hello.
  Transfer(Loop& loop, Tally& tally, Socket socket);

  void on_ready(std::uint32_t events) override;
  void on_due(std::int64_t now) override;

  // Client: sends no more; done when the server has said that everything came.
  void finish();

  bool over() const noexcept { return stage_ == Stage::kOver; }

  std::uint32_t flow() const noexcept { return hello_.flow; }

  // Does the other end send chunks all the time?
  bool expects_chunks() const noexcept {
    return (is_client_ ? hello_.down_interval_us : hello_.up_interval_us) != 0;
  }

  // When bytes last came, or it began.
  std::int64_t last_progress_ns() const noexcept { return last_progress_ns_; }

 private:
  enum class Stage : std::uint8_t { kConnecting, kGreeting, kRunning, kFinishing, kOver };

  void read_all();
  void take(std::span<const std::byte> bytes);
  void on_whole();
  void on_hello();
  void on_chunk(const ChunkHeader& header);
  void on_end_of_stream();
  std::int64_t first_due_ns() const;
  void send_due(std::int64_t now);
  void push();
  void close_as(End how);

  Loop& loop_;
  Tally& tally_;
  Socket socket_;
  const bool is_client_;
  Stage stage_;
  Hello hello_;
  std::vector<std::byte> in_;
  std::size_t in_filled_ = 0;
  std::vector<std::byte> out_;
  std::size_t out_done_ = 0;  // out_.size() = nothing waits
  bool waits_for_room_ = false;
  bool said_all_ = false;    // shut down for sending
  bool end_passed_ = false;  // the kEnd chunk: received (client), made (server)
  std::uint32_t send_interval_us_ = 0;
  std::int64_t next_due_ns_ = 0;
  std::int64_t last_progress_ns_;
  std::uint64_t chunks_sent_ = 0;
  std::uint64_t chunks_received_ = 0;
};

}  // namespace twinplane::load
