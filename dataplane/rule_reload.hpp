// SPDX-License-Identifier: BSD-3-Clause
// rule_reload.hpp - reads the configuration again while the box runs, and gives its rules to the
// workers.
//
// Thread:  any thread may call reload(), one at a time; a thread of its own waits for SIGHUP.
// Memory:  the text of the file that the box runs with.
// Limits:  none.
// Errors:  reload() says why nothing was changed, with the file's line; the box goes on as before.
// Spec:    dataplane/DESIGN.md D-D35.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "dataplane/rule_book.hpp"

namespace twinplane::dataplane {

struct ReloadResult {
  bool is_done;
  std::string text;  // what was loaded, or why not
};

class RuleReload {
 public:
  // path: of the file that `first`, the book's first edition, was read from.
  RuleReload(std::string path, const Config& first, RuleBook& book);

  ReloadResult reload();

  // How often rules were loaded, and how often the file was refused.
  std::uint64_t done_count() const noexcept { return done_count_.load(std::memory_order_relaxed); }

  std::uint64_t refused_count() const noexcept {
    return refused_count_.load(std::memory_order_relaxed);
  }

 private:
  ReloadResult try_reload();

  std::string path_;
  RuleBook& book_;
  std::mutex mutex_;
  std::string running_text_;
  bool may_hold_;  // buffers for packets that rules hold were taken at the start
  // figures alone
  std::atomic<std::uint64_t> done_count_{0};
  std::atomic<std::uint64_t> refused_count_{0};
};

// While it lives, `is_wanted` is looked at ten times a second, and true means to reload.
class ReloadThread {
 public:
  ReloadThread(RuleReload& reload, std::atomic<bool>& is_wanted);

 private:
  std::jthread thread_;
};

}  // namespace twinplane::dataplane
