// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

#include "dataplane/ftp_text.hpp"

namespace twinplane::dataplane {
namespace {

using tables::Address4;
using tables::Address6;
using tables::Direction;
using tables::kFromClient;
using tables::kFromServer;

constexpr Address6 kNobody{};
const Address6 kFour = tables::mapped_address({132, 235, 1, 2});
constexpr Address6 kSix{0x10, 0x80, 0, 0, 0, 0, 0, 0, 0, 8, 8, 0, 0x20, 0x0C, 0x41, 0x7A};

HelperText find(const std::string& text, Direction direction, bool begins_line = true) {
  return find_ftp(std::as_bytes(std::span(text.data(), text.size())), direction, begins_line);
}

HelperText of_client(const std::string& text) { return find(text, kFromClient); }

HelperText of_server(const std::string& text) { return find(text, kFromServer); }

std::string named(const std::string& text, const HelperText& found) {
  return text.substr(found.offset, found.bytes);
}

std::string rewritten(const std::string& text, Direction direction, const Address6& address,
                      std::uint16_t port) {
  const HelperText found = find(text, direction);
  std::array<char, kHelperTextMax> out{};
  const std::size_t bytes = write_ftp(found, address, port, out);
  if (bytes == 0) return "nothing";
  return text.substr(0, found.offset) + std::string(out.data(), bytes) +
         text.substr(std::size_t{found.offset} + found.bytes);
}

TEST(FtpText, ReadsWhereAServerIsToldToConnectTo) {
  const std::string port = "PORT 132,235,1,2,24,131\r\n";
  HelperText found = of_client(port);
  ASSERT_EQ(found.verdict, HelperVerdict::kNamed);
  EXPECT_EQ(found.opener, kFromServer);
  EXPECT_EQ(found.address, kFour);
  EXPECT_EQ(found.port, 24 * 256 + 131);
  EXPECT_EQ(named(port, found), "132,235,1,2,24,131");
  const std::string eprt4 = "EPRT |1|132.235.1.2|6275|\r\n";
  found = of_client(eprt4);
  ASSERT_EQ(found.verdict, HelperVerdict::kNamed);
  EXPECT_EQ(found.address, kFour);
  EXPECT_EQ(found.port, 6275);
  EXPECT_EQ(named(eprt4, found), "|1|132.235.1.2|6275|");
  found = of_client("eprt !2!1080::8:800:200C:417A!5282!\n");
  ASSERT_EQ(found.verdict, HelperVerdict::kNamed) << "case and delimiter are free (RFC 2428)";
  EXPECT_EQ(found.address, kSix);
  EXPECT_EQ(found.port, 5282);
}

TEST(FtpText, ReadsWhereAServerWaits) {
  for (const std::string reply :
       {"227 Entering Passive Mode (132,235,1,2,24,131)\r\n", "227 =132,235,1,2,24,131\r\n",
        "227 Passive 1,2 or so: 132,235,1,2,24,131. Come!\r\n"}) {
    const HelperText found = of_server(reply);
    ASSERT_EQ(found.verdict, HelperVerdict::kNamed) << reply;
    EXPECT_EQ(found.opener, kFromClient);
    EXPECT_EQ(found.address, kFour);
    EXPECT_EQ(found.port, 24 * 256 + 131);
    EXPECT_EQ(named(reply, found), "132,235,1,2,24,131");
  }
  const std::string extended = "229 Entering Extended Passive Mode (|||6446|)\r\n";
  const HelperText found = of_server(extended);
  ASSERT_EQ(found.verdict, HelperVerdict::kNamed);
  EXPECT_EQ(found.opener, kFromClient);
  EXPECT_EQ(found.address, kNobody) << "its own";
  EXPECT_EQ(found.port, 6446);
  EXPECT_EQ(named(extended, found), "6446");
}

TEST(FtpText, ReadsNothingWhereNothingIsNamed) {
  for (const char* text : {"USER anonymous\r\n", "PASV\r\n", "EPSV\r\n", "EPSV ALL\r\n", "\r\n", "",
                           "PORTAL 1,2,3,4,5,6\r\n", "227 Entering (1,2,3,4,5,6)\r\n"})
    EXPECT_EQ(of_client(text).verdict, HelperVerdict::kNothing) << text;
  for (const char* text :
       {"220 ready\r\n", "227-Entering (1,2,3,4,5,6)\r\n", "2271 (1,2,3,4,5,6)\r\n",
        "PORT 1,2,3,4,5,6\r\n", "150 227 (1,2,3,4,5,6)\r\n"})
    EXPECT_EQ(of_server(text).verdict, HelperVerdict::kNothing) << text;
}

TEST(FtpText, RefusesWhatIsNotWrittenAsItMustBe) {
  for (const char* text :
       {"PORT 132,235,1,2,24\r\n", "PORT 132,235,1,256,24,131\r\n", "PORT 1,2,3,4,5,6,7\r\n",
        "PORT 1,2,3,4,5,6 7\r\n", "PORT \r\n", "PORT 1,2,3,4,5,-6\r\n", "PORT 1,,3,4,5,6\r\n",
        "PORT 1,2,3,4,5,999999999999\r\n", "EPRT |3|1.2.3.4|5|\r\n", "EPRT |1|1.2.3|5|\r\n",
        "EPRT |2|1.2.3.4|5|\r\n", "EPRT |1|::1|5|\r\n", "EPRT |1|1.2.3.4|70000|\r\n",
        "EPRT |1|1.2.3.4|5\r\n", "EPRT 1|1|1.2.3.4|5|\r\n", "EPRT |1|1.2.3.4||\r\n",
        "EPRT |2|1080:0000:0000:0000:0008:0800:200C:417A:0000:0000:0000|5|\r\n"})
    EXPECT_EQ(of_client(text).verdict, HelperVerdict::kMalformed) << text;
  for (const char* text :
       {"227 Entering Passive Mode\r\n", "227 (1,2,3,4,5)\r\n", "227 (1,2,3,4,5,256)\r\n",
        "227 (1,2,3,4,5,6789)\r\n", "229 ok\r\n", "229 (||6446|)\r\n", "229 (|||6446!)\r\n",
        "229 (|||65536|)\r\n", "229 (|||6446|\r\n", "229 (||| 6446|)\r\n"})
    EXPECT_EQ(of_server(text).verdict, HelperVerdict::kMalformed) << text;
}

TEST(FtpText, WaitsForTheRestOfALineThatMayNameSomething) {
  const std::string port = "PORT 132,235,1,2,24,131\r\n";
  for (std::size_t bytes = 1; bytes < port.size(); ++bytes)
    EXPECT_EQ(of_client(port.substr(0, bytes)).verdict, HelperVerdict::kPartial) << bytes;
  EXPECT_EQ(of_client("NOOP\r\nPORT 1,2").verdict, HelperVerdict::kPartial);
  EXPECT_EQ(of_client("USER some").verdict, HelperVerdict::kNothing) << "that cannot be one";
  EXPECT_EQ(of_server("22").verdict, HelperVerdict::kPartial);
  EXPECT_EQ(of_server("220 Welcome to").verdict, HelperVerdict::kNothing);
}

// Somebody may have the server repeat what he says, such that a segment begins as a reply does.
TEST(FtpText, BelievesNoLineWhoseBeginningIsNotKnown) {
  const std::string reply = "227 (1,2,3,4,5,6)\r\n";
  EXPECT_EQ(find(reply, kFromServer, false).verdict, HelperVerdict::kNothing);
  EXPECT_EQ(find("e said\r\n" + reply, kFromServer, false).verdict, HelperVerdict::kNamed);
}

TEST(FtpText, ReadsTheLineThatNamesSomethingAmongOthers) {
  const std::string text = "TYPE I\r\nPORT 132,235,1,2,24,131\r\nRETR x\r\n";
  const HelperText found = of_client(text);
  ASSERT_EQ(found.verdict, HelperVerdict::kNamed);
  EXPECT_EQ(named(text, found), "132,235,1,2,24,131");
  EXPECT_EQ(of_client("PORT 1,2,3,4,5,6\r\nPORT 1,2,3,4,5,7\r\n").verdict, HelperVerdict::kCrowded);
}

TEST(FtpText, WritesAnotherEndpointInTheSameForm) {
  const Address6 public4 = tables::mapped_address({203, 0, 113, 254});
  EXPECT_EQ(rewritten("PORT 132,235,1,2,24,131\r\n", kFromClient, public4, 61234),
            "PORT 203,0,113,254,239,50\r\n");
  EXPECT_EQ(rewritten("EPRT |1|132.235.1.2|6275|\r\n", kFromClient, public4, 1024),
            "EPRT |1|203.0.113.254|1024|\r\n");
  EXPECT_EQ(rewritten("EPRT $2$::1$6275$\r\n", kFromClient, kSix, 65535),
            "EPRT $2$1080::8:800:200c:417a$65535$\r\n");
  EXPECT_EQ(rewritten("227 ok (10,0,0,1,4,1).\r\n", kFromServer, public4, 2000),
            "227 ok (203,0,113,254,7,208).\r\n");
  EXPECT_EQ(rewritten("229 ok (|||10000|)\r\n", kFromServer, public4, 2000),
            "229 ok (|||2000|)\r\n");
}

TEST(FtpText, WritesNothingThatTheFormCannotSay) {
  EXPECT_EQ(rewritten("PORT 1,2,3,4,5,6\r\n", kFromClient, kSix, 2000), "nothing");
  EXPECT_EQ(rewritten("EPRT a2a::1a5a\r\n", kFromClient,
                      Address6{0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xA}, 2000),
            "nothing")
      << "the delimiter is a part of the address";
}

TEST(FtpText, FitsItsRoomWhateverItWrites) {
  constexpr Address6 kLongest{0xFD, 0xAA, 0xFA, 0xAA, 0xFA, 0xAA, 0xFA, 0xAA,
                              0xFA, 0xAA, 0xFA, 0xAA, 0xFA, 0xAA, 0xFA, 0xAA};
  EXPECT_EQ(rewritten("EPRT |2|::1|6275|\r\n", kFromClient, kLongest, 65535),
            "EPRT |2|fdaa:faaa:faaa:faaa:faaa:faaa:faaa:faaa|65535|\r\n");
}

}  // namespace
}  // namespace twinplane::dataplane
