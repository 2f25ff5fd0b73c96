// SPDX-License-Identifier: BSD-3-Clause
// finding_ring.hpp - what verifications found, on its way from a worker to the control thread.
//
// Thread:  put and its count: one worker; take: the control thread.
// Memory:  64 places.
// Limits:  a full ring refuses and counts; control takes once a millisecond.
// Errors:  put returns false when full.
// Spec:    ha2/difference.hpp; spsc_ring.hpp.
#pragma once

#include "dataplane/spsc_ring.hpp"
#include "ha2/difference.hpp"

namespace twinplane::dataplane {

using FindingRing = SpscRing<ha2::Difference, 64>;

}  // namespace twinplane::dataplane
