// SPDX-License-Identifier: BSD-3-Clause
// telemetry.hpp - counters and state over DPDK's telemetry socket: readable with dpdk-telemetry.py.
//
// Thread:  DPDK's telemetry thread reads; nothing here is called from the packet path.
// Memory:  none.
// Limits:  one a process: DPDK's callbacks carry no argument, so the source is kept in one place
//          behind this header.
// Errors:  throws std::runtime_error when a command cannot be registered.
// Spec:    DPDK 22.11, telemetry library. Commands: /twinplane/status, counters, verify, verified,
//          sessions, dos, expectations, symmetric_return. The names of counters: `ha2_` and a label
//          of ha2/counters.hpp, `drop_` and a reason (parse_result.hpp, forward_result.hpp),
//          `icmp_error_` and what became of an error that was due (icmp_error.hpp; `no_address`:
//          the box has none of that family to speak as; `held_back`: too many in a second, or no
//          buffer), `fragment_` and what the table of first fragments saw (fragment.hpp), and those
//          of neighbor_counters.hpp.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/control.hpp"
#include "dataplane/group_shared.hpp"
#include "dataplane/rule_reload.hpp"
#include "dataplane/session_page.hpp"

namespace twinplane::dataplane {

struct TelemetrySource {
  const Config& config;
  const Control& control;
  const std::vector<std::unique_ptr<Worker>>& workers;
  Orders& orders;
  SessionPageDesk& page_desk;
  const Home& home;
  const GroupShared* groups;  // null: multicast is off
  DosShared& dos;
  const Expectations& expectations;
  const ReturnPaths& returns;
  const Bridging* bridging;  // null: no bridge is configured
  const RuleBook& rules;
  RuleReload& reload;
};

// While it lives, the commands answer from `source`.
class Telemetry {
 public:
  explicit Telemetry(const TelemetrySource& source);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

}  // namespace twinplane::dataplane
