// SPDX-License-Identifier: BSD-3-Clause
// cookie_guard.hpp - the cookies of this box: made for a client's SYN, and known again in what the
// client sends then.
//
// Thread:  one worker.
// Memory:  about 40 bytes.
// Limits:  those of syn_cookie.hpp. Both boxes know each other's cookies where ha.cookie_secret is
//          the same; else each draws its own.
// Errors:  none: what holds no good cookie is nothing.
// Spec:    syn_cookie.hpp, syn_proxy.hpp.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/config.hpp"
#include "dataplane/syn_cookie.hpp"
#include "dataplane/syn_proxy.hpp"

namespace twinplane::dataplane {

// What a client's packet tells of the SYN that was answered with a cookie.
struct KnownSyn {
  std::uint32_t client_sequence;
  std::uint32_t cookie;
  SynOffer offer;
};

class CookieGuard {
 public:
  CookieGuard(const Config& config, const SipKey& key) noexcept;

  bool serves(std::uint8_t zone) const noexcept { return (zones_ >> zone & 1U) != 0; }

  // Now and then.
  void set_time(std::uint64_t wall_s) noexcept { now_ = cookie_time(wall_s); }

  // For a SYN.
  std::uint32_t make(const PacketView& syn, const SynOffer& offer) const noexcept;

  // Of an acknowledgement, with data or without; or of the probe of a window of 0, one number below
  // it (RFC 9293 section 3.8.6.1), by which the client asks whose acknowledgement was lost.
  std::optional<KnownSyn> try_know(const PacketView& view) const noexcept;

  // What the box itself says: segments of so much fit through every port.
  std::uint16_t own_mss(PacketKind kind) const noexcept {
    return kind == PacketKind::kIp4 ? mss4_ : mss6_;
  }

 private:
  SipKey key_;
  CookieTime now_{};
  std::uint64_t zones_ = 0;
  std::uint16_t mss4_ = 0;
  std::uint16_t mss6_ = 0;
};

}  // namespace twinplane::dataplane
