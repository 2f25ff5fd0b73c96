// SPDX-License-Identifier: BSD-3-Clause
// wire.hpp - every struct that stands in a frame.
//
//   0        1        2                 4
//   +--------+--------+-----------------+-----------------------------------+
//   | version|  type  |    partition    |              session              |   0
//   +--------+--------+-----------------+-----------------------------------+
//   |               term                |  frame_bytes    |  section_count  |   8
//   +-----------------------------------+-----------------+-----------------+
//   |                                  seq                                  |  16
//   +-----------------------------------+-----------------------------------+
//   |          floor_distance           |           send_time_us            |  24
//   +-----------------------------------+-----------------------------------+
//   | body: sections of records (data), or one fixed struct (other types)   |  32
//   +-----------------------------------------------------------------------+
//   |                               checksum                                |  last 8
//   +-----------------------------------------------------------------------+
//
//   section: | kind | record_bytes | count | count records of record_bytes each |
//
// Thread:  any; values.
// Memory:  no padding, alignment one: a struct may be laid over any byte of a frame.
// Limits:  see each field.
// Errors:  none here; decode.hpp checks.
// Spec:    PROTOCOL.md sections 2 to 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ha2/byte_order.hpp"
#include "tables/flow_key.hpp"
#include "tables/partition.hpp"

namespace twinplane::ha2 {

inline constexpr std::uint8_t kProtocolVersion = 1;
// frames of the link itself: hello, keepalive
inline constexpr std::uint16_t kLinkPartition = 0xFFFF;

enum class FrameType : std::uint8_t {
  kData = 1,       // owner to mirror: records
  kHeartbeat = 2,  // owner to mirror: the last seq, nothing else (S8)
  kStatus = 3,     // mirror to owner (S4)
  kHello = 4,      // link: who I am and what must match
  kKeepalive = 5,  // link: alive, role, terms
};

struct FrameHeader {
  std::uint8_t version;
  std::uint8_t type;
  Le16 partition;
  Le32 session;  // agreed in the hello; 0 in a hello
  Le32 term;
  Le16 frame_bytes;     // header, body and checksum
  Le16 section_count;   // data: sections in the body; else 0
  Le64 seq;             // data: its own, from 1; heartbeat: the last sent; status: the last passed
  Le32 floor_distance;  // data, heartbeat: seq minus floor plus one; and kAnswerAtOnce
  Le32 send_time_us;    // sender's clock, wraps
};

// In floor_distance of a data frame: somebody waits for its answer.
inline constexpr std::uint32_t kAnswerAtOnce = std::uint32_t{1} << 31U;

inline std::uint32_t floor_distance_of(const FrameHeader& header) noexcept {
  return header.floor_distance.get() & ~kAnswerAtOnce;
}

using Checksum = Le64;  // XXH3 over all bytes before it

inline constexpr std::size_t kFrameBytesMin = sizeof(FrameHeader) + sizeof(Checksum);
inline constexpr std::size_t kFrameBytesMax = 9000;

// What a record says. The kind on the wire is table kind * 16 + operation.
enum class Operation : std::uint8_t {
  kBrief = 1,     // whole of a session: untranslated; virtual system, application, QoS class 0
  kFull = 2,      // whole: everything
  kState = 3,     // patch: TCP ranks and flags; of a plain kind its Patch
  kWindow = 4,    // patch: TCP window edges and scales; of a plain kind its Refresh
  kEmpty = 5,     // the slot holds nothing
  kEmptyRun = 6,  // so many slots hold nothing
  kDigest = 7,    // the digest of a range of slots at this point of the stream
  // session6 only: the upper halves that kBrief and kFull of the same frame refer to
  kPrefixes = 8,
};

constexpr std::uint8_t wire_kind(tables::TableKind table, Operation operation) noexcept {
  return static_cast<std::uint8_t>(static_cast<unsigned>(table) * 16U +
                                   static_cast<unsigned>(operation));
}

// Requires a kind that record_bytes_of() knows.
constexpr tables::TableKind table_of(std::uint8_t kind) noexcept {
  return static_cast<tables::TableKind>(kind / 16U);
}

constexpr Operation operation_of(std::uint8_t kind) noexcept {
  return static_cast<Operation>(kind % 16U);
}

// What operations are counted as, in this order in Counter and KindCounter.
enum class RecordGroup : std::uint8_t { kWhole, kPatch, kEmpty, kNone };

constexpr RecordGroup group_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::kBrief:
    case Operation::kFull:
      return RecordGroup::kWhole;
    case Operation::kState:
    case Operation::kWindow:
      return RecordGroup::kPatch;
    case Operation::kEmpty:
    case Operation::kEmptyRun:
      return RecordGroup::kEmpty;
    case Operation::kDigest:
    case Operation::kPrefixes:
      break;
  }
  return RecordGroup::kNone;
}

struct SectionHeader {
  std::uint8_t kind;
  std::uint8_t record_bytes;
  Le16 count;
};

// Slot number in the low 26 bits, generation in the upper 14.
struct SlotName {
  Le40 packed;

  std::uint32_t slot() const noexcept {
    return static_cast<std::uint32_t>(packed.get() & tables::HashIndex::kSlotMask);
  }

  std::uint16_t generation() const noexcept {
    return static_cast<std::uint16_t>(packed.get() >> tables::HashIndex::kSlotBits);
  }

  void set(std::uint32_t slot, std::uint16_t generation) noexcept {
    packed.set(slot | static_cast<std::uint64_t>(generation) << tables::HashIndex::kSlotBits);
  }
};

// TCP ranks in three bits each (client low), bit 6: the server has answered.
using WireState = std::uint8_t;

struct WholeTail {
  std::uint8_t state_and_end;  // WireState; bit 7: the client is end a of the client side
  std::uint8_t ingress_role;
  std::uint8_t egress_role;
  Le16 rule;
  Le24 age_s;  // since the session started
};

struct Ends4 {
  tables::Address4 address_a;
  tables::Address4 address_b;
  std::uint8_t port_a[2];
  std::uint8_t port_b[2];
};

struct Ends6 {
  tables::Address6 address_a;
  tables::Address6 address_b;
  std::uint8_t port_a[2];
  std::uint8_t port_b[2];
};

// Each address as the number of its upper half in the frame's kPrefixes section and its lower half.
struct ShortEnds6 {
  std::uint8_t prefix_a;
  std::uint8_t prefix_b;
  std::uint8_t suffix_a[8];
  std::uint8_t suffix_b[8];
  std::uint8_t port_a[2];
  std::uint8_t port_b[2];
};

struct Brief4 {
  SlotName name;
  std::uint8_t protocol;
  Ends4 client_side;
  WholeTail tail;
};

struct Brief6 {
  SlotName name;
  std::uint8_t protocol;
  ShortEnds6 client_side;
  WholeTail tail;
};

struct FullExtra {
  // bit 0: the client is end a of the server side; bit 1: translated; bit 2: it has a sequence
  // shift
  std::uint8_t sides;
  std::uint8_t vsys;
  std::uint8_t qos_class;
  Le16 application;
};

struct Full4 {
  Brief4 brief;
  Ends4 server_side;
  FullExtra extra;
};

struct Full6 {
  Brief6 brief;
  Ends6 server_side;
  FullExtra extra;
};

struct StatePatch {
  SlotName name;
  WireState state;
};

struct WindowPatch {
  SlotName name;
  std::uint8_t scales;
  Le32 edge[2];
  Le32 edge_max[2];
};

struct EmptySlot {
  Le32 slot;
};

struct EmptyRun {
  Le32 first_slot;
  Le32 slot_count;
};

// Why a range is compared.
enum class CheckRound : std::uint8_t {
  kNone,
  kCompare,  // the beginning of a stream whose mirror holds tables already
  kVerify,   // somebody asked
  kAudit,    // in the background, paced
};

struct DigestRange {
  Le32 id;  // rises by one with each digest of the stream
  Le32 first_slot;
  Le16 slot_count;
  std::uint8_t round;  // CheckRound
  std::uint8_t zero;
  Le64 digest;
};

struct Prefix6 {
  std::uint8_t upper[8];
};

inline constexpr std::uint32_t kVerdictsMax = 256;
inline constexpr std::size_t kVerdictBytes = kVerdictsMax / 4;

// The mirror's answer. Absolute: the last one tells all. header.seq is the last seq passed.
struct StatusBody {
  Le64 first_seq;       // bit 0 of `lost` stands for this one
  Le16 lost_bytes;      // bytes of `lost` that follow this struct
  Le32 echo_time_us;    // send_time_us of the newest frame passed
  Le32 digest_next_id;  // the id after the newest digest seen
  // two bits for each of the kVerdictsMax ids before it, newest first: 0 none, 1 equal, 2 different
  std::uint8_t verdicts[kVerdictBytes];
};

enum class Verdict : std::uint8_t { kNone = 0, kEqual = 1, kDifferent = 2 };

struct HelloBody {
  Le64 boot_id;          // drawn at start
  Le64 nonce;            // the peer must echo it before this box believes a new boot_id
  Le64 echo;             // the peer's last nonce
  Le64 peer_boot_id;     // whom I talk to; 0 while I know nobody
  std::uint8_t box_id;   // 0 or 1
  std::uint8_t refusal;  // Refusal: why I will not pair; 0 when I will
  // 1: my tables are not those of a box that was just started empty, so that a stream towards me
  // begins with a comparison
  std::uint8_t holds_tables;
  Le16 mtu_bytes;   // the largest frame I take
  Le16 item_count;  // HelloItem structs that follow
  Le16 kinds;       // KindSet of the tables that I keep equal; those that both name are
};

// One property that both boxes must (or need not) agree on.
struct HelloItem {
  char name[24];  // zero-padded
  Le64 value;
  std::uint8_t must_equal;
};

// holds_tables of a box that was the active one when it ended and kept them.
inline constexpr std::uint8_t kHeldAsActive = 2;

struct KeepaliveBody {
  Le64 boot_id;
  std::uint8_t box_id;
  std::uint8_t role;  // Role
  std::uint8_t priority;
  std::uint8_t path;  // which path it went out on
  Le32 term;  // highest term this box has seen; before it has a role, that of the tables it kept
  std::uint8_t is_synced;  // from the active box: the receiver's mirror is complete
  std::uint8_t is_leaving;
  std::uint8_t holds_tables;  // as in HelloBody, and kHeldAsActive before it has a role
  // rises by one with each round, and is the same on every path: the higher is the newer
  Le32 count;
};

// Slots that one record may speak of, so that a frame's work is bounded by its size.
inline constexpr std::uint32_t kRangeSlotsMax = 4096;

template <class T>
inline constexpr bool kIsWireType = std::is_trivially_copyable_v<T> && alignof(T) == 1;
static_assert(kIsWireType<FrameHeader> && sizeof(FrameHeader) == 32 &&
              offsetof(FrameHeader, seq) == 16);
static_assert(kIsWireType<SectionHeader> && sizeof(SectionHeader) == 4);
static_assert(kIsWireType<Brief4> && sizeof(Brief4) == 26);
static_assert(kIsWireType<Brief6> && sizeof(Brief6) == 36);
static_assert(kIsWireType<Full4> && sizeof(Full4) == 43);
static_assert(kIsWireType<Full6> && sizeof(Full6) == 77);
static_assert(kIsWireType<StatePatch> && sizeof(StatePatch) == 6);
static_assert(kIsWireType<WindowPatch> && sizeof(WindowPatch) == 22);
static_assert(kIsWireType<EmptySlot> && sizeof(EmptySlot) == 4);
static_assert(kIsWireType<EmptyRun> && sizeof(EmptyRun) == 8);
static_assert(kIsWireType<DigestRange> && sizeof(DigestRange) == 20);
static_assert(kIsWireType<StatusBody> && sizeof(StatusBody) == 18 + kVerdictBytes);
static_assert(kIsWireType<HelloBody> && sizeof(HelloBody) == 41);
static_assert(kIsWireType<HelloItem> && sizeof(HelloItem) == 33);
static_assert(kIsWireType<KeepaliveBody> && sizeof(KeepaliveBody) == 23);

}  // namespace twinplane::ha2
