// SPDX-License-Identifier: BSD-3-Clause
// telemetry_tables.hpp - every kind of table as one: is it kept equal and why not, how full it is,
// and what of it has travelled.
//
// Thread:  DPDK's telemetry thread.
// Memory:  strings.
// Limits:  figures of tables are a millisecond old.
// Errors:  none.
// Spec:    ha2/sync_matrix.hpp; ha2/PROTOCOL.md sections 9 and 11.
#pragma once

#include <rte_telemetry.h>

#include <cstdint>
#include <string>

#include "dataplane/telemetry.hpp"

namespace twinplane::dataplane {

// "kept", or why not, in words: by the mode, as there is no such table, by the configuration of
// either box, or as there is no peer.
std::string keeping_text(const TelemetrySource& source, tables::TableKind kind);

// Of all workers together.
std::uint64_t kind_total(const TelemetrySource& source, tables::TableKind kind,
                         ha2::KindCounter counter) noexcept;
std::uint64_t kind_total(const TelemetrySource& source, tables::TableKind kind,
                         Gauge KindGauges::*gauge) noexcept;

int answer_tables(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

// Each floating address, and which box answers for it.
int answer_floating(const TelemetrySource& source, const char* parameters, rte_tel_data* data);

}  // namespace twinplane::dataplane
