// SPDX-License-Identifier: BSD-3-Clause
// sequence_locked.hpp - a few words that one thread writes and any thread reads whole, without
// waiting for anybody.
//
// Thread:  try_read() on any number of threads at once; everything else on the one thread that
//          writes.
// Memory:  8 bytes a word and 8 for the version, inside the object.
// Limits:  a read is tried kReadTriesMax times.
// Errors:  try_read() answers false when each time a write went on meanwhile; `out` is then worth
//          nothing.
// Spec:    Boehm, "Can seqlocks get along with programming language memory models?" (MSPC 2012):
//          the words are atomics, and the order is on the accesses.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace twinplane::dataplane {

template <std::size_t kWords>
class SequenceLocked {
 public:
  using Words = std::array<std::uint64_t, kWords>;

  static constexpr int kReadTriesMax = 4;

  [[nodiscard]] bool try_read(Words& out) const noexcept {
    for (int tries = 0; tries < kReadTriesMax; ++tries) {
      // Acquire pairs with write()'s last store: an even version comes with all of its words.
      const std::uint64_t version = version_.load(std::memory_order_acquire);
      if ((version & 1U) != 0) continue;
      // Acquire pairs with write()'s release store of the same word: who sees a newer word also
      // sees the odd version that was stored before it, and the comparison below fails.
      for (std::size_t i = 0; i < kWords; ++i) out[i] = words_[i].load(std::memory_order_acquire);
      // Relaxed is enough: the acquire loads above stay ahead of it.
      if (version_.load(std::memory_order_relaxed) == version) return true;
    }
    return false;
  }

  void write(const Words& words) noexcept {
    // Relaxed: no other thread writes it.
    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    // Relaxed: the release stores below keep it ahead of every word.
    version_.store(version + 1, std::memory_order_relaxed);
    // Release pairs with try_read()'s acquire loads of the words.
    for (std::size_t i = 0; i < kWords; ++i) words_[i].store(words[i], std::memory_order_release);
    // Release pairs with try_read()'s acquire load of the version.
    version_.store(version + 2, std::memory_order_release);
  }

  // What the writing thread wrote last.
  std::uint64_t own_word(std::size_t index) const noexcept {
    // Relaxed: the calling thread is the only one that writes.
    return words_[index].load(std::memory_order_relaxed);
  }

  Words own_words() const noexcept {
    Words words;
    for (std::size_t i = 0; i < kWords; ++i) words[i] = own_word(i);
    return words;
  }

 private:
  std::atomic<std::uint64_t> version_{0};  // odd while the words are being written
  std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

}  // namespace twinplane::dataplane
