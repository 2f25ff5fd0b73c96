// SPDX-License-Identifier: BSD-3-Clause
// sim_pair.hpp - two boxes with real tables and real streams, one virtual clock, and what may
// happen to a box.
//
// Thread:  one.
// Memory:  allocates freely.
// Limits:  one partition a box.
// Errors:  none; what the boxes do wrong is for the checkers to find.
// Spec:    ha2/PROTOCOL.md sections 5 and 6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ha2/frame_builder.hpp"
#include "ha2/replica.hpp"
#include "ha2/sequence_keeper.hpp"
#include "tables/partition.hpp"
#include "tests/support/sim_link.hpp"

namespace twinplane::tests {

struct BoxShape {
  tables::PartitionLimits limits;
  ha2::StreamConfig stream;
  std::uint64_t hash_seed = 0;
  std::uint16_t first_generation = 0;  // what the empty slots of a new table have
  tables::KindSet kinds = ha2::kept_kinds(ha2::HaMode::kActivePassive);
  std::optional<ha2::SequenceLimits> sequences;  // a keeper has the table of SAs' numbers
};

struct FreeBlock {
  void operator()(std::byte* block) const noexcept { std::free(block); }
};

// What a partition's tables lie in.
using TableBlock = std::unique_ptr<std::byte, FreeBlock>;

// A partition's memory and its end of the stream. Built anew at a restart.
class Box {
 public:
  // With the tables that an earlier life has left in `kept`, or with empty ones.
  explicit Box(const BoxShape& shape, TableBlock kept = nullptr);

  // Ends the box and gives its tables for a next life.
  static TableBlock end(std::unique_ptr<Box> box) noexcept { return std::move(box->block_); }

  tables::Partition& partition() noexcept { return *partition_; }

  const tables::Partition& partition() const noexcept { return *partition_; }

  ha2::Replica& replica() noexcept { return *replica_; }

  const ha2::Replica& replica() const noexcept { return *replica_; }

  // One number for all that the tables hold, what is not replicated included.
  std::uint64_t fingerprint() const noexcept;

  // Null where nobody keeps sequence numbers.
  ha2::SequenceKeeper* keeper() noexcept { return keeper_.get(); }

  const ha2::SequenceKeeper* keeper() const noexcept { return keeper_.get(); }

  // A frame that arrived, as a worker takes it. I5, I7, I8: one of another stream, or one that no
  // engine makes, must change nothing, and none may allocate; else why_wrong() says what happened.
  void receive(const SimLink::Received& frame, std::uint64_t now_ns);

  // A change of role or peer. Nor may that allocate.
  void assume(const ha2::Assignment& assignment, std::uint64_t now_ns);

  // Lets the stream send. Neither may that allocate.
  void poll(std::uint64_t now_ns, SimLink& link);

  // The stream that it took part in last: what is only interrupted keeps its name.
  ha2::StreamName last_stream() const noexcept { return last_stream_; }

  const std::string& why_wrong() const noexcept { return why_wrong_; }

 private:
  void blame(std::string why) {
    if (why_wrong_.empty()) why_wrong_ = std::move(why);
  }

  TableBlock block_;
  std::unique_ptr<tables::Partition> partition_;
  std::unique_ptr<ha2::FrameBuilder> builder_;
  std::unique_ptr<ha2::Replica> replica_;
  std::unique_ptr<ha2::SequenceKeeper> keeper_;
  ha2::StreamName last_stream_;
  std::string why_wrong_;
};

class SimPair {
 public:
  // The clock starts at start_ns, terms at first_term: near where a number wraps, if wanted.
  SimPair(const BoxShape& shape, std::uint64_t seed, std::uint64_t start_ns = 1'000'000'000,
          std::uint32_t first_term = 1);

  std::uint64_t now_ns() const noexcept { return now_ns_; }

  std::size_t owner_index() const noexcept { return owner_index_; }

  Box& box(std::size_t index) noexcept { return *boxes_[index]; }

  const Box& box(std::size_t index) const noexcept { return *boxes_[index]; }

  Box& owner() noexcept { return *boxes_[owner_index_]; }

  const Box& owner() const noexcept { return *boxes_[owner_index_]; }

  Box& mirror() noexcept { return *boxes_[1 - owner_index_]; }

  const Box& mirror() const noexcept { return *boxes_[1 - owner_index_]; }

  SimLink& link_from(std::size_t index) noexcept { return links_[index]; }

  const BoxShape& shape() const noexcept { return shape_; }

  // Both ends take part in the same stream.
  bool is_joined() const noexcept;

  // Rises with each new stream, whoever owns it.
  std::uint64_t stream_number() const noexcept { return stream_number_; }

  // A box starts anew, without its tables or with them; roles stay. The other hears of the new
  // session up to delay_ns_max later.
  void restart(std::size_t index, std::uint32_t delay_ns_max, bool keeps_tables = false);

  // The mirror takes over under the next term. is_orderly: within the same session, as at a planned
  // switchover; else a new one, and the old owner goes on sending until it hears of it.
  void take_over(bool is_orderly, std::uint32_t delay_ns_max);

  // The stream begins anew and both keep their tables.
  void reconnect(std::uint32_t delay_ns_max);

  // The box holds its peer for gone and its stream stops; up to duration_ns_max later it goes on.
  void flap(std::size_t index, std::uint32_t duration_ns_max);

  // Neither receives nor sends until then; what arrives waits.
  void pause(std::size_t index, std::uint64_t until_ns) noexcept {
    paused_until_ns_[index] = until_ns;
  }

  bool is_paused(std::size_t index) const noexcept { return now_ns_ < paused_until_ns_[index]; }

  void end_pauses() noexcept { paused_until_ns_ = {}; }

  void set_faults(const LinkFaults& faults) noexcept;

  // Time passes; each box takes what has arrived. tend() lets both look after their SAs' numbers,
  // then poll() lets both send.
  void advance(std::uint64_t step_ns);
  void tend();
  void poll();

 private:
  struct Waiting {
    std::uint64_t at_ns;
    ha2::Assignment assignment;
  };

  void begin_stream(ha2::StreamName name, std::size_t first_told, std::uint32_t delay_ns_max);
  void tell(std::size_t index, std::uint64_t at_ns);
  void receive(std::size_t index);
  std::uint32_t new_session() noexcept;

  BoxShape shape_;
  Prng prng_;
  std::array<std::unique_ptr<Box>, 2> boxes_;
  std::array<SimLink, 2> links_;
  std::array<std::optional<Waiting>, 2> waiting_;
  std::array<std::uint64_t, 2> paused_until_ns_{};
  std::uint64_t now_ns_;
  std::size_t owner_index_ = 0;
  ha2::StreamName name_;
  std::uint64_t stream_number_ = 0;
  // The two have had a stream since one of them started empty: the next one begins by comparing.
  bool do_tables_match_ = false;
};

}  // namespace twinplane::tests
