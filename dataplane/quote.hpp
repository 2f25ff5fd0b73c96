// SPDX-License-Identifier: BSD-3-Clause
// quote.hpp - the packet that an ICMP error is about: which flow it names, and its translation.
//
// Thread:  any; pure.
// Memory:  as parse.hpp and rewrite.hpp.
// Limits:  transport headers may be cut behind their first 8 bytes. Of the view only kind, l4_kind,
//          protocol, ttl, icmp_type, offsets, l3_bytes (as quoted), l4_bytes (what is there),
//          fragment, endpoints and the TCP sequence number are set.
// Errors:  kQuoteCut, kQuoteMalformed. The quoted addresses are not judged: they must match a
//          session or the error is dropped.
// Spec:    RFC 792, 4443 section 2.4; RFC 5508 section 4 (what a translator does with a quote); RFC
//          5927 section 4.1 (the quoted sequence number is there to be checked against the
//          session's window).
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/packet_view.hpp"
#include "dataplane/parse_result.hpp"
#include "dataplane/rewrite.hpp"

namespace twinplane::dataplane {

// `error` is the view of `frame` with l4_kind kIcmpError. Offsets in `out` count from the start of
// `frame`. The quoted packet went the other way: its source is the end that the error is meant for.
[[nodiscard]] ParseResult parse_quote(std::span<const std::byte> frame, const PacketView& error,
                                      PacketView& out) noexcept;

// Makes the quote name `to` and mends the quote's checksums and the error's own. The error's own
// addresses are left to translate().
template <class Address>
void translate_quote(std::span<std::byte> frame, const PacketView& error, PacketView& quote,
                     const Translation<Address>& to) noexcept;

extern template void translate_quote(std::span<std::byte>, const PacketView&, PacketView&,
                                     const Translation<tables::Address4>&) noexcept;
extern template void translate_quote(std::span<std::byte>, const PacketView&, PacketView&,
                                     const Translation<tables::Address6>&) noexcept;

}  // namespace twinplane::dataplane
