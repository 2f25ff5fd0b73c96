// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay_box.hpp"

#include <algorithm>

#include "dataplane/replay_home.hpp"
#include "ha2/decode.hpp"
#include "tables/session_return.hpp"
#include "tables/session_shift.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kFullScanNs = 1'000'000'000;
constexpr ha2::StreamName kStream{.session = 1, .term = 1};

tables::PartitionLimits partition_limits(const Config& config) {
  tables::PartitionLimits limits;
  limits.session4 = {config.tables.session4_slots, 2};
  limits.session6 = {config.tables.session6_slots, 2};
  limits.plain(tables::TableKind::kSctp) = config.tables.sctp_slots;
  limits.plain(tables::TableKind::kSequenceShift) = config.tables.shift_slots;
  limits.plain(tables::TableKind::kExpectation) = config.tables.expectation_slots;
  limits.plain(tables::TableKind::kReturnMac) = return_slots(config);
  limits.policy.when_full = config.tables.full_policy == FullPolicy::kEvictHalfOpen
                                ? tables::FullPolicy::kEvictHalfOpen
                                : tables::FullPolicy::kRefuse;
  for (std::size_t i = 0; i < limits.policy.timeouts_ms.size(); ++i)
    limits.policy.timeouts_ms[i] = config.timeouts.timeout_s[i] * 1000U;
  return limits;
}

tables::PartitionLimits home_limits(const Config& config) {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kArp) = config.tables.neighbor_slots;
  limits.plain(tables::TableKind::kNd) = config.tables.neighbor_slots;
  limits.plain(tables::TableKind::kMulticast4) = ReplayHome::kGroupSlots;
  limits.plain(tables::TableKind::kMulticast6) = ReplayHome::kGroupSlots;
  return limits;
}

tables::ImageHead image_head(const Config& config) {
  tables::ImageHead head;
  head.magic = tables::ImageHead::kMagic;
  head.partition_count = config.tables.partitions;
  head.session4_slots = config.tables.session4_slots;
  head.session6_slots = config.tables.session6_slots;
  head.sctp_slots = config.tables.sctp_slots;
  head.shift_slots = config.tables.shift_slots;
  head.expectation_slots = config.tables.expectation_slots;
  head.return_slots = return_slots(config);
  head.partition_bytes = tables::Partition::bytes(partition_limits(config));
  head.home_bytes = tables::Partition::bytes(home_limits(config));
  return head;
}

ha2::StreamConfig stream_config(const Ha2Config& ha2, std::uint32_t partition,
                                std::uint16_t frame_bytes_max) {
  ha2::StreamConfig stream;
  stream.partition = static_cast<std::uint16_t>(partition);
  stream.window_frames = static_cast<std::uint16_t>(ha2.window_frames);
  stream.frame_bytes_max = frame_bytes_max;
  stream.flush_ns = ha2.flush_us * 1000U;
  stream.reorder_ns = ha2.reorder_us * 1000U;
  return stream;
}

ha2::EncapConfig ethernet_encap(const Port& port) {
  ha2::EncapConfig encap;
  encap.local_mac = port.mac();
  return encap;
}

void add(tables::SessionCounters& sum, const tables::SessionCounters& counters) noexcept {
  sum.created += counters.created;
  sum.ended += counters.ended;
  sum.expired += counters.expired;
  sum.evicted_half_open += counters.evicted_half_open;
}

}  // namespace

ReplayBox::ReplayBox(const ReplayBoxSetup& setup)
    : in_(setup.in),
      sctp_ages_(sctp_ages(setup.config.timeouts)),
      encap_(ethernet_encap(setup.out.port())),
      peer_mac_(encap_.peer_mac),
      memory_(image_head(setup.config),
              {.file = "", .keeps_tables = false, .may_use_huge_pages = false}),
      frame_bytes_max_(
          static_cast<std::uint16_t>(ha2::frame_bytes_for_mtu(encap_, setup.config.ha2.mtu_bytes))),
      link_(&setup.out.port(), 0, nullptr, setup.ha2_pool, encap_, peer_mac_, frame_bytes_max_),
      builder_(frame_bytes_max_) {
  for (std::uint32_t i = 0; i <= setup.config.tables.partitions; ++i) {
    const bool is_home = i == setup.config.tables.partitions;
    const tables::PartitionLimits limits =
        is_home ? home_limits(setup.config) : partition_limits(setup.config);
    tables::Carver carver(is_home ? memory_.home_block() : memory_.partition_block(i));
    partitions_.push_back(
        std::make_unique<tables::Partition>(carver, limits, tables::HashSeed{setup.seed + i}));
    const auto stream = stream_config(setup.config.ha2, i, frame_bytes_max_);
    replicas_.push_back(std::make_unique<ha2::Replica>(stream, *partitions_.back(), builder_));
    replicas_.back()->assume({.holding = setup.holding,
                              .has_peer = true,
                              .name = kStream,
                              .frame_bytes = frame_bytes_max_});
  }
}

void ReplayBox::poll(std::uint32_t partition, std::uint64_t now_ns) noexcept {
  replicas_[partition]->poll(now_ns, link_);
  link_.flush();
}

void ReplayBox::take_frames(std::uint64_t now_ns) noexcept {
  in_.receive_all([&](const rte_mbuf* packet) {
    const ha2::Opened opened =
        ha2::open_encap(encap_, {rte_pktmbuf_mtod(packet, const std::byte*), packet->data_len});
    const ha2::Decoded decoded = ha2::decode(opened.frame);
    if (decoded.error != ha2::DecodeError::kNone)
      return link_counters_.add(ha2::counter_of(decoded.error));
    const std::uint16_t index = decoded.frame.header.partition.get();
    if (index >= replicas_.size()) return link_counters_.add(ha2::Counter::kDropPartition);
    replicas_[index]->on_frame(decoded.frame, opened.frame, now_ns);
  });
}

void ReplayBox::expire(std::uint64_t now_ns, std::uint64_t past_ns) noexcept {
  const auto now_ms = static_cast<std::uint32_t>(now_ns / 1'000'000U);
  const auto share = [&](std::uint32_t slot_count) {
    return static_cast<std::uint32_t>(slot_count * std::min(past_ns, kFullScanNs) / kFullScanNs) +
           64;
  };
  for (const auto& partition : partitions_) {
    tables::expire_sessions<tables::Address4>(
        *partition, now_ms, share(partition->slot_count(tables::TableKind::kSession4)));
    tables::expire_sessions<tables::Address6>(
        *partition, now_ms, share(partition->slot_count(tables::TableKind::kSession6)));
    sctp_ages_.expire(partition->table<tables::TableKind::kSctp>(), now_ms,
                      share(partition->slot_count(tables::TableKind::kSctp)));
    tables::expire_shifts(*partition, now_ms,
                          share(partition->slot_count(tables::TableKind::kSequenceShift)));
    tables::expire_returns(*partition, now_ms,
                           share(partition->slot_count(tables::TableKind::kReturnMac)));
  }
}

std::uint64_t ReplayBox::live_count() const noexcept {
  std::uint64_t count = 0;
  for (const auto& partition : partitions_)
    if (partition != partitions_.back()) count += partition->live_count();
  return count;
}

tables::SessionCounters ReplayBox::sessions() const noexcept {
  tables::SessionCounters sum;
  for (const auto& partition : partitions_) {
    add(sum, partition->session4().counters());
    add(sum, partition->session6().counters());
  }
  return sum;
}

tables::TableCounters ReplayBox::associations() const noexcept {
  tables::TableCounters sum;
  for (const auto& partition : partitions_) {
    const tables::TableCounters& counters = partition->table<tables::TableKind::kSctp>().counters();
    sum.created += counters.created;
    sum.ended += counters.ended;
    sum.expired += counters.expired;
  }
  return sum;
}

std::uint64_t ReplayBox::counter(ha2::Counter counter) const noexcept {
  std::uint64_t sum = link_counters_.get(counter);
  for (const auto& replica : replicas_) sum += replica->counters().get(counter);
  return sum;
}

}  // namespace twinplane::dataplane
