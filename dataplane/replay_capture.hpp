// SPDX-License-Identifier: BSD-3-Clause
// replay_capture.hpp - one capture: looked through first, then a DPDK pcap device that packets are
// received from.
//
// Thread:  main.
// Memory:  the device's; one file is open at a time, however many there are.
// Limits:  Ethernet frames. A path may hold any character: the device gets it as a number of
//          /proc/self/fd.
// Errors:  throws std::runtime_error that says what is wrong with the file and what to do. A file
//          that is cut or damaged in the middle is replayed up to there; damage() says so.
// Spec:    DPDK 22.11, net_pcap; pcap-savefile(5). Stamps: the mbuf's dynamic field
//          rte_dynfield_timestamp, microseconds.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/packet_pool.hpp"
#include "dataplane/port.hpp"

namespace twinplane::dataplane {

// A file handle that closes itself.
class FileHandle {
 public:
  explicit FileHandle(int descriptor) noexcept : descriptor_(descriptor) {}

  ~FileHandle();

  FileHandle(FileHandle&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = -1;
  }

  FileHandle& operator=(FileHandle&&) = delete;

  // A name for the open file that holds nothing a device argument could trip over.
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

class CaptureFile {
 public:
  // Reads it once from end to end, as the device will.
  explicit CaptureFile(const std::string& path);

  const std::string& path() const noexcept { return path_; }

  std::uint64_t packet_count() const noexcept { return packet_count_; }

  // Empty, or why the file ends before its end.
  const std::string& damage() const noexcept { return damage_; }

 private:
  std::string path_;
  std::uint64_t packet_count_ = 0;
  std::string damage_;
};

// A virtual device that exists as long as this does.
class VirtualDevice {
 public:
  VirtualDevice(std::string name, const std::string& arguments);
  ~VirtualDevice();
  VirtualDevice(const VirtualDevice&) = delete;
  VirtualDevice& operator=(const VirtualDevice&) = delete;

  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

// Receives one capture, once.
class CaptureReader {
 public:
  CaptureReader(const CaptureFile& file, const PacketPool& pool);

  // 0 when all has been read that CaptureFile counted: the device reads on behind damage, from
  // wherever the file stands then.
  std::uint16_t receive(rte_mbuf** packets, std::uint16_t count) noexcept {
    const auto wanted = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, left_count_));
    const std::uint16_t received = port_.receive(0, packets, wanted);
    left_count_ -= received;
    return received;
  }

  // Microseconds; nothing when the device gave none.
  std::optional<std::uint64_t> stamp_us(const rte_mbuf* packet) const noexcept;

 private:
  FileHandle file_;
  VirtualDevice device_;
  Port port_;
  std::uint64_t left_count_;
  int stamp_offset_;
  std::uint64_t stamp_flag_;
};

// Sends to a capture that is made anew.
class CaptureWriter {
 public:
  CaptureWriter(const std::string& path, const PacketPool& pool);

  // Takes the packet; false when the device did not and it was freed.
  [[nodiscard]] bool try_send(rte_mbuf* packet) noexcept;

 private:
  FileHandle file_;
  VirtualDevice device_;
  Port port_;
};

}  // namespace twinplane::dataplane
