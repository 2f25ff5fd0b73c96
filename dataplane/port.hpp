// SPDX-License-Identifier: BSD-3-Clause
// port.hpp - one device, set up: queues, MTU, symmetric RSS where the device has it. What needs a
// real NIC is decided here alone.
//
// Thread:  construction by main; receive and send by the worker that a queue belongs to.
// Memory:  the device's rings.
// Limits:  as many queues as the device and the workers have; a device with one serves worker 0,
//          who hands on.
// Errors:  throws std::runtime_error at set-up; sending returns how many were taken.
// Spec:    DPDK 22.11, ethdev. RSS key and table: dataplane/rss.hpp.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <string>

#include "dataplane/packet_pool.hpp"

namespace twinplane::dataplane {

struct PortSetup {
  std::string device;  // as in the configuration: a vdev string or a PCI address
  std::uint16_t mtu_bytes;
  std::uint16_t worker_count;
  std::uint32_t partition_count;
  bool wants_rss;  // spread flows over the workers' queues
};

class Port {
 public:
  Port(const PortSetup& setup, const PacketPool& pool);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  bool has_receive_queue(std::uint16_t worker) const noexcept {
    return worker < receive_queue_count_;
  }

  bool has_send_queue(std::uint16_t worker) const noexcept { return worker < send_queue_count_; }

  std::uint16_t receive(std::uint16_t worker, rte_mbuf** packets, std::uint16_t count) noexcept;

  // Returns how many the device took; the rest is the caller's.
  std::uint16_t send(std::uint16_t worker, rte_mbuf** packets, std::uint16_t count) noexcept;

  std::uint16_t dpdk_port() const noexcept { return dpdk_port_; }

  const std::array<std::uint8_t, 6>& mac() const noexcept { return mac_; }

  bool has_rss() const noexcept { return has_rss_; }

  // Does it say of SCTP packets whether their checksum is right?
  bool verifies_sctp() const noexcept { return verifies_sctp_; }

 private:
  explicit Port(std::uint16_t dpdk_port) noexcept : dpdk_port_(dpdk_port) {}

  std::uint16_t dpdk_port_;
  std::uint16_t receive_queue_count_ = 1;
  std::uint16_t send_queue_count_ = 1;
  bool has_rss_ = false;
  bool verifies_sctp_ = false;
  std::array<std::uint8_t, 6> mac_{};
};

}  // namespace twinplane::dataplane
