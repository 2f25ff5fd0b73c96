// SPDX-License-Identifier: BSD-3-Clause
#include "tables/tcp_track.hpp"

#include <algorithm>

namespace twinplane::tables {

namespace {

bool raise_rank(SessionState& state, Direction direction, TcpRank rank) noexcept {
  if (tcp_rank(state, direction) >= rank) return false;
  set_tcp_rank(state, direction, rank);
  return true;
}

std::uint32_t sequence_end(const TcpSegment& segment) noexcept {
  const std::uint32_t syn = (segment.flags & kTcpSyn) != 0 ? 1 : 0;
  const std::uint32_t fin = (segment.flags & kTcpFin) != 0 ? 1 : 0;
  return segment.seq + segment.payload_bytes + syn + fin;
}

std::uint8_t scale_of(const SessionState& state, Direction direction) noexcept {
  return static_cast<std::uint8_t>((state.window_scales >> (4U * direction)) & 0xFU);
}

void set_scale(SessionState& state, Direction direction, std::uint8_t scale) noexcept {
  const unsigned shift = 4U * direction;
  state.window_scales = static_cast<std::uint8_t>((state.window_scales & ~(0xFU << shift)) |
                                                  (std::uint32_t{scale} & 0xFU) << shift);
}

// Scaling counts only when both SYNs offered it, and never in a SYN itself (RFC 7323 section 2.2).
std::uint32_t allowed_window(const SessionState& state, Direction direction,
                             const TcpSegment& segment) noexcept {
  const bool is_scaled = (segment.flags & kTcpSyn) == 0 &&
                         scale_of(state, kFromClient) != kNoWindowScale &&
                         scale_of(state, kFromServer) != kNoWindowScale;
  return std::uint32_t{segment.window}
         << (is_scaled ? std::min<unsigned>(scale_of(state, direction), 14) : 0U);
}

// True when the edge crossed into a new refresh step. An edge of 0 is not known yet: a box that has
// just taken over learns it anew.
bool raise_edge(std::uint32_t& edge, std::uint32_t reached) noexcept {
  if (edge != 0 && !tcp_is_after(reached, edge)) return false;
  const bool is_step = (reached ^ edge) >= kWindowRefreshBytes;
  edge = reached;
  return is_step;
}

bool raise_edges(SessionState& state, Direction direction, const TcpSegment& segment) noexcept {
  bool is_step = raise_edge(state.edge[direction], sequence_end(segment));
  if ((segment.flags & kTcpAck) != 0) {
    const Direction other = opposite(direction);
    is_step |=
        raise_edge(state.edge_max[other], segment.ack + allowed_window(state, direction, segment));
  }
  return is_step;
}

// A reset counts only where its sequence number can be real.
bool is_believable_reset(const SessionState& state, Direction direction,
                         const TcpSegment& reset) noexcept {
  const Direction other = opposite(direction);
  if (tcp_rank(state, direction) == TcpRank::kNone)
    return (reset.flags & kTcpAck) != 0 && reset.ack == state.edge[other];
  return tcp_is_believable(state, direction, reset.seq);
}

}  // namespace

bool tcp_is_believable(const SessionState& state, Direction direction,
                       std::uint32_t sequence) noexcept {
  const std::uint32_t edge = state.edge[direction];
  const std::uint32_t edge_max = state.edge_max[direction];
  const bool is_behind = edge != 0 && tcp_is_after(edge - kBelievedBehindBytes, sequence);
  const bool is_beyond = edge_max != 0 && tcp_is_after(sequence, edge_max + kWindowRefreshBytes);
  return !is_behind && !is_beyond;
}

bool tcp_is_over(const SessionState& state) noexcept {
  const TcpRank client = tcp_rank(state, kFromClient);
  const TcpRank server = tcp_rank(state, kFromServer);
  return client == TcpRank::kReset || server == TcpRank::kReset ||
         (client == TcpRank::kFinAcked && server == TcpRank::kFinAcked);
}

void tcp_open(SessionState& state, const TcpSegment& syn) noexcept {
  set_tcp_rank(state, kFromClient, TcpRank::kSynSent);
  set_tcp_rank(state, kFromServer, TcpRank::kNone);
  set_scale(state, kFromClient, syn.window_scale);
  set_scale(state, kFromServer, kNoWindowScale);
  state.edge[kFromClient] = sequence_end(syn);
  state.edge_max[kFromClient] = sequence_end(syn);
  state.timeout_class = static_cast<std::uint8_t>(TimeoutClass::kTcpOpening);
}

std::uint8_t tcp_advance(SessionState& state, Direction direction,
                         const TcpSegment& segment) noexcept {
  const Direction other = opposite(direction);
  bool is_changed = false;
  if ((segment.flags & kTcpRst) != 0) {
    if (!is_believable_reset(state, direction, segment)) return 0;
    is_changed = raise_rank(state, direction, TcpRank::kReset);
  } else if ((segment.flags & kTcpSyn) != 0) {
    if (raise_rank(state, direction, TcpRank::kSynSent)) {
      is_changed = true;
      set_scale(state, direction, segment.window_scale);
      raise_edge(state.edge[direction], sequence_end(segment));
      raise_edge(state.edge_max[direction], sequence_end(segment));
    }
    // A server's SYN that acknowledges the client's has established its side.
    if (direction == kFromServer && (segment.flags & kTcpAck) != 0 &&
        segment.ack == state.edge[kFromClient])
      is_changed |= raise_rank(state, kFromServer, TcpRank::kEstablished);
  } else if ((segment.flags & kTcpAck) != 0) {
    if (tcp_rank(state, direction) == TcpRank::kSynSent &&
        tcp_rank(state, other) >= TcpRank::kSynSent)
      is_changed |= raise_rank(state, direction, TcpRank::kEstablished);
    // The other side's FIN is acknowledged when everything up to its edge is.
    if (tcp_rank(state, other) == TcpRank::kFinSent &&
        !tcp_is_after(state.edge[other], segment.ack))
      is_changed |= raise_rank(state, other, TcpRank::kFinAcked);
  }
  std::uint8_t marks = 0;
  if (raise_edges(state, direction, segment)) marks |= kMarkWindow;
  if ((segment.flags & kTcpFin) != 0 && tcp_rank(state, direction) >= TcpRank::kSynSent)
    is_changed |= raise_rank(state, direction, TcpRank::kFinSent);
  if (is_changed) {
    state.timeout_class = static_cast<std::uint8_t>(timeout_class_of(6, state.tcp_ranks, true));
    marks |= kMarkState;
  }
  return marks;
}

}  // namespace twinplane::tables
