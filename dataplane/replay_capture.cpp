// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_capture.hpp"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf_dyn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace twinplane::dataplane {

namespace {

constexpr const char* kBus = "vdev";

int open_capture(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw std::runtime_error(path + ": " + std::strerror(errno));

  struct stat status {};

  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return descriptor;
  ::close(descriptor);
  throw std::runtime_error(path + ": not a regular file. A capture is read twice: store it first");
}

int create_capture(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0)
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  return descriptor;
}

PortSetup port_setup(const std::string& device) {
  return {.device = device,
          .mtu_bytes = 1500,
          .worker_count = 1,
          .partition_count = 1,
          .wants_rss = false};
}

}  // namespace

FileHandle::~FileHandle() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

CaptureFile::CaptureFile(const std::string& path) : path_(path) {
  const FileHandle file(open_capture(path));
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> reader(
      pcap_open_offline(file.path().c_str(), error.data()), &pcap_close);
  if (reader == nullptr)
    throw std::runtime_error(path + ": not a capture that libpcap reads (" + error.data() +
                             "). Other formats: editcap -F pcap IN OUT.pcap");
  if (const int type = pcap_datalink(reader.get()); type != DLT_EN10MB) {
    const char* const name = pcap_datalink_val_to_name(type);
    throw std::runtime_error(path + ": holds frames of link type " +
                             (name != nullptr ? name : std::to_string(type)) +
                             ", and Ethernet is wanted. Capture on an Ethernet interface (not on "
                             "\"any\"), or rewrite it: "
                             "tcprewrite --dlt=enet -i IN -o OUT.pcap");
  }
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  int result = 0;
  while ((result = pcap_next_ex(reader.get(), &header, &bytes)) == 1) ++packet_count_;
  if (result == PCAP_ERROR) damage_ = pcap_geterr(reader.get());
}

VirtualDevice::VirtualDevice(std::string name, const std::string& arguments)
    : name_(std::move(name)) {
  if (const int result = rte_eal_hotplug_add(kBus, name_.c_str(), arguments.c_str()); result != 0)
    throw std::runtime_error("DPDK did not make the device " + name_ + ": " +
                             rte_strerror(-result) +
                             ". Is its pcap driver (librte_net_pcap) installed?");
}

VirtualDevice::~VirtualDevice() { rte_eal_hotplug_remove(kBus, name_.c_str()); }

CaptureReader::CaptureReader(const CaptureFile& file, const PacketPool& pool)
    : file_(open_capture(file.path())),
      device_("net_pcap0", "rx_pcap=" + file_.path()),
      port_(port_setup(device_.name()), pool),
      left_count_(file.packet_count()),
      stamp_offset_(rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr)),
      stamp_flag_(0) {
  const int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
  if (stamp_offset_ >= 0 && bit >= 0) stamp_flag_ = std::uint64_t{1} << static_cast<unsigned>(bit);
}

std::optional<std::uint64_t> CaptureReader::stamp_us(const rte_mbuf* packet) const noexcept {
  if ((packet->ol_flags & stamp_flag_) == 0) return std::nullopt;
  return *RTE_MBUF_DYNFIELD(packet, stamp_offset_, const rte_mbuf_timestamp_t*);
}

CaptureWriter::CaptureWriter(const std::string& path, const PacketPool& pool)
    : file_(create_capture(path)),
      device_("net_pcap1", "tx_pcap=" + file_.path()),
      port_(port_setup(device_.name()), pool) {}

bool CaptureWriter::try_send(rte_mbuf* packet) noexcept {
  if (port_.send(0, &packet, 1) == 1) return true;
  rte_pktmbuf_free(packet);
  return false;
}

}  // namespace twinplane::dataplane
