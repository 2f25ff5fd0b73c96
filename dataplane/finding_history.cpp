// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/finding_history.hpp"

namespace twinplane::dataplane {

std::string table_text(const ha2::Difference& finding) {
  return std::string(tables::name_of(static_cast<tables::TableKind>(finding.range.table)));
}

std::string round_text(const ha2::Difference& finding) {
  switch (finding.round) {
    case ha2::CheckRound::kCompare:
      return "compare";
    case ha2::CheckRound::kVerify:
      return "verify";
    case ha2::CheckRound::kAudit:
      return "audit";
    case ha2::CheckRound::kNone:
      break;
  }
  return {};
}

std::string fields_text(const ha2::Difference& finding) {
  std::string text;
  for (unsigned i = 0; i < 16; ++i) {
    if ((finding.fields >> i & 1U) == 0) continue;
    if (!text.empty()) text += ' ';
    text += ha2::image_field_name(static_cast<tables::TableKind>(finding.range.table), i);
  }
  return text;
}

std::string finding_text(const ha2::Difference& finding) {
  const auto& slots = finding.range.slots;
  std::string text = round_text(finding) + "=different table=" + table_text(finding) +
                     " partition=" + std::to_string(finding.partition) +
                     " slot=" + std::to_string(slots.first_slot);
  if (slots.slot_count != 1) text += " slots=" + std::to_string(slots.slot_count);
  if (finding.is_at_mirror)
    return text + " generation=" + std::to_string(finding.generation) + " fields=\"" +
           fields_text(finding) + "\": repaired here";
  return text + ": stated to the peer again, whose log names the fields";
}

}  // namespace twinplane::dataplane
