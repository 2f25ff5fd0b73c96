// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what SCTP packets do to their parser and to an association.
//
// A chunk is a packet whose flags say what is made right in it and which way it goes. Held against
// the parser: it accepts exactly what a second telling of the rules does, and says of it the same;
// a checksum that is set is right. Against the tracker: its state is sound after each packet; what
// is dropped changes nothing, what passes is found by its key; the rank never falls, and what is
// established keeps its tags and addresses, beside which others may join.
#include "dataplane/sctp_packet.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tables/sctp_key.hpp"
#include "tables/sctp_track.hpp"
#include "tests/fuzz/kit/chunks.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/support/packet_builder.hpp"
#include "tests/support/sctp_builder.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::dataplane;
using namespace twinplane::tables;
using fuzz::Chunk;
using fuzz::require;
using tests::Bytes;
using tests::get16;
using tests::operator+;

// Of a chunk of the input.
constexpr std::uint8_t kRightChecksum = 0x01;
constexpr std::uint8_t kRightTag = 0x02;  // 0 of an INIT, else the receiver's
constexpr std::uint8_t kFromTheServer = 0x04;
constexpr std::uint8_t kReflectedTag = 0x08;  // with kRightTag: the sender's
constexpr std::uint8_t kOwnInitiateTag = 0x10;
constexpr std::uint8_t kOtherSource = 0x20;
constexpr std::uint8_t kOtherTarget = 0x40;

constexpr std::size_t kHeaderBytes = 12;
constexpr std::array<std::uint32_t, 2> kOwnTags{0xC1C1C1C1, 0x5E5E5E5E};  // client's, server's
constexpr std::array<std::array<Address6, 2>, 2> kEnds{{
    {mapped_address(tests::kClient4), tests::kClient6},
    {mapped_address(tests::kServer4), tests::kServer6},
}};

using Addresses = std::vector<Bytes>;

std::uint32_t get32(std::span<const std::byte> bytes, std::size_t at) {
  return get16(bytes, at) << 16U | get16(bytes, at + 2);
}

// A chunk or a parameter, with its header.
struct Unit {
  unsigned type;
  std::span<const std::byte> bytes;
};

// Nothing when they do not fit. Only what stands last in a chunk may lack its padding.
std::optional<std::vector<Unit>> units_of(std::span<const std::byte> bytes, bool is_chunks) {
  std::vector<Unit> units;
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < 4) return std::nullopt;
    const std::size_t length = get16(bytes, at + 2);
    if (length < 4 || length > bytes.size() - at) return std::nullopt;
    const unsigned type = get16(bytes, at);
    units.push_back({is_chunks ? type >> 8U : type, bytes.subspan(at, length)});
    at += (length + 3) / 4 * 4;
    if (is_chunks && at > bytes.size()) return std::nullopt;
  }
  return units;
}

bool is_init_right(const Unit& init) {
  if (init.bytes.size() < 20 || get32(init.bytes, 4) == 0 || get32(init.bytes, 8) < 1500)
    return false;
  if (get16(init.bytes, 12) == 0 || get16(init.bytes, 14) == 0) return false;
  const auto parameters = units_of(init.bytes.subspan(20), false);
  if (!parameters || parameters->size() > kSctpParametersMax) return false;
  const auto is_wrong_address = [](const Unit& unit) {
    return (unit.type == 5 && unit.bytes.size() != 8) ||
           (unit.type == 6 && unit.bytes.size() != 20);
  };
  const auto is_cookie = [](const Unit& unit) { return unit.type == 7; };
  return std::ranges::none_of(*parameters, is_wrong_address) &&
         (init.type == kSctpInit || std::ranges::any_of(*parameters, is_cookie));
}

// What the parameters of an ASCONF's requests to add an address say, request by request.
std::optional<std::vector<Unit>> added_by(const Unit& asconf) {
  if (asconf.bytes.size() < 8) return std::nullopt;
  const auto parameters = units_of(asconf.bytes.subspan(8), false);
  if (!parameters || parameters->size() > kSctpParametersMax) return std::nullopt;
  std::vector<Unit> added;
  for (const Unit& request : *parameters) {
    if (request.type != 0xC001) continue;
    if (request.bytes.size() < 12) return std::nullopt;
    const auto addresses = units_of(request.bytes.subspan(8), false);
    if (!addresses || addresses->size() > kSctpParametersMax) return std::nullopt;
    for (const Unit& address : *addresses) {
      const auto value = address.bytes.subspan(4);
      const bool is_zero =
          std::ranges::all_of(value, [](std::byte byte) { return byte == std::byte{0}; });
      if (is_zero && (value.size() == 4 || value.size() == 16)) continue;
      if ((address.type == 5 && value.size() != 4) || (address.type == 6 && value.size() != 16))
        return std::nullopt;
      added.push_back(address);
    }
  }
  return added;
}

// The rules of dataplane/sctp_packet.hpp, told again.
bool is_right(const Bytes& packet) {
  if (packet.size() <= kHeaderBytes || get16(packet, 0) == 0 || get16(packet, 2) == 0) return false;
  Bytes summed = packet;
  tests::put_sctp_checksum(summed);
  const auto chunks = units_of(std::span(packet).subspan(kHeaderBytes), true);
  if (summed != packet || !chunks) return false;
  const auto is_data = [](const Unit& chunk) { return chunk.type == 0; };
  const auto data_count = std::ranges::count_if(*chunks, is_data);
  if (chunks->size() - static_cast<std::size_t>(data_count) > kSctpControlChunksMax) return false;
  bool is_behind_other = false;
  for (const Unit& chunk : *chunks) {
    const bool is_lone = chunk.type == 1 || chunk.type == 2 || chunk.type == 14;
    if (is_data(chunk) && chunk.bytes.size() < 17) return false;
    if (chunk.type == 0xC1 && !added_by(chunk)) return false;
    if (is_lone && chunks->size() > 1) return false;
    if ((chunk.type == 10 || chunk.type == 11) && is_behind_other) return false;
    is_behind_other |= chunk.type != 15;
  }
  const Unit& first = chunks->front();
  if ((get32(packet, 4) == 0) != (first.type == 1)) return false;
  return (first.type != 1 && first.type != 2) || is_init_right(first);
}

// Each once.
Addresses addresses_in(const std::vector<Unit>& parameters) {
  Addresses addresses;
  for (const Unit& parameter : parameters) {
    if (parameter.type != 5 && parameter.type != 6) continue;
    const auto value = parameter.bytes.subspan(4);
    Bytes mapped = tests::bytes_of({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF});
    if (parameter.type == 6) mapped.clear();
    tests::append(mapped, value);
    if (std::ranges::find(addresses, mapped) == addresses.end()) addresses.push_back(mapped);
  }
  return addresses;
}

void require_alike_addresses(const SctpSummary& summary, const Addresses& listed) {
  const auto known = summary.known_addresses();
  require(known.size() == std::min(listed.size(), kSctpAddressesMax), "not all addresses are kept");
  require(summary.address_count >= listed.size(), "an address was not counted");
  for (std::size_t place = 0; place < known.size(); ++place)
    require(std::ranges::equal(std::as_bytes(std::span(known[place])), listed[place]),
            "another address was kept");
}

void require_alike(const SctpSummary& summary, const Bytes& packet) {
  const auto chunks = units_of(std::span(packet).subspan(kHeaderBytes), true);
  std::uint32_t set = 0;
  bool is_reflected = false;
  for (const Unit& chunk : *chunks) {
    set |= 1U << std::min(chunk.type, 31U);
    const bool has_bit = (std::to_integer<unsigned>(chunk.bytes[1]) & 1U) != 0;
    is_reflected |= has_bit && (chunk.type == 6 || chunk.type == 14);
  }
  require(summary.chunks == set && summary.chunk_count == chunks->size() &&
              summary.first_chunk == chunks->front().type,
          "other chunks are told of");
  require(summary.tag == get32(packet, 4), "another tag is told of");
  require(summary.is_tag_reflected == is_reflected, "the T bit is told of wrongly");
  const bool is_init = summary.has(kSctpInit) || summary.has(kSctpInitAck);
  require(summary.initiate_tag == (is_init ? get32(packet, kHeaderBytes + 4) : 0),
          "another initiate tag is told of");
  std::vector<Unit> listed;
  if (is_init) listed = *units_of(chunks->front().bytes.subspan(20), false);
  for (const Unit& chunk : *chunks)
    if (chunk.type == 0xC1) std::ranges::copy(*added_by(chunk), std::back_inserter(listed));
  require_alike_addresses(summary, addresses_in(listed));
}

// In memory of exactly its size.
SctpResult parse_exact(const Bytes& packet, SctpSummary& out) {
  const auto copy = std::make_unique_for_overwrite<std::byte[]>(packet.size());
  std::ranges::copy(packet, copy.get());
  const SctpResult result = parse_sctp({copy.get(), packet.size()}, SctpChecksum::kVerify, out);
  require(name(result) != "unknown", "a result without a name");
  return result;
}

class SctpRun {
 public:
  void take(const Chunk& chunk) {
    const Direction direction = (chunk.flags & kFromTheServer) != 0 ? kFromServer : kFromClient;
    Bytes packet = chunk.bytes;
    repair(packet, chunk.flags, direction);
    SctpSummary summary;
    const SctpResult result = parse_exact(packet, summary);
    require((result == SctpResult::kOk) == is_right(packet), "the rules say otherwise");
    if (result != SctpResult::kOk) return;
    require_alike(summary, packet);
    const SctpPath path{kEnds[direction][(chunk.flags & kOtherSource) != 0 ? 1 : 0],
                        kEnds[opposite(direction)][(chunk.flags & kOtherTarget) != 0 ? 1 : 0]};
    advance(direction, summary, path);
  }

 private:
  void repair(Bytes& packet, std::uint8_t flags, Direction direction) const {
    if (packet.size() < kHeaderBytes) return;
    const bool has_type = packet.size() > kHeaderBytes;
    const bool is_init = has_type && packet[kHeaderBytes] == std::byte{kSctpInit};
    if ((flags & kOwnInitiateTag) != 0 && packet.size() >= kHeaderBytes + 8)
      tests::put32(packet, kHeaderBytes + 4, kOwnTags[direction]);
    if ((flags & kRightTag) != 0) {
      const Direction carrier = (flags & kReflectedTag) != 0 ? opposite(direction) : direction;
      tests::put32(packet, 4, is_init ? 0 : state_.tags[carrier]);
    }
    if ((flags & kRightChecksum) == 0) return;
    set_sctp_checksum(packet);
    Bytes summed = packet;
    tests::put_sctp_checksum(summed);
    require(summed == packet, "a wrong checksum was set");
  }

  void advance(Direction direction, const SctpSummary& summary, const SctpPath& path) {
    const SctpState before = state_;
    const SctpVerdict verdict = sctp_advance(state_, direction, summary, path);
    require(name(verdict.outcome) != "unknown", "an outcome without a name");
    require(sctp_is_sound(state_), "the state is not sound");
    require(state_.rank >= before.rank, "I3: the rank fell");
    require((verdict.marks != 0) == !(state_ == before), "what changed is not what is marked");
    const bool is_rekeyed = state_.tags != before.tags || state_.addresses != before.addresses ||
                            has_more(state_) != has_more(before);
    require(is_rekeyed == (verdict.marks == kMarkWhole), "tags or addresses changed unmarked");
    if (before.rank >= SctpRank::kEstablished) require_kept(before);
    require(summary.source_port_be != summary.target_port_be ||
                state_.tags[kFromClient] != state_.tags[kFromServer] || state_ == before,
            "both keys are one");
    if (verdict.outcome == SctpOutcome::kForward) {
      const SctpLookup lookup = sctp_lookup(summary);
      const Direction carrier = lookup.is_against ? opposite(direction) : direction;
      require(lookup.key.tag == state_.tags[carrier], "what passed is not found by its key");
      return;
    }
    require(state_ == before, "what was dropped changed the state");
    if (verdict.outcome != SctpOutcome::kOpens || !sctp_gives_way(state_)) return;
    sctp_open(state_, summary, path);
    require(sctp_is_sound(state_), "what was opened is not sound");
  }

  // Of each side: it has more addresses than are kept.
  static std::array<bool, 2> has_more(const SctpState& state) {
    return {tables::sctp_has(state, tables::kSctpMoreAddresses, kFromClient),
            tables::sctp_has(state, tables::kSctpMoreAddresses, kFromServer)};
  }

  // Whatever joins stands behind what was there.
  void require_kept(const SctpState& before) const {
    require(state_.tags == before.tags, "what was established has another tag");
    for (const Direction side : {kFromClient, kFromServer})
      for (std::size_t place = 0; place < kSctpAddressesMax; ++place)
        require(before.address_flags[side][place] == 0 ||
                    state_.addresses[side][place] == before.addresses[side][place],
                "what was established has moved");
  }

  SctpState state_{};
};

void mutate(Chunk& chunk, std::size_t bytes_max, tests::Prng& prng) {
  if (prng.chance(100))
    chunk.flags = static_cast<std::uint8_t>(prng.next());
  else
    mutate_bytes(chunk, bytes_max, prng);
}

// Mostly a packet that an end would send.
Chunk make(tests::Prng& prng) {
  Chunk chunk;
  chunk.flags = static_cast<std::uint8_t>(kRightChecksum | kRightTag | kOwnInitiateTag |
                                          (prng.coin() ? kFromTheServer : 0U));
  const int type = static_cast<int>(prng.below(16));
  Bytes chunks;
  if (type == kSctpInit || type == kSctpInitAck) {
    Bytes parameters = tests::sctp_parameter(7, tests::filler(prng.below(8)));
    if (prng.coin()) tests::append(parameters, tests::sctp_address(tests::kServer6));
    if (prng.coin()) tests::append(parameters, tests::sctp_address(tests::kClient6));
    for (std::uint8_t last = static_cast<std::uint8_t>(prng.below(6)); last != 0; --last)
      tests::append(parameters, tests::sctp_address(Address4{10, 0, 0, last}));
    chunks = tests::sctp_init(type, {}, parameters);
  } else {
    chunks = tests::sctp_chunk(type, tests::filler(prng.below(20)), prng.chance(200) ? 1 : 0);
    if (prng.chance(200)) {
      Bytes asconf = tests::bytes_of({0, 0, 0, 1}) + tests::sctp_address(tests::kClient4);
      for (std::uint8_t last = static_cast<std::uint8_t>(prng.below(6)); last != 0; --last)
        tests::append(asconf,
                      tests::sctp_parameter(prng.chance(800) ? 0xC001 : 0xC002,
                                            tests::bytes_of({0, 0, 0, last}) +
                                                tests::sctp_address(Address4{10, 0, 0, last})));
      tests::append(chunks, tests::sctp_chunk(kSctpAsconf, asconf));
    }
    if (prng.chance(300))
      tests::append(chunks, tests::sctp_chunk(static_cast<int>(prng.below(16))));
  }
  chunk.bytes = tests::sctp_packet(1, chunks);
  return chunk;
}

}  // namespace

fuzz::ChunkMutations twinplane::fuzz::chunk_mutations() { return {&mutate, &make}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  SctpRun run;
  for (const Chunk& chunk : fuzz::read_chunks(std::as_bytes(std::span(data, bytes))))
    run.take(chunk);
  return 0;
}
