// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry.hpp"

#include <rte_telemetry.h>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "dataplane/telemetry_bridges.hpp"
#include "dataplane/telemetry_counters.hpp"
#include "dataplane/telemetry_dos.hpp"
#include "dataplane/telemetry_expectations.hpp"
#include "dataplane/telemetry_faults.hpp"
#include "dataplane/telemetry_groups.hpp"
#include "dataplane/telemetry_hold.hpp"
#include "dataplane/telemetry_ipsec.hpp"
#include "dataplane/telemetry_returns.hpp"
#include "dataplane/telemetry_rules.hpp"
#include "dataplane/telemetry_sessions.hpp"
#include "dataplane/telemetry_status.hpp"
#include "dataplane/telemetry_tables.hpp"
#include "dataplane/telemetry_verify.hpp"

namespace twinplane::dataplane {

namespace {

// DPDK's callbacks carry no argument of ours, and its thread goes on until the process ends: a
// command that runs keeps the source.
std::mutex g_source_mutex;
std::unique_ptr<const TelemetrySource> g_source;

using Answer = int (*)(const TelemetrySource&, const char* parameters, rte_tel_data*);

template <Answer kAnswer>
int with_source(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  const std::lock_guard lock(g_source_mutex);
  if (g_source == nullptr) return -1;
  return kAnswer(*g_source, parameters == nullptr ? "" : parameters, data);
}

struct Command {
  const char* name;
  telemetry_cb answer;
  const char* help;
};

constexpr Command kCommands[] = {
    {"/twinplane/status", with_source<answer_status>,
     "Role, sync, sessions, lag, last takeover. No parameters."},
    {"/twinplane/counters", with_source<answer_counters>,
     "Every counter: HA2, drops by reason, ICMP errors, fragments, sessions. No parameters."},
    {"/twinplane/tables", with_source<answer_tables>,
     "Each kind of table: kept equal or why not, entries, records sent and applied. "
     "No parameters."},
    {"/twinplane/ipsec", with_source<answer_ipsec>,
     "Each configured IPsec SA: ends, lifetimes and numbers, without its keys. No "
     "parameters."},
    {"/twinplane/floating", with_source<answer_floating>,
     "Each floating address: its port, group and MAC, and which box answers for it. "
     "No parameters."},
    {"/twinplane/bridges", with_source<answer_bridges>,
     "Bridge domains: their addresses, and what became of frames. No parameters."},
    {"/twinplane/mac", with_source<answer_mac>,
     "Addresses of bridge domains. Parameters: the place to begin at, from `next` of "
     "the answer before; next 0 = last answer."},
    {"/twinplane/sctp", with_source<answer_sctp>,
     "SCTP associations: the table, and drops by reason. No parameters."},
    {"/twinplane/multicast", with_source<answer_multicast>,
     "A page of groups and streams: ingress, egress, state, packets. Parameters: "
     "none, or FIRST_PLACE; next_place 0 = last page."},
    {"/twinplane/multicast_ports", with_source<answer_multicast_ports>,
     "Each port's role in multicast and who asks there who listens. No parameters."},
    {"/twinplane/multicast_counters", with_source<answer_multicast_counters>,
     "Multicast: membership, messages refused, drops by reason. No parameters."},
    {"/twinplane/dos", with_source<answer_dos>,
     "Floods, and blocked sources. Parameters: none, zones,FIRST, blocked,FIRST, "
     "clear, or clear,ADDRESS."},
    {"/twinplane/expectations", with_source<answer_expectations>,
     "Returns which control sessions are looked into, what they expect, and what "
     "became of it."},
    {"/twinplane/hold", with_source<answer_hold>,
     "Packets held until the peer had their session: how many, how that ended, how "
     "long it took. No parameters."},
    {"/twinplane/symmetric_return", with_source<answer_symmetric_return>,
     "Which ports answer by who brought a session, how many sessions have such a "
     "path, and what became of it. No parameters."},
    {"/twinplane/rules", with_source<answer_rules>,
     "Rules: hits of each, and what their last rematch made of sessions. "
     "Parameters: none, or the first rule."},
    {"/twinplane/reload", with_source<answer_reload>,
     "Loads the rules of the configuration anew, as SIGHUP. No parameters."},
    {"/twinplane/faults", with_source<answer_faults>,
     "What is done to frames sent over HA2. Parameters: none, or on or off, where "
     "the configuration enables faults."},
    {"/twinplane/verify", with_source<answer_verify>,
     "Digests every range of every table and has the peer compare. No parameters."},
    {"/twinplane/verified", with_source<answer_verified>,
     "How far the last verify is and what it found. No parameters."},
    {"/twinplane/differences", with_source<answer_differences>,
     "What verifications and audits found, the last 64. No parameters."},
    {"/twinplane/sessions", with_source<answer_sessions>,
     "A page of sessions. Parameters: PARTITION,FIRST_SLOT; next_slot 0 = last page."},
};

}  // namespace

Telemetry::Telemetry(const TelemetrySource& source) {
  {
    const std::lock_guard lock(g_source_mutex);
    g_source = std::make_unique<const TelemetrySource>(source);
  }
  for (const Command& command : kCommands)
    if (rte_telemetry_register_cmd(command.name, command.answer, command.help) != 0)
      throw std::runtime_error(std::string("telemetry command ") + command.name +
                               " cannot be registered");
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(g_source_mutex);
  g_source.reset();
}

}  // namespace twinplane::dataplane
