// SPDX-License-Identifier: BSD-3-Clause
// sctp_forward.hpp - the decision for one SCTP packet: its association found or made, its state
// advanced, its way out.
//
// Nothing is translated: addresses stand inside INIT and INIT ACK too, and an association has many.
// Where a rule of NAT would translate either end, packets are dropped and not sent on in the clear.
//
// Thread:  the core that owns the partition given; const and without a state of its own.
// Memory:  none after construction.
// Limits:  whole packets that parse() and parse_sctp() called kOk.
// Errors:  every packet not forwarded has a DropReason, and has changed nothing.
// Spec:    tables/sctp_track.hpp; dataplane/DESIGN.md D-D20.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/forward.hpp"
#include "tables/sctp_ages.hpp"
#include "tables/sctp_track.hpp"

namespace twinplane::dataplane {

// What tables/sctp_track.hpp says of a packet that does not pass.
constexpr DropReason drop_reason_of(tables::SctpOutcome outcome) noexcept {
  constexpr auto kFirst = static_cast<unsigned>(tables::SctpOutcome::kNoAssociation);
  return static_cast<DropReason>(static_cast<unsigned>(DropReason::kSctpNoAssociation) +
                                 static_cast<unsigned>(outcome) - kFirst);
}

static_assert(drop_reason_of(tables::SctpOutcome::kTooLate) == DropReason::kSctpTooLate);

// The same for timeouts as they are configured.
tables::SctpAges sctp_ages(const TimeoutsConfig& timeouts) noexcept;

class SctpForwarder {
 public:
  struct Arrival {
    std::uint8_t ingress_port;
    bool may_open;  // false: the box is about to leave and takes no new associations
    BurstTime time;
  };

  explicit SctpForwarder(const ForwardContext& context) noexcept
      : context_(context), ages_(sctp_ages(context.config.timeouts)) {}

  // `packet` is what parse_sctp() read behind the IP header of `view`. On kForward the frame is
  // rewritten but for its link header.
  [[nodiscard]] ForwardResult forward(tables::Partition& partition, std::span<std::byte> frame,
                                      PacketView& view, const tables::SctpSummary& packet,
                                      const Arrival& arrival) const noexcept;

  // An ICMP error: `quote` is the SCTP packet it is about, as parse_quote() read it.
  [[nodiscard]] ForwardResult forward_error(const tables::Partition& partition,
                                            std::span<std::byte> frame, PacketView& view,
                                            const PacketView& quote,
                                            std::uint8_t ingress_port) const noexcept;

  const tables::SctpAges& ages() const noexcept { return ages_; }

 private:
  using Table = tables::PlainTable<tables::SctpBody>;

  // The same with the addresses' family known.
  template <class Address>
  ForwardResult forward_by(Table& table, PacketView& view, const tables::SctpSummary& packet,
                           const Arrival& arrival) const noexcept;
  template <class Address>
  ForwardResult forward_error_by(const Table& table, std::span<const std::byte> frame,
                                 const PacketView& view, const PacketView& quote,
                                 std::uint8_t ingress_port) const noexcept;
  template <class Address>
  ForwardResult open(Table& table, const PacketView& view, const tables::SctpSummary& init,
                     const Arrival& arrival) const noexcept;
  template <class Address>
  bool leads_on(const PacketView& view, std::uint8_t ingress_port) const noexcept;
  template <class Address>
  ForwardResult way_out(const PacketView& view) const noexcept;
  template <class Address>
  RuleVerdict ask_rules(const PacketView& view, tables::Direction direction,
                        std::uint8_t ingress_port, std::uint8_t egress_port,
                        DropReason& refusal) const noexcept;
  template <class Address>
  DropReason why_refused(const tables::SctpBody& body, const PacketView& view,
                         tables::Direction direction, std::uint8_t ingress_port,
                         std::uint8_t egress_port) const noexcept;

  std::uint8_t zone_of(std::uint8_t port_index) const noexcept {
    return context_.config.zone_of(port_index);
  }

  ForwardContext context_;
  tables::SctpAges ages_;
};

}  // namespace twinplane::dataplane
