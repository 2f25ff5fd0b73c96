// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port.hpp"

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "dataplane/eal.hpp"
#include "dataplane/rss.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint16_t kRingDescriptors = 1024;
constexpr std::uint64_t kRssTypes = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

constexpr const char* kDeviceAdvice =
    "Check that the interface exists and is up, and that nothing else uses it.";
constexpr const char* kBufferAdvice =
    "A frame of its ring may be larger than a packet buffer, which is made for the largest MTU of "
    "all ports: raise an mtu, or lower the device's framesz. Or memory is short: raise "
    "eal.memory_mib.";

void check(int result, const std::string& device, const char* step,
           const char* advice = kDeviceAdvice) {
  if (result < 0)
    throw std::runtime_error("device \"" + device + "\": " + step +
                             " failed: " + rte_strerror(-result) + ". " + advice);
}

// The device's own name: a vdev string's first word, or the PCI address.
std::string device_name(const std::string& device) { return device.substr(0, device.find(',')); }

// Bucket i of the device's table leads to the worker that owns partition i mod P, as software
// decides it.
void set_redirection(std::uint16_t dpdk_port, const rte_eth_dev_info& info, const PortSetup& setup,
                     std::uint16_t queue_count) {
  const std::size_t group_count =
      (info.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1U) / RTE_ETH_RETA_GROUP_SIZE;
  std::vector<rte_eth_rss_reta_entry64> groups(group_count);
  for (std::uint16_t i = 0; i < info.reta_size; ++i) {
    rte_eth_rss_reta_entry64& group = groups[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= std::uint64_t{1} << (i % RTE_ETH_RETA_GROUP_SIZE);
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] =
        static_cast<std::uint16_t>(i % setup.partition_count % queue_count);
  }
  check(rte_eth_dev_rss_reta_update(dpdk_port, groups.data(), info.reta_size), setup.device,
        "setting the RSS table");
}

// A virtual device that reports a smaller limit than its interface has (af_packet says 1518
// whatever its rings hold), or has no MTU at all (rings, captures), is taken as it is; its frames
// are as large as its own arguments say.
void set_mtu(std::uint16_t dpdk_port, const rte_eth_dev_info& info, const PortSetup& setup) {
  constexpr std::uint32_t kLinkBytes = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
  const bool is_beyond = setup.mtu_bytes + kLinkBytes > info.max_rx_pktlen;
  if (is_beyond && !is_pci_address(setup.device)) return;
  const int result = rte_eth_dev_set_mtu(dpdk_port, setup.mtu_bytes);
  if (result != -ENOTSUP && result != -EOPNOTSUPP) check(result, setup.device, "setting its MTU");
}

std::uint16_t find_device(const std::string& device) {
  std::uint16_t dpdk_port = 0;
  check(rte_eth_dev_get_port_by_name(device_name(device).c_str(), &dpdk_port), device,
        "finding the device");
  return dpdk_port;
}

}  // namespace

// From here on the destructor closes the device, also when a later step fails: its rings must not
// outlive the pool.
Port::Port(const PortSetup& setup, const PacketPool& pool) : Port(find_device(setup.device)) {
  rte_eth_dev_info info{};
  check(rte_eth_dev_info_get(dpdk_port_, &info), setup.device, "asking what it can do");
  receive_queue_count_ = std::clamp<std::uint16_t>(setup.worker_count, 1, info.max_rx_queues);
  send_queue_count_ = std::clamp<std::uint16_t>(setup.worker_count, 1, info.max_tx_queues);
  has_rss_ = setup.wants_rss && receive_queue_count_ > 1 && info.reta_size != 0 &&
             (info.flow_type_rss_offloads & kRssTypes) != 0;

  rte_eth_conf conf{};
  // What a device checks on arrival need not be found out by the receiver. On departure nothing is
  // asked for: checksums are changed by the difference that was made, which costs less than handing
  // them to the device.
  conf.rxmode.offloads =
      info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
                              RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_SCTP_CKSUM);
  verifies_sctp_ = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCTP_CKSUM) != 0;
  auto key = kRssKey;
  if (has_rss_) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_key = key.data();
    conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(key.size());
    conf.rx_adv_conf.rss_conf.rss_hf = kRssTypes & info.flow_type_rss_offloads;
  }
  // without RSS a second queue would split flows by chance
  if (setup.wants_rss && !has_rss_) receive_queue_count_ = 1;
  check(rte_eth_dev_configure(dpdk_port_, receive_queue_count_, send_queue_count_, &conf),
        setup.device, "configuring it");
  set_mtu(dpdk_port_, info, setup);
  std::uint16_t receive_descriptors = kRingDescriptors;
  std::uint16_t send_descriptors = kRingDescriptors;
  check(rte_eth_dev_adjust_nb_rx_tx_desc(dpdk_port_, &receive_descriptors, &send_descriptors),
        setup.device, "sizing its rings");
  for (std::uint16_t queue = 0; queue < receive_queue_count_; ++queue)
    check(rte_eth_rx_queue_setup(dpdk_port_, queue, receive_descriptors, SOCKET_ID_ANY, nullptr,
                                 pool.get()),
          setup.device, "setting up a receive queue", kBufferAdvice);
  for (std::uint16_t queue = 0; queue < send_queue_count_; ++queue)
    check(rte_eth_tx_queue_setup(dpdk_port_, queue, send_descriptors, SOCKET_ID_ANY, nullptr),
          setup.device, "setting up a send queue");
  check(rte_eth_dev_start(dpdk_port_), setup.device, "starting it");
  if (has_rss_) set_redirection(dpdk_port_, info, setup, receive_queue_count_);
  // for the virtual MAC; a device that cannot delivers everything as it is
  rte_eth_promiscuous_enable(dpdk_port_);
  rte_ether_addr address{};
  if (rte_eth_macaddr_get(dpdk_port_, &address) == 0)
    std::copy_n(address.addr_bytes, mac_.size(), mac_.begin());
}

Port::~Port() {
  rte_eth_dev_stop(dpdk_port_);
  rte_eth_dev_close(dpdk_port_);
}

std::uint16_t Port::receive(std::uint16_t worker, rte_mbuf** packets,
                            std::uint16_t count) noexcept {
  return rte_eth_rx_burst(dpdk_port_, worker, packets, count);
}

std::uint16_t Port::send(std::uint16_t worker, rte_mbuf** packets, std::uint16_t count) noexcept {
  return rte_eth_tx_burst(dpdk_port_, worker, packets, count);
}

}  // namespace twinplane::dataplane
