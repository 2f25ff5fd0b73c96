// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_rules.hpp"

#include <algorithm>
#include <limits>

namespace twinplane::dataplane {

namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

template <class Read>
std::uint64_t sum(const TelemetrySource& source, Read&& read) {
  std::uint64_t total = 0;
  for (const auto& worker : source.workers) total += read(worker->stats().rematch).get();
  return total;
}

RuleRow row_of(const TelemetrySource& source, const RuleEdition& edition, std::size_t rule) {
  const bool is_rule = rule < kRulesMax;
  RuleRow row{
      .number = rule,
      .name = is_rule ? edition.config.rules[rule].name : "no rule",
      .action =
          !is_rule || edition.config.rules[rule].action == RuleAction::kDrop ? "drop" : "allow",
      .hits = 0,
      .sessions =
          sum(source, [rule](const auto& stats) -> const Gauge& { return stats.sessions[rule]; }),
      .ended =
          sum(source, [rule](const auto& stats) -> const Gauge& { return stats.ended_by[rule]; })};
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

}  // namespace

std::vector<RuleRow> rule_rows(const TelemetrySource& source, std::size_t first) {
  std::vector<RuleRow> rows;
  source.rules.with_current([&](const RuleEdition& edition) {
    for (std::size_t i = first; i < edition.config.rules.size() && rows.size() < kRulesShown; ++i)
      rows.push_back(row_of(source, edition, i));
    if (rows.size() < kRulesShown) rows.push_back(row_of(source, edition, kRulesMax));
  });
  return rows;
}

std::vector<std::pair<std::string, std::uint64_t>> rematch_figures(const TelemetrySource& source,
                                                                   std::uint64_t now_ns) {
  const auto of = [&source](Gauge RematchStats::*gauge) {
    return sum(source, [gauge](const RematchStats& stats) -> const Gauge& { return stats.*gauge; });
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

std::string rematch_state(const TelemetrySource& source) {
  const auto has = [&source](RematchState state) {
    return std::ranges::any_of(source.workers, [state](const auto& worker) {
      return worker->stats().rematch.state.get() == static_cast<std::uint64_t>(state);
    });
  };
  if (has(RematchState::kRunning)) return "running";
  if (has(RematchState::kWaiting)) return "waiting";
  return has(RematchState::kDone) ? "done" : "none";
}

}  // namespace twinplane::dataplane
