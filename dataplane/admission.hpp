// SPDX-License-Identifier: BSD-3-Clause
// admission.hpp - what a worker asks before it spends anything on a packet: is its source blocked,
// and, where it has no session, is it one of a flood?
//
// Thread:  one worker.
// Memory:  128 KiB where any zone has a source_rate, 40 bytes for each protected zone and kind.
// Limits:  a zone's rate is that of all workers: this one's own now, the others' up to 10 ms old.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D15, D-D27.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/dos_shared.hpp"
#include "dataplane/flood_meter.hpp"
#include "dataplane/packet_view.hpp"
#include "dataplane/source_meter.hpp"

namespace twinplane::dataplane {

class Admission {
 public:
  Admission(const Config& config, DosShared& shared, std::size_t worker, tables::HashSeed seed);

  // Any IP packet, as soon as its source is known.
  bool is_blocked(const PacketView& view, std::uint8_t zone) const noexcept {
    return !blocked_.is_empty() && blocked_.is_blocked(source_of(view), zone);
  }

  // A packet that has no session. kAnswerWithCookie: its source is not counted, as it may be
  // anybody's.
  [[nodiscard]] FloodAction judge(const PacketView& view, std::uint8_t zone,
                                  std::uint64_t now_ns) noexcept {
    const std::size_t protection = protections_[zone];
    return protection == kNone ? FloodAction::kPass : judge_in(protection, view, now_ns);
  }

  // Of a client that has shown, by a cookie, that it is where it says: one more session.
  void note_proven(const PacketView& view, std::uint8_t zone, std::uint64_t now_ns) noexcept;

  // Now and then: the others' rates, and this worker's for them.
  void exchange_rates(std::uint64_t now_ns) noexcept;

 private:
  static constexpr std::uint8_t kNone = 0xFF;
  static_assert(kZonesMax < kNone);

  static tables::Address6 source_of(const PacketView& view) noexcept {
    return view.kind == PacketKind::kIp4 ? mapped_address(view.source4.address)
                                         : view.source6.address;
  }

  FloodAction judge_in(std::size_t protection, const PacketView& view,
                       std::uint64_t now_ns) noexcept;
  void note_source(std::size_t protection, FloodKind kind, const PacketView& view,
                   std::uint64_t now_ns) noexcept;
  std::uint32_t random() noexcept;

  const BlockedSources& blocked_;
  FloodDesks& desks_;
  FloodDesk& own_;
  std::array<std::uint8_t, kZonesMax> protections_;  // by zone
  FloodMeters meters_;                               // by protection
  std::vector<std::uint64_t> elsewhere_per_s_;       // as FloodDesk::gauges
  std::vector<std::uint32_t> report_packets_;        // by protection; 0: no source is blocked
  std::optional<SourceMeter> sources_;
  std::uint64_t random_;
  std::uint64_t last_exchange_ns_ = 0;
};

}  // namespace twinplane::dataplane
