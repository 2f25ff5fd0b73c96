// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "dataplane/bytes.hpp"
#include "dataplane/sctp_packet.hpp"
#include "tests/support/prng.hpp"
#include "tests/support/sctp_builder.hpp"

namespace twinplane::dataplane {
namespace {

using namespace tests;
using namespace tables;

constexpr std::uint32_t kTag = 0x0BADCAFE;
constexpr int kReflected = 1;

// In memory of exactly its size.
SctpResult parse_copy(const Bytes& packet, SctpSummary& out,
                      SctpChecksum checksum = SctpChecksum::kVerify) {
  const auto copy = std::make_unique_for_overwrite<std::byte[]>(packet.size());
  std::ranges::copy(packet, copy.get());
  return parse_sctp({copy.get(), packet.size()}, checksum, out);
}

std::string_view result_of(const Bytes& packet) {
  SctpSummary summary;
  return name(parse_copy(packet, summary));
}

std::string_view result_of(std::uint32_t tag, const Bytes& chunks) {
  return result_of(sctp_packet(tag, chunks));
}

SctpSummary summary_of(std::uint32_t tag, const Bytes& chunks) {
  SctpSummary summary;
  EXPECT_EQ(name(parse_copy(sctp_packet(tag, chunks), summary)), "ok");
  return summary;
}

Bytes data(std::size_t payload_bytes = 4) {
  return sctp_chunk(kSctpData, filler(12 + payload_bytes));
}

Bytes cookie() { return sctp_parameter(7, filler(21)); }

TEST(SctpChecksum, IsTheOneOfTheRfcAndItsLowestByteComesFirst) {
  // "123456789" gives 0xE3069283 in every table of CRC32c.
  const Bytes nine = bytes_of({'1', '2', '3', '4', '5', '6', '7', '8', '9'});
  ASSERT_EQ(slow_crc32c(nine), 0xE3069283U);
  for (std::size_t bytes = 0; bytes < 70; ++bytes) {
    Bytes packet = sctp_packet(kTag, filler(bytes));
    const Bytes right = packet;
    EXPECT_EQ(load_raw<std::uint32_t>(packet.data() + 8), sctp_checksum_raw(packet)) << bytes;
    put32(packet, 8, 0xFFFFFFFF);
    set_sctp_checksum(packet);
    EXPECT_EQ(packet, right) << bytes;
  }
}

TEST(SctpChecksum, OfARealPacketIsRight) {
  // A COOKIE ACK as it was captured.
  const Bytes packet = bytes_of({0x18, 0x9F, 0x0B, 0x5A, 0xDD, 0x68, 0xD3, 0x3D, 0xBA, 0x58, 0x3C,
                                 0x4E, 0x0B, 0x00, 0x00, 0x04});
  EXPECT_EQ(result_of(packet), "ok");
}

TEST(SctpPacket, RefusesAWrongChecksumUnlessTheDeviceHasVerifiedIt) {
  for (std::size_t at = 0; at < 32; ++at) {
    Bytes packet = sctp_packet(kTag, data());
    packet[at] ^= std::byte{0x10};
    EXPECT_EQ(result_of(packet), "bad_checksum") << at;
  }
  Bytes packet = sctp_packet(kTag, data());
  packet[8] ^= std::byte{1};
  SctpSummary summary;
  EXPECT_EQ(parse_copy(packet, summary, SctpChecksum::kKnownGood), SctpResult::kOk);
}

TEST(SctpPacket, SummarisesTheCommonHeaderAndTheChunks) {
  const SctpSummary summary =
      summary_of(kTag, sctp_chunk(kSctpSack, filler(12)) + data(5) + data(6) + sctp_chunk(192));
  EXPECT_EQ(summary.source_port_be, port_be(2905));
  EXPECT_EQ(summary.target_port_be, port_be(7000));
  EXPECT_EQ(summary.tag, kTag);
  EXPECT_EQ(summary.chunks,
            sctp_chunk_bit(kSctpSack) | sctp_chunk_bit(kSctpData) | sctp_chunk_bit(31));
  EXPECT_EQ(summary.chunk_count, 4);
  EXPECT_EQ(summary.first_chunk, kSctpSack);
  EXPECT_FALSE(summary.is_tag_reflected);
}

TEST(SctpPacket, GivesEachKnownChunkTypeItsBit) {
  for (int type = 3; type < 256; ++type) {
    const SctpSummary summary = summary_of(kTag, sctp_chunk(type, filler(4)));
    EXPECT_EQ(summary.chunks, 1U << std::min(type, 31)) << type;
    EXPECT_EQ(summary.first_chunk, type);
  }
}

TEST(SctpPacket, ReadsTheTBitOfAbortAndShutdownCompleteOnly) {
  EXPECT_TRUE(summary_of(kTag, sctp_chunk(kSctpAbort, {}, kReflected)).is_tag_reflected);
  EXPECT_TRUE(summary_of(kTag, sctp_chunk(kSctpShutdownComplete, {}, kReflected)).is_tag_reflected);
  EXPECT_FALSE(summary_of(kTag, sctp_chunk(kSctpAbort, {}, 0xFE)).is_tag_reflected);
  EXPECT_FALSE(summary_of(kTag, sctp_chunk(kSctpShutdownComplete)).is_tag_reflected);
  EXPECT_FALSE(summary_of(kTag, sctp_chunk(kSctpShutdownAck, {}, kReflected)).is_tag_reflected);
}

TEST(SctpPacket, RefusesACutHeaderAndAPortOfZero) {
  const Bytes packet = sctp_packet(kTag, data());
  for (std::ptrdiff_t bytes = 0; bytes < 12; ++bytes)
    EXPECT_EQ(result_of(Bytes(packet.begin(), packet.begin() + bytes)), "header_cut");
  for (const std::size_t at : {0U, 2U}) {
    Bytes zero = packet;
    put16(zero, at, 0);
    put_sctp_checksum(zero);
    EXPECT_EQ(result_of(zero), "port_zero");
  }
  EXPECT_EQ(result_of(kTag, {}), "no_chunk");
}

TEST(SctpPacket, RefusesChunksThatDoNotFitWhereverTheyStand) {
  for (const Bytes& before : {Bytes{}, data(), data(7)}) {
    EXPECT_EQ(result_of(kTag, before + bytes_of({3, 0})), "chunk_header_cut");
    for (const int length : {0, 1, 2, 3})
      EXPECT_EQ(result_of(kTag, before + bytes_of({3, 0, 0, length})), "chunk_too_short");
    EXPECT_EQ(result_of(kTag, before + bytes_of({3, 0, 0, 5})), "chunk_cut");
    EXPECT_EQ(result_of(kTag, before + bytes_of({3, 0, 255, 255, 1, 2, 3, 4})), "chunk_cut");
    EXPECT_EQ(result_of(kTag, before + bytes_of({3, 0, 0, 5, 1})), "padding_cut");
    EXPECT_EQ(result_of(kTag, before + bytes_of({3, 0, 0, 5, 1, 0, 0})), "padding_cut");
    EXPECT_EQ(result_of(kTag, before + bytes_of({3, 0, 0, 5, 1, 0, 0, 0})), "ok");
  }
}

TEST(SctpPacket, RefusesDataWithoutAByteOfAMessage) {
  EXPECT_EQ(result_of(kTag, data(1)), "ok");
  EXPECT_EQ(result_of(kTag, data(0)), "data_too_short");
  EXPECT_EQ(result_of(kTag, sctp_chunk(kSctpData)), "data_too_short");
}

TEST(SctpPacket, TakesAsMuchDataAsFitsAJumboFrame) {
  Bytes chunks;
  for (int count = 0; count < 449; ++count) append(chunks, data(1));
  EXPECT_EQ(summary_of(kTag, chunks).chunk_count, 449);
}

TEST(SctpPacket, LooksAtALimitedNumberOfOtherChunks) {
  Bytes chunks = data();
  for (std::size_t count = 0; count < kSctpControlChunksMax; ++count)
    append(chunks, sctp_chunk(kSctpSack));
  EXPECT_EQ(summary_of(kTag, chunks).chunk_count, 1 + kSctpControlChunksMax);
  EXPECT_EQ(result_of(kTag, chunks + sctp_chunk(kSctpSack)), "too_many_chunks");
}

TEST(SctpPacket, RefusesABundleAroundWhatMustBeAlone) {
  const Bytes init = sctp_init(kSctpInit);
  const Bytes init_ack = sctp_init(kSctpInitAck, {}, cookie());
  const Bytes complete = sctp_chunk(kSctpShutdownComplete);
  for (const Bytes& other : {data(), sctp_chunk(kSctpAbort), sctp_chunk(200)}) {
    EXPECT_EQ(result_of(0, init + other), "init_bundled");
    EXPECT_EQ(result_of(0, other + init), "init_bundled");
    EXPECT_EQ(result_of(kTag, init_ack + other), "init_ack_bundled");
    EXPECT_EQ(result_of(kTag, other + init_ack), "init_ack_bundled");
    EXPECT_EQ(result_of(kTag, complete + other), "shutdown_complete_bundled");
    EXPECT_EQ(result_of(kTag, other + complete), "shutdown_complete_bundled");
  }
  EXPECT_EQ(result_of(0, init + init), "init_bundled");
  EXPECT_EQ(result_of(kTag, complete + complete), "shutdown_complete_bundled");
}

TEST(SctpPacket, WantsACookieFirstOrBehindAuthenticationAlone) {
  const Bytes auth = sctp_chunk(kSctpAuth, filler(28));
  for (const int type : {kSctpCookieEcho, kSctpCookieAck}) {
    const Bytes cookie_chunk = sctp_chunk(type, filler(9));
    EXPECT_EQ(result_of(kTag, cookie_chunk + data()), "ok");
    EXPECT_EQ(result_of(kTag, auth + cookie_chunk + auth + data()), "ok");
    EXPECT_EQ(result_of(kTag, data() + cookie_chunk), "cookie_not_first");
    EXPECT_EQ(result_of(kTag, auth + data() + cookie_chunk), "cookie_not_first");
    EXPECT_EQ(result_of(kTag, data() + auth + cookie_chunk), "cookie_not_first");
  }
}

TEST(SctpPacket, AcceptsATagOfZeroWithAnInitAndWithNothingElse) {
  EXPECT_EQ(result_of(0, sctp_init(kSctpInit)), "ok");
  EXPECT_EQ(result_of(kTag, sctp_init(kSctpInit)), "init_tag_not_zero");
  EXPECT_EQ(result_of(0, sctp_init(kSctpInitAck, {}, cookie())), "tag_zero");
  for (int type = 3; type < 256; ++type) EXPECT_EQ(result_of(0, sctp_chunk(type)), "tag_zero");
  EXPECT_EQ(result_of(0, data()), "tag_zero");
}

TEST(SctpInit, IsReadFieldByField) {
  for (const int type : {kSctpInit, kSctpInitAck}) {
    const SctpSummary summary =
        summary_of(type == kSctpInit ? 0 : kTag,
                   sctp_init(type, {0x11223344, 1500, 1, 65535, 0xA0B0C0D0}, cookie()));
    EXPECT_EQ(summary.initiate_tag, 0x11223344U);
    EXPECT_EQ(summary.outbound_streams, 1);
    EXPECT_EQ(summary.inbound_streams, 65535);
    EXPECT_EQ(summary.initial_tsn, 0xA0B0C0D0U);
    EXPECT_EQ(summary.address_count, 0U);
  }
}

TEST(SctpInit, IsRefusedWithFieldsThatTheRfcForbids) {
  const auto init = [](const InitFields& fields) { return result_of(0, sctp_init(1, fields)); };
  EXPECT_EQ(init({.initiate_tag = 0}), "initiate_tag_zero");
  EXPECT_EQ(init({.window_bytes = 1499}), "window_too_small");
  EXPECT_EQ(init({.outbound_streams = 0}), "no_outbound_streams");
  EXPECT_EQ(init({.inbound_streams = 0}), "no_inbound_streams");
  EXPECT_EQ(init({.initiate_tag = 0, .window_bytes = 0, .inbound_streams = 0}),
            "initiate_tag_zero");
  EXPECT_EQ(init({.initial_tsn = 0}), "ok");
  for (const std::size_t bytes : {0U, 1U, 12U, 15U})
    EXPECT_EQ(result_of(0, sctp_chunk(kSctpInit, filler(bytes))), "init_cut");
}

TEST(SctpInit, MustBringACookieWhenItAnswers) {
  EXPECT_EQ(result_of(kTag, sctp_init(kSctpInitAck)), "no_cookie");
  EXPECT_EQ(result_of(kTag, sctp_init(kSctpInitAck, {}, sctp_address(kClient4))), "no_cookie");
  EXPECT_EQ(result_of(kTag, sctp_init(kSctpInitAck, {}, sctp_address(kClient4) + cookie())), "ok");
}

TEST(SctpInit, KeepsFourAddressesOfBothFamiliesAndCountsTheRest) {
  Bytes parameters = sctp_address(kClient4) + sctp_parameter(0x8000, {}) + sctp_address(kServer6) +
                     sctp_parameter(12, filler(6)) + sctp_address(kNat4);
  const SctpSummary three = summary_of(0, sctp_init(kSctpInit, {}, parameters));
  ASSERT_EQ(three.known_addresses().size(), 3U);
  EXPECT_EQ(three.addresses[0], (Address6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 1, 0, 7}));
  EXPECT_EQ(three.addresses[1], kServer6);
  EXPECT_EQ(three.addresses[2], mapped_address(kNat4));
  append(parameters, sctp_address(kClient4) + sctp_address(kNat6));
  EXPECT_EQ(summary_of(0, sctp_init(kSctpInit, {}, parameters)).address_count, 4U)
      << "one of them stands twice";
  append(parameters, sctp_address(kClient6) + sctp_address(kServer4));
  const SctpSummary six = summary_of(0, sctp_init(kSctpInit, {}, parameters));
  EXPECT_EQ(six.address_count, 6U);
  ASSERT_EQ(six.known_addresses().size(), kSctpAddressesMax);
  EXPECT_EQ(six.addresses[3], kNat6);
}

TEST(SctpInit, IsRefusedWithParametersThatDoNotFit) {
  const auto with = [](const Bytes& parameters) {
    return result_of(0, sctp_init(kSctpInit, {}, parameters));
  };
  // As the chunk's length counts it; sctp_init pads behind.
  EXPECT_EQ(with(bytes_of({0, 5})), "parameter_header_cut");
  EXPECT_EQ(with(bytes_of({0, 12, 0, 3})), "parameter_too_short");
  EXPECT_EQ(with(bytes_of({0, 12, 0, 5})), "parameter_cut");
  EXPECT_EQ(with(bytes_of({0, 5, 0, 8, 10, 0, 0})), "parameter_cut");
  EXPECT_EQ(with(bytes_of({0, 5, 0, 7, 10, 0, 0})), "address_bad_length");
  EXPECT_EQ(with(sctp_parameter(5, filler(16))), "address_bad_length");
  EXPECT_EQ(with(sctp_parameter(6, filler(4))), "address_bad_length");
  EXPECT_EQ(with(bytes_of({0, 12, 0, 5, 1})), "ok") << "the last one's padding is not counted";
}

TEST(SctpInit, HasALimitedNumberOfParameters) {
  Bytes parameters;
  for (std::size_t count = 0; count < kSctpParametersMax; ++count)
    append(parameters, sctp_parameter(0x8000, {}));
  EXPECT_EQ(result_of(0, sctp_init(kSctpInit, {}, parameters)), "ok");
  append(parameters, sctp_parameter(0x8000, {}));
  EXPECT_EQ(result_of(0, sctp_init(kSctpInit, {}, parameters)), "too_many_parameters");
}

// RFC 5061: a serial number, an address of the sender, and requests.
Bytes asconf(const Bytes& requests) {
  return sctp_chunk(kSctpAsconf, bytes_of({0, 0, 0, 9}) + sctp_address(kClient4) + requests);
}

Bytes request(unsigned type, const Bytes& address) {
  return sctp_parameter(type, bytes_of({0, 0, 0, 1}) + address);
}

constexpr unsigned kAdd = 0xC001, kDelete = 0xC002, kSetPrimary = 0xC004;

TEST(SctpAsconf, IsReadForTheAddressesThatItAdds) {
  const Bytes chunk =
      asconf(request(kAdd, sctp_address(kServer4)) + request(kDelete, sctp_address(kClient4)) +
             request(kSetPrimary, sctp_address(kClient6)) + request(kAdd, sctp_address(kServer6)));
  for (const Bytes& chunks : {chunk, sctp_chunk(kSctpAuth, filler(8)) + chunk, data() + chunk}) {
    const SctpSummary summary = summary_of(kTag, chunks);
    ASSERT_EQ(summary.address_count, 2U) << "its own address is none of them";
    EXPECT_EQ(summary.addresses[0], mapped_address(kServer4));
    EXPECT_EQ(summary.addresses[1], kServer6);
    EXPECT_EQ(summary.initiate_tag, 0U);
  }
  EXPECT_EQ(summary_of(kTag, asconf({})).address_count, 0U);
}

// "The source of this packet", which the association knows if the packet passes.
TEST(SctpAsconf, TheUnspecifiedAddressIsNoneToAdd) {
  EXPECT_EQ(summary_of(kTag, asconf(request(kAdd, sctp_address(Address4{})) +
                                    request(kAdd, sctp_address(Address6{}))))
                .address_count,
            0U);
}

TEST(SctpAsconf, IsRefusedWhereItDoesNotFit) {
  EXPECT_EQ(result_of(kTag, sctp_chunk(kSctpAsconf, filler(3))), "asconf_cut");
  EXPECT_EQ(result_of(kTag, asconf(sctp_parameter(kAdd, filler(4)))), "asconf_cut");
  EXPECT_EQ(result_of(kTag, asconf(sctp_parameter(kAdd, filler(7)))), "asconf_cut");
  EXPECT_EQ(result_of(kTag, asconf(request(kAdd, sctp_parameter(5, filler(5))))),
            "address_bad_length");
  EXPECT_EQ(result_of(kTag, asconf(request(kAdd, sctp_parameter(6, filler(15))))),
            "address_bad_length");
  EXPECT_EQ(result_of(kTag, asconf(request(kAdd, bytes_of({0, 5, 0, 9, 1, 2, 3, 4})))),
            "parameter_cut");
  EXPECT_EQ(result_of(kTag, asconf(request(kAdd, bytes_of({0, 5, 0, 3, 1, 2, 3, 4})))),
            "parameter_too_short");
  EXPECT_EQ(result_of(kTag, asconf(bytes_of({0xC0, 1}))), "parameter_header_cut");
  Bytes many;
  for (std::size_t i = 0; i < kSctpParametersMax; ++i) append(many, sctp_parameter(kDelete, {}));
  EXPECT_EQ(result_of(kTag, asconf(many)), "too_many_parameters") << "with the sender's address";
}

TEST(SctpPacket, GivesASummaryOrANamedErrorForAnyBytes) {
  Prng prng(5);
  const Bytes whole = sctp_packet(
      kTag,
      sctp_init(kSctpInitAck, {}, sctp_address(kClient4) + sctp_address(kServer6) + cookie()));
  for (int run = 0; run < 20'000; ++run) {
    Bytes packet = whole;
    for (std::uint32_t change = prng.below(4); change != 0; --change)
      packet[12 + prng.below(static_cast<std::uint32_t>(packet.size() - 12))] =
          static_cast<std::byte>(prng.next());
    packet.resize(prng.between(12, static_cast<std::uint32_t>(packet.size())));
    put_sctp_checksum(packet);
    SctpSummary summary;
    const SctpResult result = parse_copy(packet, summary);
    ASSERT_NE(name(result), "unknown");
    ASSERT_NE(result, SctpResult::kBadChecksum);
    ASSERT_EQ(summary.tag, kTag);
  }
}

}  // namespace
}  // namespace twinplane::dataplane
