// SPDX-License-Identifier: BSD-3-Clause
// replicate.cpp - the library in one page: two partitions in one process, a link without losses,
// a session that the owner opens and the mirror then holds.
//
//   c++ -std=c++20 -march=x86-64-v3 replicate.cpp $(pkg-config --cflags --libs twinplane)
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "ha2/replica.hpp"

namespace {

using namespace twinplane;

// Frames wait here for the other box. A real link hands them to a device: ha2/link.hpp.
class MemoryLink final : public ha2::Link {
 public:
  std::span<std::byte> try_frame() noexcept override { return room_; }

  void send(std::size_t frame_bytes, std::uint16_t /*partition*/) noexcept override {
    frames.emplace_back(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(frame_bytes));
  }

  std::vector<std::vector<std::byte>> frames;

 private:
  std::vector<std::byte> room_ = std::vector<std::byte>(1500);
};

// One partition and its end of the stream. All its tables are cut from one block of zeroed lines.
struct Box {
  struct alignas(tables::kCacheLineBytes) Line {
    std::byte bytes[tables::kCacheLineBytes]{};
  };

  explicit Box(ha2::Holding holding) {
    // In earnest ha2::Pair says this, when hello and election are done: ha2/pair.hpp.
    replica.assume({.holding = holding, .has_peer = true, .name = {1, 1}, .frame_bytes = 1500});
  }

  void receive(MemoryLink& link, std::uint64_t now_ns) {
    for (const std::vector<std::byte>& frame : link.frames)
      if (const ha2::Decoded decoded = ha2::decode(frame); decoded.error == ha2::DecodeError::kNone)
        replica.on_frame(decoded.frame, frame, now_ns);
    link.frames.clear();
  }

  tables::PartitionLimits limits{.session4 = {1024, 2}, .session6 = {1024, 2}, .policy = {}};
  std::vector<Line> block = std::vector<Line>(tables::Partition::bytes(limits) / sizeof(Line));
  tables::Carver carver{std::as_writable_bytes(std::span(block))};
  tables::Partition partition{carver, limits, tables::HashSeed{1}};  // in earnest a secret
  ha2::FrameBuilder builder{1500};
  ha2::Replica replica{{.partition = 0}, partition, builder};
};

// Lets both boxes work, 10 us a turn, until the owner has nothing left that the mirror lacks.
bool run_until_quiet(Box& owner, Box& mirror) {
  static std::uint64_t now_ns = 0;
  static MemoryLink there, back;
  for (int turn = 0; turn < 100; ++turn) {
    now_ns += 10'000;
    owner.replica.poll(now_ns, there);
    mirror.receive(there, now_ns);
    mirror.replica.poll(now_ns, back);
    owner.receive(back, now_ns);
    if (owner.replica.owner().is_quiet()) return true;
  }
  return false;
}

}  // namespace

int main() {
  Box owner(ha2::Holding::kOwner);
  Box mirror(ha2::Holding::kMirror);

  // UDP from 10.1.0.2:40000 to 10.2.0.1:53; ports in network byte order.
  const auto [key, source_is_a] =
      tables::make_key<tables::Address4>({{10, 1, 0, 2}, 0x409C}, {{10, 2, 0, 1}, 0x3500}, 17, 0);
  tables::Session4 session{};
  session.client_side = {key.address_a, key.address_b, key.port_a_be, key.port_b_be};
  session.server_side = session.client_side;
  session.protocol = key.protocol;
  session.flags = tables::kLive | (source_is_a ? tables::kClientIsA0 | tables::kClientIsA1 : 0);
  session.state.timeout_class = static_cast<std::uint8_t>(tables::TimeoutClass::kUdp);

  const tables::InsertResult made = owner.partition.session4().create(session, /*now_ms=*/1);
  if (made.status != tables::InsertStatus::kInserted || !run_until_quiet(owner, mirror)) return 1;
  const tables::Found found = mirror.partition.session4().slots().find(key);
  std::printf("opened in slot %u of the owner, found in slot %u of the mirror\n", made.slot,
              found.slot);

  owner.partition.session4().end(made.slot);
  if (!run_until_quiet(owner, mirror)) return 1;
  std::printf("ended at the owner, %u left at the mirror\n", mirror.partition.live_count());
  return found.slot == made.slot && mirror.partition.live_count() == 0 ? 0 : 1;
}
