// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_rules.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/clock.hpp"
#include "dataplane/telemetry_data.hpp"
#include "dataplane/telemetry_sums.hpp"

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

// Of all workers, of the gauge that pick(const RematchStats&) gives.
template <class Pick>
std::uint64_t sum_of(const TelemetrySource& source, Pick&& pick) {
  return sum(source, [&](const WorkerStats& stats) { return pick(stats.rematch).get(); });
}

struct RuleRow {
  std::size_t number;
  std::string name;
  std::string action;
  std::uint64_t hits;      // packets that it has let in or dropped, since these rules were loaded
  std::uint64_t sessions;  // that the last rematch found to be its own
  std::uint64_t ended;     // that the last rematch ended by it
};

RuleRow row_of(const TelemetrySource& source, const RuleEdition& edition, std::size_t rule) {
  const bool is_rule = rule < kRulesMax;
  RuleRow row{
      .number = rule,
      .name = is_rule ? edition.config.rules[rule].name : "no rule",
      .action =
          !is_rule || edition.config.rules[rule].action == RuleAction::kDrop ? "drop" : "allow",
      .hits = 0,
      .sessions = sum_of(
          source, [rule](const auto& stats) -> const Gauge& { return stats.sessions[rule]; }),
      .ended = sum_of(source,
                      [rule](const auto& stats) -> const Gauge& { return stats.ended_by[rule]; })};
  for (std::size_t worker = 0; worker < source.workers.size(); ++worker)
    row.hits += edition.hits[worker].counts[rule].get();
  return row;
}

// From the first worker's first step to the last one's last, or to now.
std::uint64_t took_ns(const TelemetrySource& source, std::uint64_t now_ns) {
  std::uint64_t began_ns = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t ended_ns = 0;
  for (const auto& worker : source.workers) {
    const RematchStats& stats = worker->stats().rematch;
    if (stats.began_ns.get() == 0) continue;
    began_ns = std::min(began_ns, stats.began_ns.get());
    ended_ns = std::max(ended_ns, stats.ended_ns.get() == 0 ? now_ns : stats.ended_ns.get());
  }
  return ended_ns > began_ns ? ended_ns - began_ns : 0;
}

// From `first` on; the last row of all is "no rule".
std::vector<RuleRow> rule_rows(const TelemetrySource& source, std::size_t first) {
  std::vector<RuleRow> rows;
  source.rules.with_current([&](const RuleEdition& edition) {
    for (std::size_t i = first; i < edition.config.rules.size() && rows.size() < kRulesShown; ++i)
      rows.push_back(row_of(source, edition, i));
    if (rows.size() < kRulesShown) rows.push_back(row_of(source, edition, kRulesMax));
  });
  return rows;
}

// Of all workers together: edition, reloads, and the last rematch.
std::vector<std::pair<std::string, std::uint64_t>> rematch_figures(const TelemetrySource& source,
                                                                   std::uint64_t now_ns) {
  const auto of = [&source](Gauge RematchStats::*gauge) {
    return sum_of(source,
                  [gauge](const RematchStats& stats) -> const Gauge& { return stats.*gauge; });
  };
  const std::uint64_t looked = of(&RematchStats::looked);
  const std::uint64_t reassigned = of(&RematchStats::reassigned);
  const std::uint64_t ended = of(&RematchStats::ended);
  const std::uint64_t passed = of(&RematchStats::slots_passed);
  const std::uint64_t total = of(&RematchStats::slots_total);
  const std::uint64_t took_ms = took_ns(source, now_ns) / kNsPerMs;
  return {
      {"edition", source.rules.number()},
      {"reloads", source.reload.done_count()},
      {"reloads_refused", source.reload.refused_count()},
      {"rematch_percent", total == 0 ? 0 : passed * 100 / total},
      {"rematch_took_ms", took_ms},
      {"rematch_left_ms", passed == 0 ? 0 : took_ms * (total - std::min(passed, total)) / passed},
      {"rematch_looked", looked},
      {"rematch_kept", looked - std::min(looked, reassigned + ended)},
      {"rematch_reassigned", reassigned},
      {"rematch_ended", ended}};
}

// Of the worker that is furthest behind.
const char* rematch_state(const TelemetrySource& source) {
  const auto has = [&source](RematchState state) {
    return std::ranges::any_of(source.workers, [state](const auto& worker) {
      return worker->stats().rematch.state.get() == static_cast<std::uint64_t>(state);
    });
  };
  if (has(RematchState::kRunning)) return "running";
  if (has(RematchState::kWaiting)) return "waiting";
  return has(RematchState::kDone) ? "done" : "none";
}

}  // namespace

int answer_rules(const TelemetrySource& source, const char* parameters, rte_tel_data* data) {
  std::size_t first = 0;
  const std::string text = parameters;
  std::from_chars(text.data(), text.data() + text.size(), first);
  rte_tel_data_start_dict(data);
  add_text(data, "rematch", rematch_state(source));
  for (const auto& [name, value] : rematch_figures(source, now_ns())) add_number(data, name, value);
  for (const RuleRow& row : rule_rows(source, first)) {
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    add_text(dict, "name", row.name);
    add_text(dict, "action", row.action);
    add_number(dict, "hits", row.hits);
    add_number(dict, "sessions", row.sessions);
    add_number(dict, "ended", row.ended);
    // DPDK frees the container with the answer.
    rte_tel_data_add_dict_container(data, ("rule" + std::to_string(row.number)).c_str(), dict, 0);
  }
  return 0;
}

int answer_reload(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  const ReloadResult result = source.reload.reload();
  rte_tel_data_start_dict(data);
  add_number(data, "loaded", result.is_done ? 1 : 0);
  // DPDK cuts longer texts off.
  constexpr std::size_t kPieceBytes = RTE_TEL_MAX_STRING_LEN - 1;
  for (std::size_t at = 0, piece = 0; at < result.text.size(); at += kPieceBytes, ++piece)
    add_text(data, piece == 0 ? "text" : "text" + std::to_string(piece),
             result.text.substr(at, kPieceBytes));
  return 0;
}

}  // namespace twinplane::dataplane
