// SPDX-License-Identifier: BSD-3-Clause
// control.hpp - the control thread: keepalives and hellos on both paths, the role of the box,
// orders to the workers.
//
// Thread:  run() on the main lcore; status() from any thread (it copies under a lock that the
//          packet path never takes).
// Memory:  taken at construction.
// Limits:  wakes at least once a millisecond.
// Errors:  a worker that stands still silences this box's keepalives, so that the peer takes over;
//          it is logged.
// Spec:    ha2/PROTOCOL.md section 8; dataplane/DESIGN.md D-D4.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dataplane/bulk_progress.hpp"
#include "dataplane/finding_history.hpp"
#include "dataplane/ha1_socket.hpp"
#include "dataplane/ha2_link.hpp"
#include "dataplane/link_watch.hpp"
#include "dataplane/orders.hpp"
#include "dataplane/rule_book.hpp"
#include "dataplane/worker.hpp"
#include "ha2/pair.hpp"

namespace twinplane::dataplane {

// What an operator wants to know of the box, at one moment.
struct BoxStatus {
  std::string role = "initial";
  std::string reason = "starting";
  std::string sync = "none";
  std::string refusal;
  std::string note;  // a difference that does not refuse the pair
  bool is_peer_up = false;
  bool is_paired = false;
  tables::KindSet peer_kinds;  // what the peer wants to keep equal
  std::uint32_t paths_up = 0;  // bit 0 HA2, bit 1 HA1
  std::uint32_t term = 0;
  std::uint64_t last_heard_ns = 0;
  std::uint64_t detected_ns = 0;
  std::uint64_t takeover_ns = 0;
  std::uint64_t first_packet_ns = 0;
  std::uint64_t refused_hellos = 0;
  std::uint64_t bad_link_frames = 0;
  std::uint32_t bulk_percent = 0;    // while sync is "bulk" or "compare"
  std::uint64_t bulk_left_ms = 0;    // at the pace so far; 0 = not known
  std::uint64_t findings_count = 0;  // of differences that came to the history, since the start
};

class Control {
 public:
  // `ha2_link` and `ha1` are null where ha.enabled is false: the box is then active alone.
  Control(const Config& config, Orders& orders, std::vector<std::unique_ptr<Worker>>& workers,
          HandoffRing& control_ring, Ha2Link* ha2_link, Ha1Socket* ha1, PeerMac& peer_mac,
          const ha2::EncapConfig& encap, const ha2::KeptTables& kept, LinkWatch& links,
          const RuleBook& rules);

  // Until `is_stopping`; then tells the peer that it leaves, and returns.
  void run(const std::atomic<bool>& is_stopping);

  // After run(): what the tables are to the box's next life. A mirror that was never complete
  // leaves none.
  ha2::KeptTables leaves() const noexcept;

  BoxStatus status() const;

  // What verifications and audits found; any thread.
  FindingHistory findings() const;

  // Hellos and keepalives that the relay ring did not take; any thread.
  std::uint64_t frames_dropped() const noexcept {
    return ha2_link_ == nullptr ? 0 : ha2_link_->dropped_count();
  }

  // What is done to them; null: nothing.
  LinkFaults* link_faults() const noexcept {
    return ha2_link_ == nullptr ? nullptr : ha2_link_->faults();
  }

 private:
  void turn(std::uint64_t now_ns);
  void take_link_frames(std::uint64_t now_ns);
  void follow_rules();
  std::string note_text() const;
  bool are_workers_alive(std::uint64_t now_ns);
  void give_orders();
  void publish(std::uint64_t now_ns);
  void take_findings();
  std::string sync_text() const;
  void note_bulk(std::uint64_t now_ns);
  bool is_mirror_complete() const noexcept;
  bool is_peer_told(std::uint64_t since_ns) const noexcept;

  const Config& config_;
  Orders& orders_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  HandoffRing& control_ring_;
  Ha2Link* ha2_link_;
  Ha1Socket* ha1_;
  PeerMac& peer_mac_;
  ha2::EncapConfig encap_;
  ha2::KeptTables kept_;
  LinkWatch& links_;
  const RuleBook& rules_;
  std::uint32_t rules_number_ = 0;  // of the edition that the peer is told of
  ha2::Pair pair_;
  std::vector<std::uint64_t> turn_counts_;
  std::vector<std::uint64_t> turned_ns_;
  bool were_workers_alive_ = true;
  bool had_whole_tables_;  // at some time in this life
  std::uint32_t reannounce_count_ = 0;
  std::string ordered_role_;
  std::uint64_t bad_link_frames_ = 0;
  mutable std::mutex status_mutex_;
  BoxStatus status_;
  FindingHistory findings_;
  BulkProgress bulk_progress_;
};

}  // namespace twinplane::dataplane
