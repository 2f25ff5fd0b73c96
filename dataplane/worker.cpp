// SPDX-License-Identifier: BSD-3-Clause
// The loop: orders, frames, streams, ages. What happens to packets is in worker_packets.cpp; what
// others see of it in worker_publish.cpp.
#include "dataplane/worker.hpp"

#include <rte_cycles.h>

#include "dataplane/clock.hpp"
#include "tables/session_return.hpp"
#include "tables/session_shift.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kPublishIntervalNs = 1'000'000;
constexpr std::uint64_t kExpireIntervalNs = 1'000'000;
constexpr std::uint64_t kFullScanNs = 1'000'000'000;  // all slots are looked at once in this time
constexpr std::uint32_t kIdleTurnsBeforeSleep = 16;
// sessions a turn; each takes 0.06 to 4 us, by the rules
constexpr std::uint32_t kRematchShare = 8;
// While the peer answers promptly no change waits, so that it leaves before the packet that made
// it; a busy link fills its frames.
constexpr std::uint16_t kEagerFrames = 8;
constexpr TokenBucketLimits kIcmpErrorLimits{.rate_per_s = 1000, .burst = 100};

// A worker's share is divided among its streams.
std::uint32_t ppm_of(std::uint32_t percent, std::size_t stream_count) noexcept {
  return percent * (ha2::CoreShare::kWhole / 100) /
         static_cast<std::uint32_t>(std::max<std::size_t>(1, stream_count));
}

ha2::StreamConfig stream_config(const WorkerShared& shared, std::uint32_t partition,
                                std::size_t stream_count) {
  const Ha2Config& ha2 = shared.config.ha2;
  ha2::StreamConfig stream;
  stream.partition = static_cast<std::uint16_t>(partition);
  stream.window_frames = static_cast<std::uint16_t>(ha2.window_frames);
  stream.frame_bytes_max =
      static_cast<std::uint16_t>(ha2::frame_bytes_for_mtu(shared.encap, ha2.mtu_bytes));
  stream.eager_frames = kEagerFrames;
  stream.flush_ns = ha2.flush_us * 1000U;
  stream.reorder_ns = ha2.reorder_us * 1000U;
  stream.bulk_share_percent = static_cast<std::uint16_t>(ha2.bulk_share_percent);
  if (ha2.bulk_core_percent != 100)
    stream.bulk_core_ppm = ppm_of(ha2.bulk_core_percent, stream_count);
  stream.audit_core_ppm = ppm_of(ha2.audit_core_percent, stream_count);
  stream.audit_cycle_ns = ha2.audit_cycle_s * 1'000'000'000ULL;
  stream.cost_clock = now_ns;
  return stream;
}

}  // namespace

Worker::Worker(std::uint16_t index, std::uint16_t worker_count, const WorkerShared& shared,
               std::unique_ptr<Home> home)
    : index_(index),
      worker_count_(worker_count),
      shared_(shared),
      forwarder_(shared.forward),
      sctp_forwarder_(shared.forward),
      fragments_(FragmentLimits{}, tables::HashSeed{rte_get_tsc_cycles()}),
      admission_(shared.config, shared.dos, index, tables::HashSeed{rte_get_tsc_cycles()}),
      cookies_(shared.config, shared.dos.cookie_key),
      hold_(shared.config.ha2.hold_max_us * std::uint64_t{1000}),
      egress_(index, shared.ports, shared.port_rings, stats_),
      home_(std::move(home)),
      builder_(ha2::frame_bytes_for_mtu(shared.encap, shared.config.ha2.mtu_bytes)),
      icmp_errors_(kIcmpErrorLimits, now_ns()),
      rematch_(shared.config, hold_, stats_.rematch) {
  replicas_.resize(shared.partitions.size());
  std::size_t stream_count = 0;
  for (std::uint32_t i = 0; i < replicas_.size(); ++i) stream_count += is_mine(i) ? 1 : 0;
  for (std::uint32_t i = 0; i < replicas_.size(); ++i)
    if (is_mine(i))
      replicas_[i] = std::make_unique<ha2::Replica>(stream_config(shared_, i, stream_count),
                                                    partition(i), builder_);
  for (std::uint32_t i = 0; i < replicas_.size(); ++i)
    if (is_mine(i)) rematch_.add(i, partition(i));
  if (shared.has_kept_tables)
    rematch_.begin(shared.rules.in_use(index).get(), RematchCause::kKeptTables);
  for (std::size_t port = 0; port < shared.ports.size(); ++port)
    config_port_of_[shared.ports[port]->dpdk_port()] = static_cast<std::uint8_t>(port);
  if (shared_.groups != nullptr)
    group_forwarder_.emplace(shared_.forward, shared_.groups->routes,
                             tables::HashSeed{rte_get_tsc_cycles()});
  if (shared.bridging != nullptr)
    bridge_.emplace(
        Bridge{BridgeIntake(*shared.bridging, index),
               BridgeForwarder(shared.config, shared.bridging->domains, shared.forward.rules)});
  if (home_ != nullptr) {
    home_->attach(egress_, shared_.packet_pool, stats_);
    home_->attach(shared.config, *replicas_.back());
  }
  if (shared.ha2_port == nullptr) return;
  const bool has_queue = shared.ha2_port->has_send_queue(index);
  ha2_link_ =
      std::make_unique<Ha2Link>(shared.ha2_port, index, has_queue ? nullptr : &shared_.relay_ring,
                                *shared.ha2_pool, shared.encap, shared.peer_mac,
                                static_cast<std::uint16_t>(ha2::frame_bytes_for_mtu(
                                    shared.encap, shared.config.ha2.mtu_bytes)),
                                LinkFaults::try_make(shared.config, index));
}

std::uint64_t Worker::counter(ha2::Counter counter) const noexcept {
  std::uint64_t sum = link_counters_.get(counter);
  for (const auto& replica : replicas_)
    if (replica != nullptr) sum += replica->counters().get(counter);
  return sum;
}

std::uint64_t Worker::counter(tables::TableKind kind, ha2::KindCounter counter) const noexcept {
  std::uint64_t sum = 0;
  for (const auto& replica : replicas_)
    if (replica != nullptr) sum += replica->counters().get(kind, counter);
  return sum;
}

void Worker::run(const std::atomic<bool>& is_stopping) noexcept {
  std::uint32_t idle_turns = 0;
  // a flag alone: nothing is published with it
  while (!is_stopping.load(std::memory_order_relaxed)) {
    idle_turns = turn(now_ns()) ? 0 : idle_turns + 1;
    if (idle_turns < kIdleTurnsBeforeSleep || shared_.config.worker.idle_sleep_us == 0) continue;
    rte_delay_us_sleep(shared_.config.worker.idle_sleep_us);
  }
}

// True when there was anything to do.
bool Worker::turn(std::uint64_t now) noexcept {
  stats_.turn_count.add(1);
  follow_orders(now);
  follow_rules();
  std::uint32_t work = take_frames(now);
  work += take_packets(now);
  if (ha2_link_ != nullptr) {
    for (const auto& replica : replicas_)
      if (replica != nullptr) work += replica->poll(now, *ha2_link_);
    ha2_link_->flush();
  }
  work += release_held();
  if (is_active_ && rematch_.is_running()) work += rematch_.step(kRematchShare, now);
  if (home_ != nullptr) {
    home_->poll(now);
    answer_unreachable(now);
  }
  egress_.flush_all();
  if (now - last_expire_ns_ >= kExpireIntervalNs) expire(now);
  shared_.page_desk.serve([this](std::uint32_t index) {
    return index < replicas_.size() && is_mine(index) ? &partition(index) : nullptr;
  });
  if (now - last_publish_ns_ >= kPublishIntervalNs) publish(now);
  return work != 0;
}

void Worker::follow_orders(std::uint64_t now) noexcept {
  if (ha2::Assignment order; shared_.orders.try_read(index_, order)) {
    const bool was_active = is_active_;
    is_active_ = order.holding == ha2::Holding::kOwner;
    for (const auto& replica : replicas_)
      if (replica != nullptr) replica->assume(order);
    if (is_active_ && !was_active) {
      awaits_first_packet_ = true;
      stats_.first_packet_ns.set(0);
      stats_.owned_since_ns.set(now);
    }
    if (!is_active_) rematch_.suspend();
    if (home_ != nullptr) home_->follow(now);
    if (is_active_ != was_active) show_expectations();
    if (home_ != nullptr) home_->set_kept(order.has_peer ? order.kinds : tables::KindSet{});
    if (home_ != nullptr && is_active_ != was_active) home_->set_active(is_active_, now);
    publish(now);  // figures of the last stream must not be taken for this one's
    shared_.orders.follow(index_);
  }
  if (const std::uint32_t asked = shared_.orders.announce_number(); asked != announce_number_) {
    announce_number_ = asked;
    if (home_ != nullptr) home_->announce(now);
  }
  if (const std::uint32_t asked = shared_.orders.verify_number(); asked != verify_number_) {
    verify_number_ = asked;
    for (const auto& replica : replicas_)
      if (replica != nullptr) replica->owner().start_verify();
    publish(now);
  }
}

// A passive box's rematch waits until its sessions are its own.
void Worker::follow_rules() noexcept {
  const RuleEdition* const edition = shared_.rules.try_read(index_);
  if (edition == nullptr) [[likely]]
    return;
  rematch_.begin(edition->rules);
  shared_.rules.follow(index_, *edition);
}

// What this box's workers may let in is what it owns.
void Worker::show_expectations() noexcept {
  if (shared_.forward.expectations == nullptr) return;
  for (const auto& replica : replicas_) {
    if (replica == nullptr) continue;
    if (is_active_)
      shared_.forward.expectations->show(replica->partition());
    else
      shared_.forward.expectations->hide(replica->partition());
  }
}

std::uint32_t Worker::take_frames(std::uint64_t now) noexcept {
  if (shared_.ha2_port == nullptr) return 0;
  std::array<rte_mbuf*, kBurst> packets;
  std::uint32_t work = 0;
  if (index_ == 0) {
    // What others send through this core goes first: control's keepalives are among it.
    const std::uint16_t count = shared_.relay_ring.take(packets.data(), kBurst);
    ha2_link_->pass_on({packets.data(), count});
    work += count;
  }
  std::uint16_t count = 0;
  if (shared_.ha2_port->has_receive_queue(index_))
    count = shared_.ha2_port->receive(index_, packets.data(), kBurst);
  for (std::uint16_t i = 0; i < count; ++i) on_ha2_packet(packets[i], now);
  work += count;
  count = shared_.frame_rings[index_]->take(packets.data(), kBurst);
  for (std::uint16_t i = 0; i < count; ++i) on_ha2_packet(packets[i], now);
  return work + count;
}

void Worker::on_ha2_packet(rte_mbuf* packet, std::uint64_t now) noexcept {
  const ha2::Opened opened = ha2::open_encap(shared_.encap, bytes_of(packet));
  if (opened.error != ha2::EncapError::kNone) {
    stats_.encap_drops[static_cast<std::size_t>(opened.error)].add(1);
    return rte_pktmbuf_free(packet);
  }
  const ha2::Decoded decoded = ha2::decode(opened.frame);
  if (decoded.error != ha2::DecodeError::kNone) {
    link_counters_.add(ha2::counter_of(decoded.error));
    return rte_pktmbuf_free(packet);
  }
  const std::uint16_t index = decoded.frame.header.partition.get();
  if (index == ha2::kLinkPartition) {
    if (!shared_.control_ring.try_put(packet)) return drop(packet, DropReason::kRingFull);
    return;
  }
  if (index >= replicas_.size()) {
    link_counters_.add(ha2::Counter::kDropPartition);
    return rte_pktmbuf_free(packet);
  }
  if (!is_mine(index)) {
    if (!shared_.frame_rings[owner_of(index)]->try_put(packet)) drop(packet, DropReason::kRingFull);
    return;
  }
  replicas_[index]->on_frame(decoded.frame, opened.frame, now);
  rte_pktmbuf_free(packet);
}

void Worker::expire(std::uint64_t now) noexcept {
  const std::uint64_t past_ns = std::min(now - last_expire_ns_, kFullScanNs);
  last_expire_ns_ = now;
  if (!is_active_) return;  // only the owner ages
  const BurstTime time{now};
  for (std::uint32_t index = 0; index < replicas_.size(); ++index) {
    if (replicas_[index] == nullptr) continue;
    tables::Partition& mine = partition(index);
    const auto share = [past_ns](std::uint32_t slot_count) {
      return static_cast<std::uint32_t>(slot_count * past_ns / kFullScanNs) + 64;
    };
    tables::expire_sessions<tables::Address4>(mine, time.milliseconds(),
                                              share(mine.slot_count(tables::TableKind::kSession4)));
    tables::expire_sessions<tables::Address6>(mine, time.milliseconds(),
                                              share(mine.slot_count(tables::TableKind::kSession6)));
    sctp_forwarder_.ages().expire(mine.table<tables::TableKind::kSctp>(), time.milliseconds(),
                                  share(mine.slot_count(tables::TableKind::kSctp)));
    if (shared_.forward.expectations != nullptr)
      shared_.forward.expectations->expire(mine, time.milliseconds(),
                                           share(mine.slot_count(tables::TableKind::kExpectation)));
    tables::expire_shifts(mine, time.milliseconds(),
                          share(mine.slot_count(tables::TableKind::kSequenceShift)),
                          [&](std::uint32_t shift) { ask_server_again(index, shift, now); });
    tables::expire_returns(mine, time.milliseconds(),
                           share(mine.slot_count(tables::TableKind::kReturnMac)));
  }
}

}  // namespace twinplane::dataplane
