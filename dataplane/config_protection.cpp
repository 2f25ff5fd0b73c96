// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config_protection.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "dataplane/config.hpp"
#include "dataplane/config_items.hpp"
#include "dataplane/config_read.hpp"

namespace twinplane::dataplane {
namespace {

constexpr Bounds kRateBounds{1, 100'000'000};
constexpr std::int64_t kBlockSecondsMax = 86'400;

void read_zone(Section& section, const Config& config, ZoneProtectionConfig& protection) {
  section.read_text("zone", protection.zone, Need::kRequired);
  if (protection.zone.empty()) return;
  const auto zone = std::ranges::find(config.zones, protection.zone);
  if (zone == config.zones.end())
    return add_unknown(section.faults(), {protection.zone, section.path("zone")},
                       "zone of any port", config.zones);
  protection.zone_index = static_cast<std::uint8_t>(zone - config.zones.begin());
  if (std::ranges::find(config.zone_protections, protection.zone, &ZoneProtectionConfig::zone) !=
      config.zone_protections.end())
    section.faults().add(section.path("zone"),
                         "\"" + protection.zone + "\" has a zone_protection already",
                         "one for each zone");
}

void read_thresholds(Section section, FloodKind kind, FloodThresholds& thresholds) {
  if (!section.present()) return;
  section.read_integer("activate", thresholds.activate_per_s, kRateBounds, Need::kRequired);
  section.read_integer("maximum", thresholds.maximum_per_s, kRateBounds, Need::kRequired);
  thresholds.alarm_per_s = thresholds.activate_per_s;
  section.read_integer("alarm", thresholds.alarm_per_s, kRateBounds);
  if (kind == FloodKind::kSyn)
    section.read_choice("action", thresholds.has_cookies,
                        {{"random-early-drop", false}, {"syn-cookies", true}});
  else
    section.refuse("action", "is for syn alone: others are dropped at random", "leave action out");
  section.finish();
  if (thresholds.maximum_per_s != 0 && thresholds.activate_per_s > thresholds.maximum_per_s)
    section.faults().add(section.path("activate"),
                         std::to_string(thresholds.activate_per_s) + " is above maximum, " +
                             std::to_string(thresholds.maximum_per_s),
                         "alarm <= activate <= maximum: dropping begins above activate, and all "
                         "is dropped above maximum");
  else if (thresholds.alarm_per_s > thresholds.activate_per_s)
    section.faults().add(section.path("alarm"),
                         std::to_string(thresholds.alarm_per_s) + " is above activate, " +
                             std::to_string(thresholds.activate_per_s),
                         "alarm <= activate <= maximum: an alarm comes before packets are dropped");
}

}  // namespace

void read_zone_protection(Section& section, Config& config) {
  ZoneProtectionConfig protection;
  read_zone(section, config, protection);
  for (std::size_t i = 0; i < kFloodKindCount; ++i)
    read_thresholds(section.table(kFloodKindLabels[i]), static_cast<FloodKind>(i),
                    protection.thresholds[i]);
  section.read_integer("source_rate", protection.source_per_s, {0, kRateBounds.max});
  section.read_integer("block_seconds", protection.block_s, {1, kBlockSecondsMax});
  for (const ListItem& item : section.list("exempt", Need::kOptional))
    if (const auto network = read_network(section.faults(), item))
      protection.exempt.push_back(*network);
  const bool has_block_keys = section.has("block_seconds") || section.has("exempt");
  if (protection.source_per_s == 0 && has_block_keys)
    section.faults().add(section.path(section.has("exempt") ? "exempt" : "block_seconds"),
                         "is for blocked sources, and without source_rate none is blocked",
                         "give source_rate, the new sessions a second that one source may open");
  const bool has_meter = std::ranges::any_of(
      protection.thresholds,
      [](const FloodThresholds& thresholds) { return thresholds.maximum_per_s != 0; });
  if (!has_meter && protection.source_per_s == 0 && section.faults().is_clean(section.path("zone")))
    section.faults().add(section.path("zone"), "is protected from nothing",
                         "thresholds for syn, udp, icmp, icmpv6 or other, or source_rate");
  section.finish();
  config.zone_protections.push_back(std::move(protection));
}

std::string protection_text(const ZoneProtectionConfig& protection) {
  std::string text = "zone_protection of " + protection.zone + ":";
  for (std::size_t i = 0; i < kFloodKindCount; ++i) {
    const FloodThresholds& thresholds = protection.thresholds[i];
    if (thresholds.maximum_per_s == 0) continue;
    text += " " + std::string(kFloodKindLabels[i]) + " above " +
            std::to_string(thresholds.activate_per_s) + "/s " +
            (thresholds.has_cookies ? "answered with cookies" : "dropped at random") +
            ", all dropped above " + std::to_string(thresholds.maximum_per_s) + "/s;";
  }
  if (protection.source_per_s == 0) return text + " no source is blocked";
  text += " a source of more than " + std::to_string(protection.source_per_s) +
          " new sessions/s is blocked for " + std::to_string(protection.block_s) + " s";
  for (const IpPrefix& exempt : protection.exempt)
    text += (&exempt == protection.exempt.data() ? ", but for " : ", ") + to_text(exempt);
  return text;
}

}  // namespace twinplane::dataplane
