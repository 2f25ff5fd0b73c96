// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "dataplane/config_hello.hpp"
#include "tests/support/config_text.hpp"

namespace twinplane::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::faults_of;
using tests::kConfigText;

// A file of keys that is there as long as the test.
class KeyFile {
 public:
  explicit KeyFile(const std::string& text, mode_t mode = 0600) {
    const int file = mkstemp(path_.data());
    close(file);
    std::ofstream(path_) << text;
    chmod(path_.c_str(), mode);
  }

  ~KeyFile() { unlink(path_.c_str()); }

  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_ = "/tmp/twinplane-keys-XXXXXX";
};

std::string hex(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += "5a";
  return text;
}

std::string keys(std::size_t cipher = 32, std::size_t integrity = 32) {
  return "# by hand\ncipher " + hex(cipher) + "\nintegrity " + hex(integrity) + "\n";
}

std::string sa(const KeyFile& file, const std::string& more = "spi = 4096\n") {
  return "[[security_association]]\nname='a'\ndirection='out'\nsource='10.2.0.254'\n"
         "destination='10.2.0.1'\nkeys_file='" +
         file.path() + "'\n" + more;
}

std::string with(const std::string& more) { return std::string(kConfigText) + more; }

TEST(ConfigIpsec, ReadsAnSaWithItsKeysFromAFile) {
  const KeyFile file(keys());
  const Config config = parse_config(
      with(sa(file, "spi = 4096\nesn = true\nseconds = 60\nlocal = '10.1.0.0/16'\n")), "t");
  ASSERT_EQ(config.security_associations.size(), 1U);
  const tables::SecurityAssociationBody& read = config.security_associations[0].sa;
  EXPECT_EQ(read.key.spi, 4096U);
  EXPECT_EQ(read.cipher_key_bytes, 32);
  EXPECT_EQ(read.cipher_key[31], 0x5A);
  EXPECT_EQ(read.integrity_key_bytes, 32);
  EXPECT_EQ(read.seconds_max, 60U);
  EXPECT_EQ(read.local.prefix_bits, 112);
  EXPECT_EQ(read.remote.prefix_bits, 0);
  EXPECT_EQ(read.flags, tables::kSaExtendedSequence | tables::kSaTunnelMode);
}

TEST(ConfigIpsec, SaysWhatIsWrongWithAFileOfKeys) {
  const KeyFile open_to_all(keys(), 0644);
  EXPECT_THAT(faults_of(with(sa(open_to_all))),
              HasSubstr("may be read or written by others; chmod 600"));
  const KeyFile other("password 1234\n");
  EXPECT_THAT(faults_of(with(sa(other))), HasSubstr("holds something else; lines \"cipher HEX\""));
  const KeyFile odd("cipher 123\n");
  EXPECT_THAT(faults_of(with(sa(odd))), HasSubstr("holds something else"));
  const KeyFile large(std::string(2000, '#'));
  EXPECT_THAT(faults_of(with(sa(large))), HasSubstr("is too large"));
  EXPECT_THAT(faults_of(with("[[security_association]]\nname='a'\ndirection='in'\nspi=300\n"
                             "source='10.2.0.1'\ndestination='10.2.0.254'\n"
                             "keys_file='/nowhere/keys'\n")),
              HasSubstr("cannot be read: No such file"));
}

TEST(ConfigIpsec, SaysWhichKeyDoesNotFitItsAlgorithmAndNeverTheKey) {
  const KeyFile short_key(keys(20, 32));
  const std::string fault = faults_of(with(sa(short_key)));
  EXPECT_THAT(fault, HasSubstr("its keys do not fit the algorithms; an AES key has 16, 24 or 32"));
  EXPECT_EQ(fault.find("5a5a"), std::string::npos);
  const KeyFile file(keys(32, 20));
  EXPECT_THAT(faults_of(with(sa(file))), HasSubstr("32 for SHA-256"));
  EXPECT_THAT(faults_of(with(sa(file, "spi=4096\nintegrity='sha1'\n"))), IsEmpty());
}

TEST(ConfigIpsec, RefusesWhatNoSaCanBe) {
  const KeyFile file(keys());
  EXPECT_THAT(faults_of(with(sa(file, "spi = 255\n"))), HasSubstr("spi"));
  EXPECT_THAT(faults_of(with(sa(file, "spi=4096\ncipher='aes_gcm'\n"))),
              HasSubstr("\"aes_gcm\" is not known"));
  EXPECT_THAT(faults_of(with(sa(file, "spi=4096\nlocal='10.1.0.1/16'\n"))),
              HasSubstr("is no network"));
  const std::string twice = sa(file) +
                            "[[security_association]]\nname='b'\ndirection='in'\nspi=4096\n"
                            "source='10.2.0.9'\ndestination='10.2.0.1'\nkeys_file='" +
                            file.path() + "'\n";
  EXPECT_THAT(faults_of(with(twice)), HasSubstr("is that of \"a\" too, at the same destination"));
}

TEST(ConfigIpsec, ChangesTheHelloWithItsKeys) {
  const KeyFile file(keys());
  const KeyFile other("cipher " + std::string(64, '0') + "\nintegrity " + hex(32) + "\n");
  const auto value = [](const std::string& text) {
    for (const HelloItem& item : hello_items(parse_config(text, "t")))
      if (item.name == "security_associations") return item.value;
    return std::uint64_t{0};
  };
  EXPECT_NE(value(with(sa(file))), value(with(sa(other))));
  EXPECT_NE(value(with(sa(file))), value(std::string(kConfigText)));
}

}  // namespace
}  // namespace twinplane::dataplane
