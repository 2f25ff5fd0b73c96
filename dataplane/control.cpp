// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/control.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include <algorithm>
#include <thread>

#include "dataplane/clock.hpp"
#include "dataplane/config_hello.hpp"
#include "dataplane/log.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr int kWakeMs = 1;
constexpr std::uint64_t kLeaveNs = 100 * kNsPerMs;
// how long a leaving box waits for its last changes to be answered
constexpr std::uint64_t kTellMaxNs = 50 * kNsPerMs;

std::uint64_t draw() {
  std::uint64_t value = 0;
  while (value == 0)
    if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
      value = now_ns() | 1U;
  return value;
}

ha2::PairConfig pair_config(const Config& config, const ha2::EncapConfig& encap,
                            const ha2::KeptTables& kept) {
  ha2::PairConfig pair;
  pair.kept = kept;
  pair.box_id = config.box.id;
  pair.priority = config.box.priority;
  pair.frame_bytes_max =
      static_cast<std::uint16_t>(ha2::frame_bytes_for_mtu(encap, config.ha2.mtu_bytes));
  pair.keepalive_interval_ns = config.ha.keepalive_interval_ms * kNsPerMs;
  pair.keepalive_threshold = config.ha.keepalive_threshold;
  pair.boot_hold_ns = config.ha.boot_hold_ms * kNsPerMs;
  pair.kinds = kept_kinds(config);
  for (const HelloItem& item : hello_items(config))
    pair.items.push_back({item.name, item.value, item.must_equal});
  return pair;
}

// Where nothing is to be sent.
class NoLink final : public ha2::Link {
 public:
  std::span<std::byte> try_frame() noexcept override { return {}; }

  void send(std::size_t /*frame_bytes*/, std::uint16_t /*partition*/) noexcept override {}
};

}  // namespace

Control::Control(const Config& config, Orders& orders,
                 std::vector<std::unique_ptr<Worker>>& workers, HandoffRing& control_ring,
                 Ha2Link* ha2_link, Ha1Socket* ha1, PeerMac& peer_mac,
                 const ha2::EncapConfig& encap, const ha2::KeptTables& kept, LinkWatch& links,
                 const RuleBook& rules)
    : config_(config),
      orders_(orders),
      workers_(workers),
      control_ring_(control_ring),
      ha2_link_(ha2_link),
      ha1_(ha1),
      peer_mac_(peer_mac),
      encap_(encap),
      kept_(kept),
      links_(links),
      rules_(rules),
      pair_(pair_config(config, encap, kept), draw(), draw()),
      turn_counts_(workers.size(), 0),
      turned_ns_(workers.size(), 0),
      had_whole_tables_(kept.are_there || !config.ha.enabled) {}

void Control::run(const std::atomic<bool>& is_stopping) {
  ::prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds: a sleep of a millisecond is to be one
  if (!config_.ha.enabled) {
    ha2::Assignment alone;
    alone.holding = ha2::Holding::kOwner;
    static_cast<void>(orders_.try_give(alone));
    log_notice("role=active reason=\"ha.enabled is false: this box is alone\"");
  }
  std::uint64_t doors_closed_ns = 0;
  std::uint64_t leave_until_ns = 0;
  while (true) {
    const std::uint64_t now = now_ns();
    // a flag alone: nothing is published with it
    if (is_stopping.load(std::memory_order_relaxed)) {
      if (!config_.ha.enabled) return;
      if (doors_closed_ns == 0) {
        orders_.close_doors();
        doors_closed_ns = now_ns();
      }
      if (leave_until_ns == 0 &&
          (is_peer_told(doors_closed_ns) || now >= doors_closed_ns + kTellMaxNs)) {
        orders_.stop_bridging();
        pair_.leave();
        leave_until_ns = now + kLeaveNs;
      }
      if (leave_until_ns != 0 && now >= leave_until_ns) return;
    }
    turn(now);
    pollfd wait{.fd = ha1_ != nullptr ? ha1_->descriptor() : -1, .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, kWakeMs);
  }
}

void Control::turn(std::uint64_t now) {
  if (config_.ha.enabled) {
    follow_rules();
    take_link_frames(now);
    pair_.set_synced(is_mirror_complete());
    had_whole_tables_ |= pair_.role() == ha2::Role::kActive ||
                         (pair_.role() == ha2::Role::kPassive && pair_.is_peer_synced());
    NoLink nowhere;
    // A box whose workers stand still must not look alive: it says nothing on any path.
    if (are_workers_alive(now)) {
      pair_.poll(now, *ha2_link_, *ha1_);
      ha2_link_->flush();
    } else {
      pair_.poll(now, nowhere, nowhere);
    }
    give_orders();
    if (pair_.reannounce_count() != reannounce_count_) {
      reannounce_count_ = pair_.reannounce_count();
      log_notice("announce=again reason=\"the peer may have been active\"");
      orders_.ask_announce();
    }
  }
  take_findings();
  links_.poll(now);
  publish(now);
}

// The peer compares the rules that hold here now.
void Control::follow_rules() {
  if (rules_.number() == rules_number_) return;
  rules_.with_current([this](const RuleEdition& edition) {
    rules_number_ = rules_.number();
    for (const HelloItem& item : hello_items(edition.config)) pair_.set_item(item.name, item.value);
  });
}

// What differs and does not keep the two from being a pair.
std::string Control::note_text() const {
  std::string text = pair_.mtu_note();
  if (!pair_.is_paired() || !pair_.is_different("rule_contents")) return text;
  if (!text.empty()) text += "; ";
  return text + "the peer has other rules: load the same on both boxes (SIGHUP)";
}

void Control::take_findings() {
  ha2::Difference finding;
  for (const auto& worker : workers_) {
    while (worker->findings().try_take(finding)) {
      log_warning(finding_text(finding));
      const std::lock_guard lock(status_mutex_);
      findings_.add(finding);
    }
  }
}

FindingHistory Control::findings() const {
  const std::lock_guard lock(status_mutex_);
  return findings_;
}

void Control::take_link_frames(std::uint64_t now) {
  std::array<rte_mbuf*, 32> packets;
  const std::uint16_t count =
      control_ring_.take(packets.data(), static_cast<std::uint16_t>(packets.size()));
  for (std::uint16_t i = 0; i < count; ++i) {
    const ha2::Opened opened = ha2::open_encap(
        encap_, {rte_pktmbuf_mtod(packets[i], const std::byte*), packets[i]->data_len});
    const ha2::Decoded decoded = ha2::decode(opened.frame);
    if (decoded.error == ha2::DecodeError::kNone) {
      if (!config_.ha2.peer_mac_known && opened.source_mac != encap_.local_mac)
        peer_mac_.set(opened.source_mac);
      pair_.on_frame(ha2::Path::kHa2, decoded.frame, now);
    } else {
      ++bad_link_frames_;
    }
    rte_pktmbuf_free(packets[i]);
  }
  for (int i = 0; i < 32; ++i) {
    const std::span<const std::byte> bytes = ha1_->try_receive();
    if (bytes.empty()) break;
    const ha2::Decoded decoded = ha2::decode(bytes);
    if (decoded.error == ha2::DecodeError::kNone &&
        decoded.frame.header.partition.get() == ha2::kLinkPartition)
      pair_.on_frame(ha2::Path::kHa1, decoded.frame, now);
    else
      ++bad_link_frames_;
  }
}

bool Control::are_workers_alive(std::uint64_t now) {
  const std::uint64_t silence_ns =
      config_.ha.keepalive_interval_ms * config_.ha.keepalive_threshold * kNsPerMs;
  bool are_alive = true;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const std::uint64_t count = workers_[i]->stats().turn_count.get();
    if (count != turn_counts_[i] || turned_ns_[i] == 0) {
      turn_counts_[i] = count;
      turned_ns_[i] = now;
    }
    are_alive &= now - turned_ns_[i] < 4 * silence_ns;
  }
  if (are_alive != were_workers_alive_)
    log_warning(are_alive
                    ? "workers=alive"
                    : "workers=hung: this box stops its keepalives, so that the peer takes over");
  were_workers_alive_ = are_alive;
  return are_alive;
}

// Every change made up to then is answered, or nobody is there to answer.
bool Control::is_peer_told(std::uint64_t since_ns) const noexcept {
  if (!is_mirror_complete()) return true;
  return std::ranges::all_of(workers_, [since_ns](const auto& worker) {
    const WorkerStats& stats = worker->stats();
    return stats.published_ns.get() > since_ns + stats.lag_ns.get();
  });
}

ha2::KeptTables Control::leaves() const noexcept {
  if (!config_.ha.enabled) return {true, true, kept_.term};
  if (pair_.role() == ha2::Role::kInitial) return kept_;
  return {had_whole_tables_, pair_.role() == ha2::Role::kActive, pair_.term()};
}

bool Control::is_mirror_complete() const noexcept {
  // figures are another stream's
  if (!orders_.are_all_followed() || !(orders_.last() == pair_.assignment())) return false;
  std::uint64_t synced = 0;
  for (const auto& worker : workers_) synced += worker->stats().partitions_synced.get();
  return pair_.role() == ha2::Role::kActive && pair_.is_paired() &&
         synced == stream_count(config_.tables);
}

void Control::give_orders() {
  const ha2::Assignment wanted = pair_.assignment();
  if (wanted == orders_.last() || !orders_.try_give(wanted)) return;
  const std::string role(ha2::name_of(pair_.role()));
  if (role != ordered_role_) {
    log_notice("role=" + role + " term=" + std::to_string(pair_.term()) + " reason=\"" +
               pair_.reason() + "\"");
    const std::lock_guard lock(status_mutex_);
    status_.takeover_ns = status_.first_packet_ns = 0;
    status_.last_heard_ns = pair_.takeover().last_heard_ns;
    status_.detected_ns = pair_.takeover().detected_ns;
    ordered_role_ = role;
  }
  if (wanted.has_peer)
    log_notice("stream=started session=" + std::to_string(wanted.name.session) +
               " frame_bytes=" + std::to_string(wanted.frame_bytes));
}

void Control::publish(std::uint64_t now) {
  const std::lock_guard lock(status_mutex_);
  if (!config_.ha.enabled) {
    status_.role = "active";
    status_.reason = "ha.enabled is false";
    return;
  }
  const std::string last_refusal = status_.refusal;
  const std::string last_sync = status_.sync;
  status_.role = ha2::name_of(pair_.role());
  status_.reason = pair_.reason();
  status_.refusal = pair_.refusal_text();
  const std::string last_note = status_.note;
  status_.note = note_text();
  if (status_.note != last_note)
    log_warning("note=\"" + (status_.note.empty() ? "none any more" : status_.note) + "\"");
  status_.is_paired = pair_.is_paired();
  status_.peer_kinds = pair_.peer_kinds();
  status_.term = pair_.term();
  status_.is_peer_up = pair_.is_peer_alive(now);
  const bool is_ha2_up = pair_.is_path_up(ha2::Path::kHa2, now);
  status_.paths_up = (is_ha2_up ? 1U : 0U) | (pair_.is_path_up(ha2::Path::kHa1, now) ? 2U : 0U);
  status_.refused_hellos = pair_.refused_hello_count();
  status_.bad_link_frames = pair_.bad_frame_count() + bad_link_frames_;
  status_.findings_count = findings_.count();
  status_.sync = pair_.is_refused() ? "refused" : is_ha2_up ? sync_text() : "link-down";
  note_bulk(now);
  if (status_.refusal != last_refusal && !status_.refusal.empty())
    log_warning("pair=refused reason=\"" + status_.refusal + "\"");
  if (status_.sync != last_sync) log_notice("sync=" + status_.sync);
  if (pair_.role() != ha2::Role::kActive || !orders_.are_all_followed()) return;
  std::uint64_t owned_ns = 0;
  std::uint64_t first_ns = 0;
  for (const auto& worker : workers_) {
    owned_ns = std::max(owned_ns, worker->stats().owned_since_ns.get());
    const std::uint64_t worker_first_ns = worker->stats().first_packet_ns.get();
    if (worker_first_ns != 0)
      first_ns = first_ns == 0 ? worker_first_ns : std::min(first_ns, worker_first_ns);
  }
  status_.takeover_ns = owned_ns;
  status_.first_packet_ns = first_ns;
}

// Between boxes that hear each other and agree.
std::string Control::sync_text() const {
  if (!pair_.is_paired()) return "none";
  if (pair_.role() != ha2::Role::kActive) return pair_.is_peer_synced() ? "in-sync" : "bulk";
  if (is_mirror_complete()) return "in-sync";
  std::uint64_t comparing = 0;
  for (const auto& worker : workers_) comparing += worker->stats().partitions_comparing.get();
  return comparing == 0 ? "bulk" : "compare";
}

void Control::note_bulk(std::uint64_t now) {
  status_.bulk_percent = 0;
  status_.bulk_left_ms = 0;
  if (status_.sync != "bulk" && status_.sync != "compare") return bulk_progress_.forget();
  std::uint64_t stated = 0;
  std::uint64_t total = 0;
  for (const auto& worker : workers_) {
    stated += worker->stats().bulk_stated_slots.get();
    total += worker->stats().bulk_total_slots.get();
  }
  bulk_progress_.note(stated, total, now);
  status_.bulk_percent = bulk_progress_.percent();
  status_.bulk_left_ms = bulk_progress_.left_ms();
}

BoxStatus Control::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

}  // namespace twinplane::dataplane
