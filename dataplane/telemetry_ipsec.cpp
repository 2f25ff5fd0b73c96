// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/telemetry_ipsec.hpp"

#include <array>
#include <span>
#include <string>

#include "dataplane/telemetry_data.hpp"

namespace twinplane::dataplane {

// Without the keys.
int answer_ipsec(const TelemetrySource& source, const char* /*parameters*/, rte_tel_data* data) {
  constexpr std::array<const char*, 4> kResults{"made here", "went on above the ceiling", "jumped",
                                                "sealed or needs a new SA"};
  rte_tel_data_start_dict(data);
  const std::span<const IpsecHome::Row> rows = source.home.ipsec().rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const IpsecHome::Row& row = rows[i];
    const SaConfig& configured = source.config.security_associations[i];
    const tables::SecurityAssociationBody& sa = configured.sa;
    rte_tel_data* const dict = rte_tel_data_alloc();
    if (dict == nullptr) return -1;
    rte_tel_data_start_dict(dict);
    const bool is_inbound = (sa.flags & tables::kSaInbound) != 0;
    add_text(dict, "name", configured.name);
    add_number(dict, "spi", sa.key.spi);
    add_text(dict, "direction", is_inbound ? "in" : "out");
    add_text(dict, "source", to_text(IpAddress::of(sa.source)));
    add_text(dict, "destination", to_text(IpAddress::of(sa.key.destination)));
    add_number(dict, "cipher", sa.cipher);
    add_number(dict, "integrity", sa.integrity);
    add_number(dict, "is_there", row.is_there.get());
    add_number(dict, is_inbound ? "top" : "used", row.used.get());
    if (!is_inbound) add_number(dict, "ceiling", row.ceiling.get());
    add_number(dict, "told", row.told.get());
    add_number(dict, "rate_per_s", row.rate_per_s.get());
    add_number(dict, "ungranted", row.is_ungranted.get());
    add_number(dict, "dying", (row.flags.get() & tables::kSaDying) != 0 ? 1 : 0);
    add_text(dict, "last_takeover", kResults[row.result.get() % kResults.size()]);
    add_number(dict, "jump", row.jump.get());
    add_number(dict, "age_s", row.age_s.get());
    add_number(dict, "seconds_max", sa.seconds_max);
    add_number(dict, "used_bytes", row.used_bytes.get());
    add_number(dict, "bytes_max", sa.bytes_max);
    add_number(dict, "used_packets", row.used_packets.get());
    add_number(dict, "packets_max", sa.packets_max);
    // DPDK frees the container with the answer. It refuses names that hold a '-'.
    rte_tel_data_add_dict_container(data, ("sa" + std::to_string(i)).c_str(), dict, 0);
  }
  return 0;
}

}  // namespace twinplane::dataplane
