// SPDX-License-Identifier: BSD-3-Clause
// config_ipsec.hpp - IPsec SAs that the configuration gives, with their keys from files of their
// own.
//
// Thread:  set-up only, one thread.
// Memory:  keys stand in the Config, and nowhere in what is shown or logged of it.
// Limits:  kSecurityAssociationsMax SAs; key files of at most 1024 bytes.
// Errors:  faults go to the FaultList. None quotes a key.
// Spec:    RFC 4301 section 4.4.2; RFC 4106 section 2 and RFC 7634 section 2: counter ciphers need
//          fresh keys at each start, so keys by hand are not for them.
#pragma once

#include "dataplane/config.hpp"
#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {

void read_security_association(Section& section, Config& config);

// Each SPI once at a destination.
void check_security_associations(const Config& config, FaultList& faults);

}  // namespace twinplane::dataplane
