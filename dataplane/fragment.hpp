// SPDX-License-Identifier: BSD-3-Clause
// fragment.hpp - remembers the ports of first fragments for the fragments that follow.
//
// Thread:  one; each worker has its own. All fragments of a datagram come to one worker by
//          address_hash() (rss.hpp).
// Memory:  64 bytes an entry, taken by the constructor; nothing is allocated after.
// Limits:  entries are a power of two of 8..1048576, in sets of 8. A full set forgets its oldest
//          datagram. A datagram lives for the time-out from its first fragment on and leaves early
//          when all its bytes have gone by; duplicated fragments count twice, so a datagram with
//          duplicates may leave before its last one.
// Errors:  FragmentVerdict: the caller drops what is not kKnown and the counters here say why.
//          Constructor: std::invalid_argument.
// Spec:    RFC 791 section 3.2, RFC 8200 section 4.5 (a datagram's name: in IPv6 without the
//          protocol); RFC 1858, RFC 5722 (overlaps). Nothing is put together: of overlaps, those
//          with the first fragment are seen, which is the one that rules judge, and those beyond
//          the end. First fragments too small for their headers die in parse().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/packet_view.hpp"
#include "tables/base/hash.hpp"

namespace twinplane::dataplane {

struct FragmentLimits {
  std::size_t entries{4096};
  std::uint64_t timeout_ms{5000};
};

struct FragmentCounters {
  std::uint64_t opened{};     // first fragments remembered
  std::uint64_t followed{};   // later fragments that found theirs
  std::uint64_t completed{};  // datagrams whose bytes have all gone by
  std::uint64_t no_first{};   // later fragments that came before their first, or too late
  std::uint64_t evicted{};    // datagrams forgotten before their time, for a full set
  std::uint64_t
      overlapping{};  // datagrams refused from then on: an overlap, another first, another end
  std::uint64_t refused{};  // fragments of such datagrams
};

// Over telemetry as `fragment_<label>`.
struct FragmentCounterRow {
  std::string_view label;
  std::uint64_t FragmentCounters::*value;
};

inline constexpr auto kFragmentCounterRows = std::to_array<FragmentCounterRow>({
    {"opened", &FragmentCounters::opened},
    {"followed", &FragmentCounters::followed},
    {"completed", &FragmentCounters::completed},
    {"no_first", &FragmentCounters::no_first},
    {"evicted", &FragmentCounters::evicted},
    {"overlapping", &FragmentCounters::overlapping},
    {"refused", &FragmentCounters::refused},
});
static_assert(kFragmentCounterRows.size() * sizeof(std::uint64_t) == sizeof(FragmentCounters),
              "each counter has its row");

enum class FragmentVerdict : std::uint8_t {
  kKnown,    // go on; a later fragment's view now has protocol and ports
  kUnknown,  // a later fragment without a first: drop
  kRefused,  // of a datagram that overlaps itself: drop
};

class FragmentTable {
 public:
  FragmentTable(const FragmentLimits& limits, tables::HashSeed seed);

  // view.fragment.part is kFirst or kLater. Datagrams of different scopes never meet: the port or
  // virtual system they came in by. now_ms should not go back.
  [[nodiscard]] FragmentVerdict on_fragment(PacketView& view, std::uint16_t scope,
                                            std::uint64_t now_ms) noexcept;

  const FragmentCounters& counters() const noexcept { return counters_; }

 private:
  // What names a datagram. An IPv4 address stands in the first four bytes.
  struct Key {
    tables::Address6 source;
    tables::Address6 target;
    std::uint32_t id;
    std::uint16_t scope;
    std::uint8_t protocol;  // 0 in IPv6, where later fragments need not name the transport
    PacketKind kind;

    friend bool operator==(const Key&, const Key&) = default;
  };

  enum class State : std::uint8_t { kFree, kOpen, kRefused };

  struct Entry {
    Key key{};
    std::uint64_t expires_ms{};
    std::uint32_t bytes_seen{};
    std::uint32_t bytes_total{};  // 0 until the last fragment has told
    std::uint16_t source_port_be{};
    std::uint16_t target_port_be{};
    std::uint16_t first_bytes{};
    std::uint8_t protocol{};
    State state{State::kFree};
  };

  static_assert(sizeof(Entry) == 64);

  static constexpr std::size_t kWays = 8;

  static Key key_of(const PacketView& view, std::uint16_t scope) noexcept;
  Entry* set_of(const Key& key) noexcept;
  static Entry* find(Entry* set, const Key& key, std::uint64_t now_ms) noexcept;
  Entry& make_room(Entry* set, std::uint64_t now_ms) noexcept;
  FragmentVerdict on_first(const PacketView& view, const Key& key, std::uint64_t now_ms) noexcept;
  FragmentVerdict on_later(PacketView& view, const Key& key, std::uint64_t now_ms) noexcept;
  FragmentVerdict refuse(Entry& entry) noexcept;

  std::vector<Entry> entries_;
  std::size_t set_mask_;
  std::uint64_t timeout_ms_;
  tables::HashSeed seed_;
  FragmentCounters counters_;
};

}  // namespace twinplane::dataplane
