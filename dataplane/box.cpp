// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/box.hpp"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

#include "dataplane/bytes.hpp"
#include "dataplane/clock.hpp"
#include "dataplane/config_hello.hpp"
#include "dataplane/ip_numbers.hpp"
#include "dataplane/log.hpp"
#include "dataplane/rss.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint32_t kRingPlaces = 1024;
constexpr std::uint32_t kPacketsBase = 4096;
constexpr std::uint32_t kPacketsPerQueue = 1536;  // descriptors of one queue and what is on its way
constexpr std::uint16_t kPacketBytesMin = 2048;
constexpr std::uint16_t kControlSender = 255;  // for LinkFaults; workers are below

std::uint64_t draw_secret() {
  std::uint64_t value = 0;
  if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
    throw std::runtime_error(
        "the kernel gave no random bytes: the hash seed must be secret, so nothing starts without");
  return value;
}

std::uint16_t data_bytes_for(std::uint32_t mtu_bytes) {
  constexpr std::uint32_t kLinkBytes = 14 + 8 + 4;
  // A device that copies whole rings (af_packet) offers up to its frame size, somewhat above the
  // MTU.
  return static_cast<std::uint16_t>(
      std::max<std::uint32_t>(kPacketBytesMin, (mtu_bytes + kLinkBytes + 511) / 512 * 512));
}

PoolSize packet_pool_size(const Config& config) {
  std::uint32_t mtu_bytes = 1500;
  for (const PortConfig& port : config.ports)
    mtu_bytes = std::max<std::uint32_t>(mtu_bytes, port.mtu_bytes);
  const auto queue_count =
      static_cast<std::uint32_t>(config.ports.size() * (config.eal.lcore_ids.size() - 1) * 2);
  const bool holds = std::ranges::any_of(config.rules, &RuleConfig::hold);
  const auto held_count =
      holds ? static_cast<std::uint32_t>(kHeldPacketsMax * (config.eal.lcore_ids.size() - 1)) : 0;
  return {kPacketsBase + kPacketsPerQueue * queue_count + held_count, data_bytes_for(mtu_bytes)};
}

tables::SessionPolicy session_policy(const Config& config) {
  tables::SessionPolicy policy;
  policy.when_full = config.tables.full_policy == FullPolicy::kEvictHalfOpen
                         ? tables::FullPolicy::kEvictHalfOpen
                         : tables::FullPolicy::kRefuse;
  for (std::size_t i = 0; i < policy.timeouts_ms.size(); ++i)
    policy.timeouts_ms[i] = config.timeouts.timeout_s[i] * 1000U;
  return policy;
}

struct WorkerStart {
  Worker* worker;
  const std::atomic<bool>* is_stopping;
};

int run_worker(void* argument) {
  const std::unique_ptr<WorkerStart> start(static_cast<WorkerStart*>(argument));
  ::prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds: a sleep of 50 us is to be one
  start->worker->run(*start->is_stopping);
  return 0;
}

// Tells the workers to stop and waits for them, whether run() returns or throws.
class RunningWorkers {
 public:
  explicit RunningWorkers(std::atomic<bool>& are_stopping) noexcept : are_stopping_(are_stopping) {}

  RunningWorkers(const RunningWorkers&) = delete;
  RunningWorkers& operator=(const RunningWorkers&) = delete;

  ~RunningWorkers() {
    are_stopping_.store(true, std::memory_order_relaxed);  // a flag alone: joined here
    rte_eal_mp_wait_lcore();
  }

 private:
  std::atomic<bool>& are_stopping_;
};

// UDP source ports whose flow hashes to the partition: the peer's RSS table then leads each stream
// to its owner's queue, however many cores the peer has.
template <class Address>
std::vector<std::uint16_t> steering_ports(const Address& local, const Address& peer,
                                          std::uint32_t partition_count) {
  constexpr std::uint16_t kPortMin = 0xC000;
  const ReplyBase base =
      ReplyBase::of<Address>(kProtocolUdp, {peer, network_order(ha2::kUdpPort)}, local);
  std::vector<std::uint16_t> ports;
  for (std::uint32_t partition = 0; partition < partition_count; ++partition) {
    std::uint32_t n = 0;
    while (base.nth_port(n, partition, partition_count) < kPortMin) ++n;
    ports.push_back(base.nth_port(n, partition, partition_count));
  }
  return ports;
}

std::vector<std::uint16_t> steering_ports(const ha2::EncapConfig& encap,
                                          std::uint32_t partition_count) {
  return encap.is_ip6 ? steering_ports(encap.local6, encap.peer6, partition_count)
                      : steering_ports(encap.local4, encap.peer4, partition_count);
}

std::vector<std::unique_ptr<HandoffRing>> make_rings(const std::string& name, std::size_t count) {
  std::vector<std::unique_ptr<HandoffRing>> rings;
  for (std::size_t i = 0; i < count; ++i)
    rings.push_back(std::make_unique<HandoffRing>(name + std::to_string(i), kRingPlaces));
  return rings;
}

}  // namespace

Box::Box(const Config& config, const std::string& path)
    : config_(config),
      eal_(config),
      worker_count_(static_cast<std::uint16_t>(config.eal.lcore_ids.size() - 1)),
      packet_pool_("packets", packet_pool_size(config)),
      rules_(config, worker_count_),
      reload_(path, config, rules_),
      routes_(config, "routes", SOCKET_ID_ANY),
      nat_(config, draw_secret()),
      destinations_(config),
      expectations_(config.tables.partitions * config.tables.expectation_slots,
                    config.tables.expectation_s * 1000, tables::HashSeed{draw_secret()}),
      returns_(config),
      peer_mac_(ha2::EncapConfig{}.peer_mac),
      packet_rings_(make_rings("packets", worker_count_)),
      frame_rings_(make_rings("frames", worker_count_)),
      port_rings_(make_rings("ports", config.ports.size())),
      home_ring_("home", kRingPlaces),
      group_ring_("groups", kRingPlaces),
      relay_ring_("relay", kRingPlaces),
      control_ring_("control", kRingPlaces),
      orders_(worker_count_),
      neighbors_(2 * config.tables.neighbor_slots, tables::HashSeed{draw_secret()}),
      dos_(config, worker_count_, tables::HashSeed{draw_secret()},
           SipKey{draw_secret(), draw_secret()}) {
  if (config.multicast.enabled)
    groups_ = std::make_unique<GroupShared>(config, worker_count_, tables::HashSeed{draw_secret()});
  if (!config.bridges.empty())
    bridging_ = std::make_unique<Bridging>(config, worker_count_, tables::HashSeed{draw_secret()});
  make_tables();
  make_ports();
  make_workers();
  make_control();
}

Box::~Box() = default;

void Box::make_tables() {
  tables::ImageHead head;
  head.partition_count = config_.tables.partitions;
  head.session4_slots = config_.tables.session4_slots;
  head.session6_slots = config_.tables.session6_slots;
  head.sctp_slots = config_.tables.sctp_slots;
  head.shift_slots = config_.tables.shift_slots;
  head.expectation_slots = config_.tables.expectation_slots;
  head.return_slots = return_slots(config_);
  head.has_half_open_queue = config_.tables.full_policy == FullPolicy::kEvictHalfOpen ? 1 : 0;
  head.box_id = config_.box.id;
  head.hash_seed = draw_secret();
  head.configuration = numbering_digest(config_);
  head.machine_start = machine_start();
  tables::PartitionLimits limits = tables::limits_of(head);
  limits.policy = session_policy(config_);
  head.partition_bytes = tables::Partition::bytes(limits);
  const tables::PartitionLimits home = home_limits();
  std::ranges::copy(home.plain_slots, head.home_slots.begin());
  head.home_bytes = tables::Partition::bytes(home);
  table_memory_.emplace(
      head, TableMemorySetup{.file = config_.tables.file,
                             .keeps_tables = config_.tables.keep,
                             .may_use_huge_pages = config_.eal.huge_pages != HugePages::kOff});
  log_notice(
      "tables=" + std::to_string(table_memory_->bytes() >> 20U) + "MiB huge_pages=" +
      (table_memory_->is_on_huge_pages() ? "yes" : "no (random lookups cost a page walk more)"));
  if (!table_memory_->why_not_kept().empty())
    log_warning("tables=empty reason=\"" + config_.tables.file +
                " cannot be kept: " + table_memory_->why_not_kept() + "\"");
  make_partitions(limits, head.hash_seed);
  make_home_partition(home, tables::HashSeed{head.hash_seed + head.partition_count});
}

tables::Carver::Block Box::block_state() const noexcept {
  return table_memory_->is_kept() ? tables::Carver::Block::kUsed : tables::Carver::Block::kZeroed;
}

// How long nobody has seen to the tables that are kept.
std::uint64_t Box::down_ms(std::uint64_t now_ns) const noexcept {
  return (now_ns - std::min(now_ns, table_memory_->end_before().at_ns)) / 1'000'000;
}

void Box::make_partitions(const tables::PartitionLimits& limits, std::uint64_t hash_seed) {
  const std::uint64_t start_ns = now_ns();
  const std::uint64_t idle_ms = down_ms(start_ns);
  tables::AdoptedSlots adopted;
  std::uint64_t expired = 0;
  const tables::SctpAges ages = sctp_ages(config_.timeouts);
  for (std::uint32_t i = 0; i < config_.tables.partitions; ++i) {
    tables::Carver carver(table_memory_->partition_block(i), block_state());
    partitions_.push_back(
        std::make_unique<tables::Partition>(carver, limits, tables::HashSeed{hash_seed + i}));
    tables::Partition& partition = *partitions_.back();
    if (table_memory_->is_kept()) {
      const tables::AdoptedSlots here = partition.adopt();
      adopted.kept += here.kept;
      adopted.refused += here.refused;
      expired += partition.end_idle(idle_ms);
      expired += ages.end_idle(partition.table<tables::TableKind::kSctp>(), idle_ms);
    }
    // Without a peer, ever, marks would only cost.
    partition.session4().slots().set_recording(config_.ha.enabled);
    partition.session6().slots().set_recording(config_.ha.enabled);
    partition.slots<tables::TableKind::kSctp>().set_recording(config_.ha.enabled);
    partition.slots<tables::TableKind::kSequenceShift>().set_recording(config_.ha.enabled);
    partition.slots<tables::TableKind::kExpectation>().set_recording(config_.ha.enabled);
    partition.slots<tables::TableKind::kReturnMac>().set_recording(config_.ha.enabled);
    partition_views_.push_back(&partition);
  }
  if (table_memory_->is_kept())
    log_notice("tables=kept sessions=" + std::to_string(adopted.kept - expired) +
               " refused=" + std::to_string(adopted.refused) +
               " expired=" + std::to_string(expired) + " down_ms=" + std::to_string(idle_ms) +
               " in_ms=" + std::to_string((now_ns() - start_ns) / 1'000'000));
}

// What the workers share.
tables::PartitionLimits Box::home_limits() const {
  tables::PartitionLimits limits;
  limits.plain(tables::TableKind::kArp) = config_.tables.neighbor_slots;
  limits.plain(tables::TableKind::kNd) = config_.tables.neighbor_slots;
  limits.plain(tables::TableKind::kVirtualMac) = kVirtualMacSlots;
  if (config_.multicast.enabled)
    limits.plain(tables::TableKind::kMulticast4) = limits.plain(tables::TableKind::kMulticast6) =
        config_.tables.multicast_slots;
  limits.plain(tables::TableKind::kSecurityAssociation) = kSecurityAssociationsMax;
  limits.plain(tables::TableKind::kIpsecSequence) = kSecurityAssociationsMax + 1;
  limits.plain(tables::TableKind::kDosBlock) = block_slots(config_);
  if (bridging_ != nullptr) limits.plain(tables::TableKind::kMac) = config_.tables.mac_slots;
  return limits;
}

// What is kept of it counts as arrived: who shows it to the workers shows it in their first turns.
void Box::make_home_partition(const tables::PartitionLimits& limits, tables::HashSeed seed) {
  tables::Carver carver(table_memory_->home_block(), block_state());
  home_partition_ = std::make_unique<tables::Partition>(carver, limits, seed);
  if (table_memory_->is_kept()) {
    const tables::AdoptedSlots adopted = home_partition_->adopt();
    age_kept_neighbors(*home_partition_, down_ms(now_ns()));
    log_notice("home_tables=kept entries=" + std::to_string(adopted.kept) +
               " refused=" + std::to_string(adopted.refused));
  }
  tables::for_each_kind([this](auto kind) {
    home_partition_->slots<kind()>().set_recording(config_.ha.enabled &&
                                                   kept_kinds(config_).has(kind));
  });
  partition_views_.push_back(home_partition_.get());
}

void Box::make_ports() {
  for (const PortConfig& port : config_.ports)
    ports_.push_back(std::make_unique<Port>(PortSetup{.device = port.device,
                                                      .mtu_bytes = port.mtu_bytes,
                                                      .worker_count = worker_count_,
                                                      .partition_count = config_.tables.partitions,
                                                      .wants_rss = true},
                                            packet_pool_));
  if (!config_.ha.enabled) return;
  const Ha2Config& ha2 = config_.ha2;
  ha2_pool_.emplace("ha2", PoolSize{ha2.buffers, data_bytes_for(ha2.mtu_bytes)});
  // HA2 frames reach their owner core by ring where one queue serves all; several queues need
  // steering by the peer's UDP port.
  ha2_port_ = std::make_unique<Port>(PortSetup{.device = ha2.device,
                                               .mtu_bytes = ha2.mtu_bytes,
                                               .worker_count = worker_count_,
                                               .partition_count = config_.tables.partitions,
                                               .wants_rss = true},
                                     *ha2_pool_);
  encap_.transport = static_cast<ha2::Transport>(ha2.transport);
  encap_.is_ip6 = ha2.local.is6();
  if (encap_.is_ip6) {
    encap_.local6 = ha2.local.v6();
    encap_.peer6 = ha2.peer.v6();
  } else if (ha2.local.is4()) {
    encap_.local4 = ha2.local.v4();
    encap_.peer4 = ha2.peer.v4();
  }
  encap_.local_mac = ha2_port_->mac();
  if (encap_.transport == ha2::Transport::kUdp)
    encap_.source_ports = steering_ports(encap_, config_.tables.partitions);
  if (ha2.peer_mac_known) peer_mac_.set(ha2.peer_mac);
}

void Box::make_workers() {
  const auto shared_by = [this](std::uint16_t worker) {
    return WorkerShared{
        .config = config_,
        .forward = {config_, rules_.in_use(worker), routes_, nat_, destinations_, &expectations_,
                    return_slots(config_) != 0 ? &returns_ : nullptr},
        .ports = ports_,
        .ha2_port = ha2_port_.get(),
        .packet_pool = packet_pool_,
        .ha2_pool = ha2_pool_.has_value() ? &*ha2_pool_ : nullptr,
        .packet_rings = packet_rings_,
        .frame_rings = frame_rings_,
        .home_ring = home_ring_,
        .group_ring = group_ring_,
        .relay_ring = relay_ring_,
        .control_ring = control_ring_,
        .port_rings = port_rings_,
        .rules = rules_,
        .has_kept_tables = table_memory_->is_kept(),
        .orders = orders_,
        .page_desk = page_desk_,
        .neighbors = neighbors_,
        .groups = groups_.get(),
        .dos = dos_,
        .bridging = bridging_.get(),
        .encap = encap_,
        .peer_mac = peer_mac_,
        .partitions = partition_views_};
  };
  for (std::uint16_t i = 0; i < worker_count_; ++i)
    workers_.push_back(std::make_unique<Worker>(
        i, worker_count_, shared_by(i),
        i == 0 ? std::make_unique<Home>(config_, neighbors_, *home_partition_, groups_.get(), dos_,
                                        tables::HashSeed{draw_secret()}, bridging_.get())
               : nullptr));
}

void Box::make_control() {
  if (config_.ha.enabled) {
    control_link_ = std::make_unique<Ha2Link>(
        ha2_port_.get(), std::uint16_t{0}, &relay_ring_, *ha2_pool_, encap_, peer_mac_,
        static_cast<std::uint16_t>(ha2::frame_bytes_for_mtu(encap_, config_.ha2.mtu_bytes)),
        LinkFaults::try_make(config_, kControlSender));
    if (config_.faults.enabled)
      log_warning("faults=\"" + faults_text(config_.faults) +
                  "\": done on purpose to every kind of frame sent over HA2");
    ha1_ = std::make_unique<Ha1Socket>(config_.ha1);
  }
  link_watch_.emplace(config_, ports_, returns_);
  control_ =
      std::make_unique<Control>(config_, orders_, workers_, control_ring_, control_link_.get(),
                                ha1_.get(), peer_mac_, encap_, kept_tables(), *link_watch_, rules_);
  telemetry_ = std::make_unique<Telemetry>(TelemetrySource{
      config_, *control_, workers_, orders_, page_desk_, *workers_.front()->home(), groups_.get(),
      dos_, expectations_, returns_, bridging_.get(), rules_, reload_});
}

ha2::KeptTables Box::kept_tables() const noexcept {
  const tables::ImageEnd& end = table_memory_->end_before();
  return {table_memory_->is_kept(), end.was_active != 0, end.term};
}

void Box::launch(std::uint16_t worker) {
  const std::uint32_t lcore = config_.eal.lcore_ids[worker + 1U];
  auto start =
      std::make_unique<WorkerStart>(WorkerStart{workers_[worker].get(), &are_workers_stopping_});
  if (rte_eal_remote_launch(run_worker, start.get(), lcore) != 0)
    throw std::runtime_error("lcore " + std::to_string(lcore) +
                             " is not free: check eal.lcores and eal.args");
  static_cast<void>(start.release());  // the worker's now
}

void Box::run(std::atomic<bool>& is_stopping, std::atomic<bool>& wants_reload) {
  table_memory_->mark_in_use();  // not earlier: a start that failed has left kept tables good
  {
    const RunningWorkers running(are_workers_stopping_);
    for (std::uint16_t i = 0; i < worker_count_; ++i) launch(i);
    log_notice("box=" + config_.box.name + " workers=" + std::to_string(worker_count_) +
               " started");
    const ReloadThread reloading(reload_, wants_reload);
    control_->run(is_stopping);
  }
  const ha2::KeptTables left = control_->leaves();
  if (left.are_there) {
    const std::uint64_t numbering = rules_.with_current(
        [](const RuleEdition& edition) { return numbering_digest(edition.config); });
    table_memory_->mark_clean({left.term, left.were_active ? 1U : 0U, now_ns()}, numbering);
  }
  log_notice("box=" + config_.box.name + " stopped");
}

}  // namespace twinplane::dataplane
