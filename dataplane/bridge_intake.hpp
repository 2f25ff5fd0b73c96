// SPDX-License-Identifier: BSD-3-Clause
// bridge_intake.hpp - one worker's part of bridging: is the frame of the domain, who sent it, and
// by which ports does it go on.
//
// Thread:  one worker.
// Memory:  4 KiB for news told of late, and three meters a port.
// Limits:  an address that is new is told to the home worker once in kRepeatMs.
// Errors:  a BridgeOutcome for each frame that goes no further.
// Spec:    IEEE 802.1Q-2018 sections 8.6 (forwarding) and 8.7 (learning); D-D24. A frame whose
//          sender is known as it is costs one look at the table, and a store once a second.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/bridging.hpp"
#include "dataplane/token_bucket.hpp"

namespace twinplane::dataplane {

// Where a frame goes: by `ports`, unless `outcome` is a drop.
struct BridgeWay {
  BridgeOutcome outcome = BridgeOutcome::kForwarded;
  PortBits ports = 0;
};

class BridgeIntake {
 public:
  static constexpr std::uint64_t kRepeatMs = 50;

  BridgeIntake(Bridging& bridging, std::uint16_t worker) noexcept
      : bridging_(bridging), worker_(worker), meters_(kPortsMax) {}

  // Reads a frame that came in by a port of the domain, and checks what needs no table.
  [[nodiscard]] std::optional<BridgeOutcome> refuse(std::span<const std::byte> bytes,
                                                    std::uint8_t domain,
                                                    BridgeFrame& frame) const noexcept;

  // Where the frame came in first: its sender is learned, and judged.
  [[nodiscard]] std::optional<BridgeOutcome> refuse_sender(const BridgeFrame& frame,
                                                           std::uint8_t domain,
                                                           std::uint8_t ingress_port,
                                                           std::uint64_t now_ns) noexcept;

  // Counts floods against what the port may bring.
  [[nodiscard]] BridgeWay find_way(const BridgeFrame& frame, std::uint8_t domain,
                                   std::uint8_t ingress_port, std::uint64_t now_ns) noexcept;

  BridgeStats& stats(std::uint8_t domain) noexcept { return bridging_.stats(worker_, domain); }

  const BridgeDomains& domains() const noexcept { return bridging_.domains; }

 private:
  static constexpr std::size_t kRecentCount = 256;

  struct Recent {
    std::uint64_t tag = 0;  // of address and port
    std::uint64_t told_ms = 0;
  };

  // Made when its port brings the first frame of the kind, since it starts full.
  struct Meters {
    std::optional<TokenBucket> broadcast, multicast, unknown;
  };

  void tell_home(const MacKey& key, std::uint8_t domain, std::uint8_t port,
                 std::uint64_t now_ns) noexcept;
  static bool is_storm(std::optional<TokenBucket>& meter, std::uint32_t rate_per_s,
                       std::uint64_t now_ns) noexcept;

  Bridging& bridging_;
  std::uint16_t worker_;
  std::vector<Meters> meters_;  // by ingress port
  std::array<Recent, kRecentCount> recent_{};
};

}  // namespace twinplane::dataplane
