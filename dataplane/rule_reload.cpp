// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rule_reload.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

#include "dataplane/config_load.hpp"
#include "dataplane/config_reload.hpp"
#include "dataplane/log.hpp"

namespace twinplane::dataplane {

namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 100ms;
constexpr auto kFollowStep = 1ms;
constexpr int kFollowSteps = 2000;  // a worker turns within microseconds, or it hangs

}  // namespace

RuleReload::RuleReload(std::string path, const Config& first, RuleBook& book)
    : path_(std::move(path)),
      book_(book),
      running_text_(read_config_text(path_)),
      may_hold_(std::ranges::any_of(first.rules, &RuleConfig::hold)) {}

ReloadResult RuleReload::reload() {
  const std::lock_guard lock(mutex_);
  ReloadResult result = try_reload();
  if (result.is_done) {
    done_count_.fetch_add(1, std::memory_order_relaxed);  // a figure alone
    log_notice("rules=loaded " + result.text);
  } else {
    refused_count_.fetch_add(1, std::memory_order_relaxed);  // a figure alone
    log_warning("rules=kept reason=\"" + result.text + "\"");
  }
  return result;
}

ReloadResult RuleReload::try_reload() {
  try {
    std::string text = read_config_text(path_);
    auto next =
        std::make_unique<const RuleEdition>(parse_config(text, path_), book_.worker_count());
    if (const std::string other = what_else_changed(running_text_, text); !other.empty())
      return {false, path_ + ": " + other};
    const auto holding = std::ranges::find_if(next->config.rules, &RuleConfig::hold);
    if (!may_hold_ && holding != next->config.rules.end())
      return {false, path_ + ": rule \"" + holding->name +
                         "\" has hold = true, and no rule had when the box started: it has no "
                         "buffers to hold packets in; restart it"};
    const std::size_t rule_count = next->rules.size();
    if (!book_.try_publish(std::move(next)))
      return {false, "a worker has not taken the rules loaded last; try again"};
    running_text_ = std::move(text);
    for (int i = 0; i < kFollowSteps && !book_.collect(); ++i)
      std::this_thread::sleep_for(kFollowStep);
    return {true,
            "count=" + std::to_string(rule_count) + " edition=" + std::to_string(book_.number())};
  } catch (const std::exception& error) {
    return {false, error.what()};
  }
}

ReloadThread::ReloadThread(RuleReload& reload, std::atomic<bool>& is_wanted)
    : thread_([&reload, &is_wanted](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          // a request alone: nothing is published with it
          if (is_wanted.exchange(false, std::memory_order_relaxed)) reload.reload();
          std::this_thread::sleep_for(kLook);
        }
      }) {}

}  // namespace twinplane::dataplane
