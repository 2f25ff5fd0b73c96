// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

#include "ha2/decode.hpp"
#include "ha2/frame_builder.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/stream_ends.hpp"

namespace twinplane::ha2 {
namespace {

using tables::TableKind;
using tests::data_frame;
using tests::Frame;
using tests::Prng;

constexpr StreamName kName{0x11223344, 0x55667788};

Frame good_frame() {
  EmptySlot one;
  one.slot.set(1);
  EmptySlot two;
  two.slot.set(2);
  return data_frame<EmptySlot>(kName, 9, 4, wire_kind(TableKind::kSession4, Operation::kEmpty),
                               {one, two});
}

// Changes one field of the header and seals the frame again.
template <class Change>
Frame changed(Change&& change) {
  Frame frame = good_frame();
  FrameHeader header = tests::header_of(frame);
  change(header);
  std::memcpy(frame.data(), &header, sizeof header);
  const std::uint16_t frame_bytes = header.frame_bytes.get();
  seal(frame);
  if (frame_bytes != frame.size()) {
    // seal() sets the right length: put the wrong one back, under a checksum that fits it.
    Le16 wrong;
    wrong.set(frame_bytes);
    std::memcpy(frame.data() + offsetof(FrameHeader, frame_bytes), &wrong, sizeof wrong);
  }
  return frame;
}

Frame with_body(const std::vector<std::uint8_t>& body, std::uint16_t section_count) {
  FrameHeader header = tests::header_of(good_frame());
  header.section_count.set(section_count);
  Frame frame(sizeof header + body.size() + sizeof(Checksum));
  std::memcpy(frame.data(), &header, sizeof header);
  if (!body.empty()) std::memcpy(frame.data() + sizeof header, body.data(), body.size());
  seal(frame);
  return frame;
}

std::string hex(const void* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<const unsigned char*>(bytes)[i]);
    text += digits;
  }
  return text;
}

template <class Record>
std::string hex(const Record& record) {
  return hex(&record, sizeof record);
}

// What a builder makes of one session: the bytes of the only record of that operation.
template <class Address>
std::string record_of(const tables::SessionOf<Address>& session, Operation operation) {
  tests::BoxShape shape = tests::small_shape();
  tests::StreamEnds ends(shape);
  std::uint32_t slot = 0;
  auto& box = ends.owner().partition();
  auto& sessions = box.sessions<Address>();
  if (operation == Operation::kState || operation == Operation::kWindow) {
    slot = sessions.create(session, 0).slot;
    ends.settle();
    sessions.slots().mark(
        slot, operation == Operation::kState ? tables::kMarkState : tables::kMarkWindow);
  } else {
    ends.settle();
    slot = sessions.create(session, 0).slot;
  }
  for (const Frame& frame : ends.flush_owner()) {
    const Decoded decoded = decode(frame);
    std::string found;
    for_each_section(decoded.frame, [&](const Section& section) {
      if (section.kind == wire_kind(SessionWire<Address>::kTable, operation))
        found = hex(section.records, section.record_bytes);
    });
    if (!found.empty()) return found;
  }
  return "none";
}

template <class Address>
tables::SessionOf<Address> golden_session(bool is_translated) {
  tables::SessionOf<Address> session{};
  for (std::size_t i = 0; i < session.client_side.address_a.size(); ++i) {
    session.client_side.address_a[i] = static_cast<std::uint8_t>(0xA0 + i);
    session.client_side.address_b[i] = static_cast<std::uint8_t>(0xB0 + i);
  }
  session.client_side.port_a_be = 0x0201;
  session.client_side.port_b_be = 0x0403;
  session.server_side = session.client_side;
  session.protocol = 6;
  session.flags = tables::kLive | tables::kClientIsA0 | tables::kClientIsA1 | tables::kReplySeen;
  session.state.tcp_ranks = 0x21;  // client SYN sent, server established
  session.state.ingress_role = 0x44;
  session.state.egress_role = 0x55;
  session.state.rule = 0x7766;
  session.state.start_s = 0xFFFFFFFFU;  // two seconds before the clock of StreamEnds stands at 1 s
  session.state.timeout_class = static_cast<std::uint8_t>(tables::TimeoutClass::kTcpOpening);
  session.state.window_scales = 0x73;
  session.state.edge[0] = 0x01020304;
  session.state.edge[1] = 0x05060708;
  session.state.edge_max[0] = 0x090A0B0C;
  session.state.edge_max[1] = 0x0D0E0F10;
  if (!is_translated) return session;
  session.vsys = 3;
  session.flags = (session.flags & ~tables::kClientIsA1) | tables::kTranslated;
  session.server_side.port_a_be = 0x0605;
  session.state.application = 0x9988;
  session.state.qos_class = 0x5A;
  return session;
}

TEST(Decode, TakesAGoodFrameApart) {
  const Frame frame = good_frame();
  const Decoded decoded = decode(frame);
  ASSERT_EQ(decoded.error, DecodeError::kNone);
  EXPECT_EQ(decoded.frame.header.seq.get(), 9U);
  EXPECT_EQ(decoded.frame.header.session.get(), kName.session);
  std::size_t section_count = 0;
  for_each_section(decoded.frame, [&](const Section& section) {
    ++section_count;
    EXPECT_EQ(section.count, 2U);
    EXPECT_EQ(section.record<EmptySlot>(1).slot.get(), 2U);
  });
  EXPECT_EQ(section_count, 1U);
}

TEST(Decode, RefusesAFrameCutAtAnyByte) {
  const Frame frame = good_frame();
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) {
    const Decoded decoded = decode(std::span(frame).first(bytes));
    EXPECT_EQ(decoded.error,
              bytes < kFrameBytesMin ? DecodeError::kTooShort : DecodeError::kBadLength)
        << bytes;
  }
}

TEST(Decode, RefusesAFrameWithAnyBitFlipped) {
  const Frame good = good_frame();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Frame frame = good;
    frame[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(decode(frame).error, DecodeError::kNone) << "bit " << bit;
  }
}

TEST(Decode, NamesEachFaultAndEachHasItsCounter) {
  const std::vector<std::pair<Frame, DecodeError>> cases{
      {Frame(kFrameBytesMin - 1), DecodeError::kTooShort},
      {changed([](FrameHeader& header) { header.version = 2; }), DecodeError::kBadVersion},
      {changed([](FrameHeader& header) { header.type = 0; }), DecodeError::kBadType},
      {changed([](FrameHeader& header) { header.type = 6; }), DecodeError::kBadType},
      {changed([](FrameHeader& header) { header.frame_bytes.set(0); }), DecodeError::kBadLength},
      {changed([](FrameHeader& header) { header.frame_bytes.set(0xFFFF); }),
       DecodeError::kBadLength},
      {changed([](FrameHeader& header) { header.section_count.set(0); }), DecodeError::kBadSection},
      {changed([](FrameHeader& header) { header.section_count.set(2); }), DecodeError::kBadSection},
      {changed([](FrameHeader& header) { header.section_count.set(0xFFFF); }),
       DecodeError::kBadSection},
      {changed([](FrameHeader& header) {
         header.type = static_cast<std::uint8_t>(FrameType::kStatus);
       }),
       DecodeError::kBadSection},
      {with_body({0x05, 4, 0, 0}, 1), DecodeError::kBadSection},  // no records
      // records of no size
      {with_body({0x05, 0, 1, 0}, 1), DecodeError::kBadSection},
      // a size that is not the kind's
      {with_body({0x05, 5, 1, 0, 1, 2, 3, 4, 5}, 1), DecodeError::kBadSection},
      // more than there is
      {with_body({0x05, 4, 2, 0, 1, 2, 3, 4}, 1), DecodeError::kBadSection},
      {with_body({0x05, 4, 0xFF, 0xFF, 1, 2, 3, 4}, 1), DecodeError::kBadSection},
      {with_body({0x05, 4, 1, 0, 1, 2, 3, 4, 9}, 1), DecodeError::kBadSection},  // a byte too many
      // half a section header
      {with_body({0x05, 4}, 1), DecodeError::kBadSection},
  };
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(decode(cases[i].first).error, cases[i].second) << i;
  Frame damaged = good_frame();
  damaged.back() ^= std::byte{1};
  EXPECT_EQ(decode(damaged).error, DecodeError::kBadChecksum);

  EXPECT_EQ(counter_of(DecodeError::kTooShort), Counter::kDropTooShort);
  EXPECT_EQ(counter_of(DecodeError::kBadVersion), Counter::kDropVersion);
  EXPECT_EQ(counter_of(DecodeError::kBadType), Counter::kDropType);
  EXPECT_EQ(counter_of(DecodeError::kBadLength), Counter::kDropLength);
  EXPECT_EQ(counter_of(DecodeError::kBadChecksum), Counter::kDropChecksum);
  EXPECT_EQ(counter_of(DecodeError::kBadSection), Counter::kDropSection);
}

TEST(Decode, BearsEthernetPaddingBehindAShortFrameAndNoOther) {
  Frame frame = with_body({}, 0);
  frame.resize(46);
  EXPECT_EQ(decode(frame).error, DecodeError::kNone);
  frame.resize(47);
  EXPECT_EQ(decode(frame).error, DecodeError::kBadLength);
}

TEST(Decode, PassesSectionsOfALaterVersionsKinds) {
  EXPECT_EQ(decode(with_body({0xF1, 3, 1, 0, 1, 2, 3}, 1)).error, DecodeError::kNone);
}

// The bytes of each record kind, as PROTOCOL.md has them. A change here is a change of the
// protocol.
TEST(Decode, TheBytesOfEachRecordKindAreThese) {
  using tables::Address4;
  using tables::Address6;
  EXPECT_EQ(record_of(golden_session<Address4>(false), Operation::kBrief),
            "0000000400"
            "06"
            "a0a1a2a3"
            "b0b1b2b3"
            "0102"
            "0304"
            "d1"
            "44"
            "55"
            "6677"
            "020000");
  EXPECT_EQ(record_of(golden_session<Address4>(true), Operation::kFull),
            "0000000400"
            "06"
            "a0a1a2a3"
            "b0b1b2b3"
            "0102"
            "0304"
            "d1"
            "44"
            "55"
            "6677"
            "020000"
            "a0a1a2a3"
            "b0b1b2b3"
            "0506"
            "0304"
            "02"
            "03"
            "5a"
            "8899");
  EXPECT_EQ(record_of(golden_session<Address4>(false), Operation::kState),
            "0000000400"
            "51");
  EXPECT_EQ(record_of(golden_session<Address4>(false), Operation::kWindow),
            "0000000400"
            "73"
            "04030201"
            "08070605"
            "0c0b0a09"
            "100f0e0d");
  EXPECT_EQ(record_of(golden_session<Address6>(false), Operation::kPrefixes), "a0a1a2a3a4a5a6a7");
  EXPECT_EQ(record_of(golden_session<Address6>(false), Operation::kBrief),
            "0000000400"
            "06"
            "00"
            "01"
            "a8a9aaabacadaeaf"
            "b8b9babbbcbdbebf"
            "0102"
            "0304"
            "d1"
            "44"
            "55"
            "6677"
            "020000");
  EXPECT_EQ(record_of(golden_session<Address6>(true), Operation::kFull),
            "0000000400"
            "06"
            "00"
            "01"
            "a8a9aaabacadaeaf"
            "b8b9babbbcbdbebf"
            "0102"
            "0304"
            "d1"
            "44"
            "55"
            "6677"
            "020000"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
            "0506"
            "0304"
            "02"
            "03"
            "5a"
            "8899");

  SlotName name;
  name.set(0x2ABCDEF, 0x3FFF);
  EXPECT_EQ(hex(name), "efcdabfeff");
  EXPECT_EQ(name.slot(), 0x2ABCDEFU);
  EXPECT_EQ(name.generation(), 0x3FFF);
  EmptySlot empty;
  empty.slot.set(0x01020304);
  EXPECT_EQ(hex(empty), "04030201");
  EmptyRun run;
  run.first_slot.set(0x01020304);
  run.slot_count.set(0x1000);
  EXPECT_EQ(hex(run), "0403020100100000");
  DigestRange digest{};
  digest.id.set(1);
  digest.first_slot.set(0x100);
  digest.slot_count.set(0x100);
  digest.digest.set(0x0102030405060708U);
  EXPECT_EQ(hex(digest),
            "01000000"
            "00010000"
            "00010000"
            "0807060504030201");
}

TEST(Decode, TheBytesOfAFrameAreThese) {
  const Frame frame = good_frame();
  EXPECT_EQ(hex(frame.data(), frame.size() - sizeof(Checksum)),
            "01"
            "01"
            "0000"
            "44332211"
            "88776655"
            "3400"
            "0100"
            "0900000000000000"
            "04000000"
            "00000000"
            "05"
            "04"
            "0200"
            "01000000"
            "02000000");
}

// A frame with a right checksum and sections of any kind and content, sound or not.
Frame random_frame(Prng& prng, StreamName name, std::uint64_t seq) {
  Frame frame(sizeof(FrameHeader) + prng.below(600) + sizeof(Checksum));
  prng.fill(frame);
  FrameHeader header = tests::header_of(frame);
  header.version = kProtocolVersion;
  header.type = static_cast<std::uint8_t>(
      prng.chance(900) ? FrameType::kData : static_cast<FrameType>(prng.between(1, 5)));
  header.partition.set(0);
  header.session.set(name.session);
  header.term.set(name.term);
  if (prng.chance(900)) header.seq.set(seq);
  if (prng.chance(900)) header.floor_distance.set(1);
  // Sections that fill the body, with kinds and record sizes that are mostly real.
  std::size_t at = sizeof header;
  const std::size_t end = frame.size() - sizeof(Checksum);
  std::uint16_t section_count = 0;
  while (end - at > sizeof(SectionHeader) && section_count < 60) {
    SectionHeader section{};
    section.kind =
        static_cast<std::uint8_t>(prng.coin() ? prng.between(1, 8) : prng.between(0x11, 0x18));
    if (prng.chance(30)) section.kind = static_cast<std::uint8_t>(prng.next());
    const std::size_t room = end - at - sizeof section;
    std::size_t size = record_bytes_of(section.kind);
    if (size == 0 || size > room) {
      section.kind = 0xFF;
      size = std::min<std::size_t>(room, 255);
    }
    std::size_t count =
        prng.between(1, std::min<std::uint32_t>(4, static_cast<std::uint32_t>(room / size)));
    if (room - count * size <= sizeof section) section.kind = 0xFF, size = room, count = 1;
    if (size > 255) size = 200, count = 1;
    section.record_bytes = static_cast<std::uint8_t>(size);
    section.count.set(static_cast<std::uint16_t>(count));
    std::memcpy(frame.data() + at, &section, sizeof section);
    at += sizeof section;
    // Slots and prefix numbers near what exists, so that many records are sound.
    for (std::size_t i = 0; i < count; ++i) {
      std::byte* const record = frame.data() + at + i * size;
      if (size < 5 || prng.chance(20)) continue;
      record[0] = static_cast<std::byte>(prng.below(prng.chance(950) ? 64 : 70));
      record[1] = record[2] = std::byte{0};
      record[3] &= std::byte{0xFC};
      const auto operation = static_cast<Operation>(section.kind % 16U);
      if (operation == Operation::kState) record[5] &= std::byte{0x5B};
      if (operation != Operation::kBrief && operation != Operation::kFull) continue;
      // Few keys, so that they meet; a state and sides that exist, mostly.
      const bool is_4 = section.kind < 16;
      for (std::size_t byte = 6; byte < (is_4 ? 18U : 28U); ++byte) record[byte] &= std::byte{1};
      std::byte* const tail = record + (is_4 ? 18 : 28);
      tail[0] &= std::byte{0xDB};
      if (operation == Operation::kFull) record[size - sizeof(FullExtra)] &= std::byte{3};
    }
    at += count * size;
    ++section_count;
  }
  frame.resize(at + sizeof(Checksum));
  header.section_count.set(prng.chance(980) && header.type == 1
                               ? section_count
                               : static_cast<std::uint16_t>(prng.below(3)));
  std::memcpy(frame.data(), &header, sizeof header);
  seal(frame);
  return frame;
}

template <class Address>
void expect_sound_table(const tables::SessionTable<Address>& sessions) {
  const auto& slots = sessions.slots();
  std::uint64_t key_count = 0;
  ASSERT_EQ(slots.swept_count(), 0U) << "a search of the whole index that a peer can ask for";
  for (std::uint32_t slot = 0; slot < slots.slot_count(); ++slot) {
    const auto& entry = slots.entry(slot);
    ASSERT_EQ((entry.flags & tables::kLive) != 0, slots.live().is_live(slot));
    if ((entry.flags & tables::kLive) == 0) continue;
    ASSERT_EQ(slots.find(tables::key_of(entry, tables::Side::kClient)).slot, slot);
    ++key_count;
    if ((entry.flags & tables::kTranslated) != 0) {
      ASSERT_EQ(slots.find(tables::key_of(entry, tables::Side::kServer)).slot, slot);
      ++key_count;
    }
    for (const auto direction : {tables::kFromClient, tables::kFromServer})
      ASSERT_LE(tables::tcp_rank(entry.state, direction), tables::TcpRank::kReset);
    ASSERT_LT(entry.state.timeout_class, tables::kTimeoutClassCount);
  }
  ASSERT_EQ(slots.index().key_count(), key_count);
}

TEST(Decode, RandomFramesWithARightChecksumNeverBreakATable) {
  tests::StreamEnds ends;
  Prng prng(2024);
  std::uint64_t decoded_count = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Frame frame = random_frame(prng, ends.name(), ends.mirror_stream().passed_seq() + 1);
    const Decoded decoded = decode(frame);
    if (decoded.error != DecodeError::kNone) continue;
    ++decoded_count;
    ends.mirror().on_frame(decoded.frame, frame, ends.now_ns);
    if (prng.chance(10)) ends.owner().on_frame(decoded.frame, frame, ends.now_ns);
    ends.wait(1000);
    if (i % 64 == 0) ends.poll_mirror(), ends.poll_owner();
    if (i % 1000 == 0) {
      expect_sound_table(ends.mirror().partition().session4());
      expect_sound_table(ends.mirror().partition().session6());
    }
    if (HasFatalFailure()) return;
  }
  // The frames were good enough to be applied, and bad enough to be refused.
  EXPECT_GT(decoded_count, 150'000U);
  EXPECT_GT(ends.mirror_count(Counter::kWholesApplied), 1000U);
  EXPECT_GT(ends.mirror_count(Counter::kDropRecord), 1000U);
}

TEST(Decode, RandomBytesAreNeverAFrame) {
  Prng prng(7);
  for (int i = 0; i < 100'000; ++i) {
    Frame frame(prng.below(200));
    prng.fill(frame);
    if (frame.size() > 2 && prng.coin()) frame[0] = frame[1] = std::byte{1};
    EXPECT_NE(decode(frame).error, DecodeError::kNone);
  }
}

}  // namespace
}  // namespace twinplane::ha2
