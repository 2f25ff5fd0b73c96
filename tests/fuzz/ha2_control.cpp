// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what boxes say of themselves: hellos and keepalives over both paths, and the decisions on
// them.
//
// A chunk is a link frame, and its flags say what is made right in it: the checksum, the kind of
// body, and what only a peer that listens can know, our nonce and boot id. Held against the pair:
// a frame that is none of its own changes nothing; texts can be printed; roles, terms and frame
// sizes stay in their ranges; a refused peer gets no stream; and an honest peer is paired with in
// the end.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "ha2/pair.hpp"
#include "tests/fuzz/kit/end.hpp"
#include "tests/fuzz/kit/frame_shape.hpp"
#include "tests/fuzz/kit/require.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::fuzz;
using ha2::HelloBody;
using ha2::HelloItem;
using ha2::KeepaliveBody;
using ha2::Path;

// Of a chunk, beside kSealed.
constexpr std::uint8_t kSecondPath = 0x02;  // HA1
constexpr std::uint8_t kBodyFits = 0x04;    // type, partition, size; of a hello the count of items
constexpr std::uint8_t kListens = 0x08;     // knows our nonce and boot id, and says what we ask for
constexpr std::uint64_t kBootId = 0x1234;
constexpr std::uint32_t kTermMax = 0xFFFFFFFF;
constexpr std::size_t kHeadBytes = sizeof(ha2::FrameHeader);
constexpr std::array<std::uint64_t, 16> kPausesNs{
    0,           1'000,         100'000,       1'000'000,      2'000'000,  5'000'000,
    9'000'000,   10'000'000,    20'000'000,    30'000'000,     50'000'000, 100'000'000,
    300'000'000, 1'000'000'000, 5'000'000'000, 100'000'000'000};

ha2::PairConfig config_of(std::uint8_t box_id) {
  ha2::PairConfig config;
  config.box_id = box_id;
  config.items = {{"partitions", 4, true}, {"ports", 0xAABB, true}, {"features", 1, false}};
  return config;
}

template <class Body>
Body body_of(std::span<const std::byte> frame) {
  Body body{};
  if (frame.size() >= kHeadBytes + sizeof body)
    std::memcpy(&body, frame.data() + kHeadBytes, sizeof body);
  return body;
}

bool is_printable(std::string_view text) {
  return text.size() < 300 &&
         std::ranges::all_of(text, [](char letter) { return letter >= ' ' && letter <= '~'; });
}

class ControlRun {
 public:
  void take(Chunk& chunk) {
    now_ns_ += kPausesNs[chunk.flags >> 4U];
    shape(chunk);
    const ha2::Decoded decoded = ha2::decode(chunk.bytes);
    const bool is_link = decoded.frame.header.partition.get() == ha2::kLinkPartition;
    if (decoded.error == ha2::DecodeError::kNone && is_link) {
      const std::uint64_t bad_count = pair_.bad_frame_count();
      const ha2::Assignment before = pair_.assignment();
      pair_.on_frame((chunk.flags & kSecondPath) != 0 ? Path::kHa1 : Path::kHa2, decoded.frame,
                     now_ns_);
      if (pair_.bad_frame_count() != bad_count)
        require(pair_.assignment() == before, "I8: a bad link frame changed the assignment");
      require(pair_.bad_frame_count() != bad_count || is_whole(chunk.bytes),
              "section 8.2: a body that does not fit was taken");
      look();
    }
    poll();
  }

  // After all that, a peer that is what it says.
  void end() {
    now_ns_ += 1'000'000'000;
    ha2::Pair peer(config_of(1), 0x7777, 99);
    Outbox ha2_link, ha1_link;
    for (int round = 0; round < 3000 && !(pair_.is_paired() && peer.is_paired()); ++round) {
      now_ns_ += 1'000'000;
      poll();
      hand(peer, sent_ha2_, sent_ha1_);
      peer.poll(now_ns_, ha2_link, ha1_link);
      hand(pair_, ha2_link.take(), ha1_link.take());
      look();
    }
    require(pair_.is_paired() && peer.is_paired(), "an honest peer is not paired with");
    require(pair_.assignment().name.session == peer.assignment().name.session,
            "the two name their session differently");
  }

 private:
  void shape(Chunk& chunk) {
    Bytes& frame = chunk.bytes;
    if ((chunk.flags & (kSealed | kBodyFits | kListens)) == 0) return;
    if (frame.size() < ha2::kFrameBytesMin) frame.resize(ha2::kFrameBytesMin);
    ha2::FrameHeader header;
    std::memcpy(&header, frame.data(), sizeof header);
    if ((chunk.flags & kBodyFits) != 0) {
      const bool is_hello = header.type % 2 == 0;
      header.version = ha2::kProtocolVersion;
      header.type =
          static_cast<std::uint8_t>(is_hello ? ha2::FrameType::kHello : ha2::FrameType::kKeepalive);
      header.partition.set(ha2::kLinkPartition);
      header.section_count.set(0);
      std::memcpy(frame.data(), &header, sizeof header);
      is_hello ? fit_hello(frame, (chunk.flags & kListens) != 0)
               : fit_keepalive(frame, (chunk.flags & kSecondPath) != 0);
    }
    if ((chunk.flags & kSealed) != 0) ha2::seal(frame);
  }

  void fit_hello(Bytes& frame, bool listens) {
    auto hello = body_of<HelloBody>(frame);
    const std::size_t fixed_bytes = kHeadBytes + sizeof hello + sizeof(ha2::Checksum);
    std::size_t item_count =
        frame.size() > fixed_bytes ? (frame.size() - fixed_bytes) / sizeof(HelloItem) : 0;
    frame.resize(fixed_bytes + item_count * sizeof(HelloItem));
    if (listens) {
      const auto ours = body_of<HelloBody>(last_hello_);
      hello.echo = ours.nonce;
      hello.peer_boot_id = ours.boot_id;
      hello.refusal = 0;
      if (hello.boot_id.get() == 0 || hello.boot_id.get() == kBootId) hello.boot_id.set(1);
      const std::size_t body_at = kHeadBytes + sizeof hello;
      if (last_hello_.size() > body_at && item_count == 0) {
        frame.resize(last_hello_.size());
        std::copy(last_hello_.begin() + static_cast<std::ptrdiff_t>(body_at), last_hello_.end(),
                  frame.begin() + static_cast<std::ptrdiff_t>(body_at));
        item_count = ours.item_count.get();
      }
    }
    hello.item_count.set(static_cast<std::uint16_t>(item_count));
    std::memcpy(frame.data() + kHeadBytes, &hello, sizeof hello);
  }

  static void fit_keepalive(Bytes& frame, bool is_second_path) {
    auto alive = body_of<KeepaliveBody>(frame);
    frame.resize(kHeadBytes + sizeof alive + sizeof(ha2::Checksum));
    alive.role %= 3;
    alive.path = is_second_path ? 1 : 0;
    std::memcpy(frame.data() + kHeadBytes, &alive, sizeof alive);
  }

  // Sections 8.2 and 8.3, as far as sizes and ranges go.
  static bool is_whole(std::span<const std::byte> bytes) {
    ha2::FrameHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::size_t body_bytes = header.frame_bytes.get() - kHeadBytes - sizeof(ha2::Checksum);
    if (header.type == static_cast<std::uint8_t>(ha2::FrameType::kKeepalive))
      return body_bytes == sizeof(KeepaliveBody) && body_of<KeepaliveBody>(bytes).role <= 2;
    const auto hello = body_of<HelloBody>(bytes);
    return body_bytes == sizeof(HelloBody) + sizeof(HelloItem) * hello.item_count.get() &&
           hello.item_count.get() <= ha2::kHelloItemsMax && hello.boot_id.get() != 0;
  }

  void look() {
    require(pair_.role() <= ha2::Role::kPassive, "a role that does not exist");
    require(is_printable(pair_.refusal_text()) && is_printable(pair_.mtu_note()) &&
                is_printable(pair_.reason()),
            "a text that no terminal should see");
    const ha2::Assignment assignment = pair_.assignment();
    require(!pair_.is_refused() || !assignment.has_peer, "a refused peer has a stream");
    require(!pair_.is_refused() || !pair_.refusal_text().empty(), "a refusal without a word");
    require(!assignment.has_peer || (assignment.frame_bytes >= ha2::kFrameBytesNeeded &&
                                     assignment.frame_bytes <= config_of(0).frame_bytes_max),
            "a frame size that was not agreed");
    require(pair_.term() >= term_, "the term fell");
    require(pair_.role() != ha2::Role::kActive || role_ == ha2::Role::kActive ||
                pair_.term() > term_ || term_ == kTermMax,
            "active without a new term");
    term_ = pair_.term();
    role_ = pair_.role();
  }

  void poll() {
    pair_.poll(now_ns_, ha2_link_, ha1_link_);
    sent_ha2_ = ha2_link_.take();
    sent_ha1_ = ha1_link_.take();
    for (const Bytes& frame : sent_ha2_) {
      require(ha2::decode(frame).error == ha2::DecodeError::kNone, "what was sent is no frame");
      if (ha2::decode(frame).frame.header.type == static_cast<std::uint8_t>(ha2::FrameType::kHello))
        last_hello_ = frame;
    }
    look();
  }

  void hand(ha2::Pair& to, const std::vector<Bytes>& ha2_frames,
            const std::vector<Bytes>& ha1_frames) const {
    for (const Bytes& frame : ha2_frames)
      to.on_frame(Path::kHa2, ha2::decode(frame).frame, now_ns_);
    for (const Bytes& frame : ha1_frames)
      to.on_frame(Path::kHa1, ha2::decode(frame).frame, now_ns_);
  }

  ha2::Pair pair_{config_of(0), kBootId, 5};
  Outbox ha2_link_;
  Outbox ha1_link_;
  std::uint64_t now_ns_ = kStartNs;
  std::uint32_t term_ = 0;
  ha2::Role role_ = ha2::Role::kInitial;
  std::vector<Bytes> sent_ha2_;
  std::vector<Bytes> sent_ha1_;
  Bytes last_hello_;
};

Chunk make(tests::Prng& prng) {
  Chunk chunk;
  chunk.flags = static_cast<std::uint8_t>((kSealed | kBodyFits) | (prng.next() & 0xFAU));
  chunk.bytes.resize(ha2::kFrameBytesMin + sizeof(HelloBody) +
                     (prng.chance(300) ? sizeof(HelloItem) * prng.below(36) : 0));
  // Mostly 0, as most of what is said is.
  for (std::uint32_t left = prng.below(12); left > 0; --left)
    chunk.bytes[prng.below(static_cast<std::uint32_t>(chunk.bytes.size()))] =
        static_cast<std::byte>(prng.below(3));
  chunk.bytes[1] = static_cast<std::byte>(prng.below(2));
  return chunk;
}

}  // namespace

ChunkMutations twinplane::fuzz::chunk_mutations() { return {&mutate_bytes, &make}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  ControlRun run;
  for (Chunk& chunk : read_chunks(std::as_bytes(std::span(data, bytes)))) run.take(chunk);
  run.end();
  return 0;
}
