// SPDX-License-Identifier: BSD-3-Clause
// What a worker tells the senders of packets that go no further.
#include "dataplane/error_source.hpp"
#include "dataplane/parse.hpp"
#include "dataplane/worker.hpp"

namespace twinplane::dataplane {

// The error that `order` asks for, as it leaves by that port; null when there may be none, the box
// has no address to speak as, there have been too many, or no buffer is left: each is counted.
// `order` lacks MAC and sources yet.
rte_mbuf* Worker::try_make_error(rte_mbuf* about, const PacketView& view, IcmpErrorOrder order,
                                 std::uint8_t port_index, std::uint64_t now_ns) noexcept {
  if (const IcmpErrorVerdict verdict = may_send_icmp_error(view, order.kind);
      verdict != IcmpErrorVerdict::kBuilt) {
    stats_.icmp_errors[static_cast<std::size_t>(verdict)].add(1);
    return nullptr;
  }
  if (!try_sign(order, shared_.config, view, port_index)) {
    stats_.icmp_errors_no_address.add(1);
    return nullptr;
  }
  rte_mbuf* const error =
      icmp_errors_.try_take(now_ns) ? rte_pktmbuf_alloc(shared_.packet_pool.get()) : nullptr;
  if (error == nullptr) {
    stats_.icmp_errors_held_back.add(1);
    return nullptr;
  }
  const IcmpErrorResult built =
      build_icmp_error(bytes_of(about), view, order,
                       {rte_pktmbuf_mtod(error, std::byte*), rte_pktmbuf_tailroom(error)});
  stats_.icmp_errors[static_cast<std::size_t>(built.verdict)].add(1);
  if (built.verdict != IcmpErrorVerdict::kBuilt) {
    rte_pktmbuf_free(error);
    return nullptr;
  }
  error->data_len = static_cast<std::uint16_t>(built.frame_bytes);
  error->pkt_len = error->data_len;
  return error;
}

void Worker::answer_with_error(Admitted& admitted, const ForwardResult& result,
                               std::uint64_t now_ns) noexcept {
  if (rte_mbuf* const error =
          try_make_error(admitted.packet, admitted.view,
                         {.kind = result.icmp_error, .mtu_bytes = result.mtu_bytes},
                         admitted.ingress_port, now_ns);
      error != nullptr)
    egress_.put(admitted.ingress_port, error);
  drop(admitted.packet, result.reason);
}

// A packet that waited for its neighbor in vain has been translated, and its session may be another
// worker's. So the error about it takes the way of one that a router behind the port would have
// sent: it comes in by that port, its quote finds the session, and the sender's own names are put
// in.
void Worker::answer_unreachable(std::uint64_t now_ns) noexcept {
  if (home_->unreachable().empty()) return;
  std::array<rte_mbuf*, kBurst> errors;
  std::uint16_t count = 0;
  for (rte_mbuf* const waited : home_->unreachable()) {
    const std::uint8_t port = note_of(waited).egress_port;
    PacketView view;
    if (parse(bytes_of(waited), view) != ParseResult::kOk) continue;
    rte_mbuf* const error =
        try_make_error(waited, view, {.kind = IcmpErrorKind::kHostUnreachable}, port, now_ns);
    if (error == nullptr) continue;
    error->port = shared_.ports[port]->dpdk_port();
    errors[count++] = error;
    if (count < kBurst) continue;
    process({errors.data(), count}, now_ns, false);
    count = 0;
  }
  process({errors.data(), count}, now_ns, false);
  home_->free_unreachable();
}

}  // namespace twinplane::dataplane
