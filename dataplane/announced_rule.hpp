// SPDX-License-Identifier: BSD-3-Clause
// announced_rule.hpp - the rule of a session that a control session announced: that of control
// sessions between its two ends.
//
// A data connection of FTP has ports that no rule speaks of. It is let in, and goes on, as long as
// the rules let these two talk FTP at all.
//
// Thread:  any; const.
// Memory:  a few bytes for each port of a control session, taken by the constructor.
// Limits:  a control session may have come to any port that a helper is configured for, or that a
//          rule for destinations leads there; the first that is allowed counts.
// Errors:  none.
// Spec:    dataplane/DESIGN.md D-D31, D-D35.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/rules.hpp"

namespace twinplane::dataplane {

// Who opens the announced session to whom.
template <class Address>
struct AnnouncedEnds {
  Address opener;
  Address target_as_named;   // by the opener
  Address target;            // where it really is
  Address opener_as_known;   // to the target
  std::uint8_t zone_opener;  // of the port that the session comes in by
  std::uint8_t zone_target;
};

class AnnouncedRule {
 public:
  explicit AnnouncedRule(const Config& config);

  // application: of the announced session.
  template <class Address>
  RuleVerdict lookup(const RuleSet& rules, std::uint16_t application,
                     const AnnouncedEnds<Address>& ends) const noexcept;

  // Is it one that is announced?
  static bool concerns(std::uint16_t application) noexcept;

 private:
  struct ControlPort {
    std::uint16_t data;            // of what such a control session announces, as in Helper
    std::uint16_t data_by_server;  // as above
    std::uint16_t port_be;         // as clients name it
  };

  std::vector<ControlPort> ports_;
};

}  // namespace twinplane::dataplane
