// SPDX-License-Identifier: BSD-3-Clause
// ipsec_home.hpp - the configured IPsec SAs at the home partition: installed by the box that
// becomes active, kept equal at its peer, and shown without their keys.
//
// Thread:  the home worker; rows() for any thread.
// Memory:  SaDatabase's, and a row of gauges for each configured SA.
// Limits:  kSecurityAssociationsMax SAs.
// Errors:  an SA that its peer may have used without telling is sealed: it stands still until it
//          is configured under another SPI with other keys.
// Spec:    ha2/sa_database.hpp; dataplane/DESIGN.md D-D30. ESP packets themselves are not made or
//          taken here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/worker_stats.hpp"
#include "ha2/sa_database.hpp"

namespace twinplane::dataplane {

class IpsecHome {
 public:
  // What a row says; everything that another thread may read.
  struct Row {
    Gauge is_there;
    Gauge used;
    Gauge ceiling;
    Gauge told;
    Gauge rate_per_s;
    Gauge flags;   // SaFlag
    Gauge result;  // ha2::SequenceResult
    Gauge jump;
    Gauge is_ungranted;
    Gauge age_s;
    Gauge used_bytes;
    Gauge used_packets;
  };

  // Both must outlive it.
  IpsecHome(const Config& config, ha2::Replica& replica);

  // Behind each change of role or stream.
  void follow(std::uint64_t now_ns) noexcept;

  void poll(std::uint64_t now_ns) noexcept;

  // In the order of Config::security_associations.
  std::span<const Row> rows() const noexcept { return {rows_.get(), configured_.size()}; }

 private:
  void install(std::uint64_t now_ns) noexcept;
  void publish(std::uint64_t now_ns) noexcept;

  const std::vector<SaConfig>& configured_;
  ha2::Replica& replica_;
  ha2::SaDatabase sas_;
  std::unique_ptr<Row[]> rows_;
  bool was_active_ = false;
  bool has_mirrored_ = false;  // another box has owned the SAs in this life
  std::uint64_t published_ns_ = 0;
};

}  // namespace twinplane::dataplane
