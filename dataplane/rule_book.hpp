// SPDX-License-Identifier: BSD-3-Clause
// rule_book.hpp - the rules that hold now, exchanged for others while workers look them up.
//
// Workers take a new edition at the beginning of a turn and say so; the one before is freed when
// all have. Until then no further edition can be published. A turn's packets are thus judged by one
// edition, and a worker's rematch begins behind the last session that the old one has let in.
//
// Thread:  one publishes at a time; each worker reads and follows; any thread may look.
// Memory:  two editions while they are exchanged, else one; 4 KiB of counts a worker in each.
// Limits:  kWorkersMax workers.
// Errors:  try_publish() refuses until every worker follows the last edition.
// Spec:    dataplane/DESIGN.md D-D35.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/rules_in_use.hpp"
#include "tables/base/carver.hpp"

namespace twinplane::dataplane {

// A configuration that may differ from the one the box was started with in its rules alone.
struct RuleEdition {
  RuleEdition(Config from, std::size_t worker_count)
      : config(std::move(from)), rules(config), hits(std::make_unique<RuleHits[]>(worker_count)) {}

  Config config;
  RuleSet rules;
  std::unique_ptr<RuleHits[]> hits;  // by worker, since it was published
};

class RuleBook {
 public:
  RuleBook(const Config& first, std::size_t worker_count)
      : current_(std::make_unique<const RuleEdition>(first, worker_count)),
        edition_(current_.get()) {
    for (std::size_t worker = 0; worker < worker_count; ++worker)
      readers_.push_back(std::make_unique<Reader>(*current_, worker));
  }

  std::size_t worker_count() const noexcept { return readers_.size(); }

  // ---- who publishes ----------------------------------------------------------------------------

  [[nodiscard]] bool try_publish(std::unique_ptr<const RuleEdition> next) {
    const std::lock_guard lock(mutex_);
    if (!are_all_followed()) return false;
    previous_ = std::move(current_);
    current_ = std::move(next);
    edition_ = current_.get();
    // written by who publishes alone
    const std::uint32_t number = number_.load(std::memory_order_relaxed) + 1;
    number_.store(number, std::memory_order_release);  // pairs with try_read()
    return true;
  }

  // True when all workers follow; what they have left is freed then.
  bool collect() {
    const std::lock_guard lock(mutex_);
    if (!are_all_followed()) return false;
    previous_.reset();
    return true;
  }

  // ---- worker -----------------------------------------------------------------------------------

  // The rules that the worker asks, which follow() exchanges.
  const RulesInUse& in_use(std::size_t worker) const noexcept { return readers_[worker]->rules; }

  // An edition that this worker does not follow yet, or null. One load where there is none.
  const RuleEdition* try_read(std::size_t worker) const noexcept {
    // pairs with try_publish()
    const std::uint32_t number = number_.load(std::memory_order_acquire);
    // this worker's own
    if (number == readers_[worker]->number.load(std::memory_order_relaxed)) return nullptr;
    return edition_;
  }

  // Goes on by what try_read() gave, and uses nothing of earlier editions any more.
  void follow(std::size_t worker, const RuleEdition& edition) noexcept {
    Reader& reader = *readers_[worker];
    reader.rules.exchange(edition.rules, &edition.hits[worker]);
    // unchanged since try_read(): who publishes waits for us
    const std::uint32_t number = number_.load(std::memory_order_relaxed);
    reader.number.store(number, std::memory_order_release);  // pairs with collect()
  }

  // ---- any thread -------------------------------------------------------------------------------

  // 0: the one that the box was started with. A figure: with_current() gives what it names.
  std::uint32_t number() const noexcept { return number_.load(std::memory_order_relaxed); }

  // look(edition), which stays what it is meanwhile.
  template <class Look>
  auto with_current(Look&& look) const {
    const std::lock_guard lock(mutex_);
    return look(*current_);
  }

 private:
  struct alignas(tables::kCacheLineBytes) Reader {
    Reader(const RuleEdition& edition, std::size_t worker)
        : rules(edition.rules, &edition.hits[worker]) {}

    RulesInUse rules;
    std::atomic<std::uint32_t> number{0};
  };

  bool are_all_followed() const noexcept {
    const std::uint32_t number = number_.load(std::memory_order_relaxed);  // under the mutex
    for (const auto& reader : readers_)
      // pairs with follow()
      if (reader->number.load(std::memory_order_acquire) != number) return false;
    return true;
  }

  mutable std::mutex mutex_;
  std::unique_ptr<const RuleEdition> current_;
  std::unique_ptr<const RuleEdition> previous_;
  const RuleEdition* edition_;  // published by number_
  std::atomic<std::uint32_t> number_{0};
  std::vector<std::unique_ptr<Reader>> readers_;
};

}  // namespace twinplane::dataplane
