// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/checkers_pair.hpp"

#include <algorithm>

namespace twinplane::tests {

namespace {

const ha2::Assignment& assignment_of(const SceneEnd& end) {
  return end.box->replica().assignment();
}

bool is_owner_of(const SceneEnd& end, ha2::StreamName name) {
  return end.box != nullptr && assignment_of(end).holding == ha2::Holding::kOwner &&
         assignment_of(end).has_peer && assignment_of(end).name == name;
}

bool is_active(const WholePair& pair, std::size_t index) {
  return pair.is_up(index) && pair.box(index).pair().role() == ha2::Role::kActive &&
         !pair.box(index).are_doors_closed();
}

// The peer said that it is active, this box has heard it, and has decided twice since. On HA2 only
// the life of the peer counts that this box is paired with.
bool has_had_its_turn(const WholePair& pair, std::size_t index, std::uint64_t since_ns,
                      std::uint64_t paired_since_ns) {
  const WholeBox::Heard ha1 = pair.box(index).heard(ha2::Path::kHa1);
  const WholeBox::Heard ha2 = pair.box(index).heard(ha2::Path::kHa2);
  return (ha1.sent_ns > since_ns && ha1.polls_since >= 2) ||
         (paired_since_ns != 0 && ha2.sent_ns > std::max(since_ns, paired_since_ns) &&
          ha2.polls_since >= 2);
}

bool are_paired(const WholePair& pair) {
  const std::uint32_t session = pair.box(0).pair().assignment().name.session;
  return session != 0 && session == pair.box(1).pair().assignment().name.session;
}

}  // namespace

std::array<EndState, 2> ends_of(const WholePair& pair, std::uint32_t partition) {
  std::array<EndState, 2> ends;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!pair.is_up(i)) continue;
    ends[i].box = &pair.box(i).partition(partition);
    ends[i].is_writer = pair.box(i).is_owner(partition);
    if (!ends[i].is_writer) continue;
    const ha2::StreamName name = pair.box(i).partition(partition).last_stream();
    ends[i].stream_id = std::uint64_t{name.session} << 32U | name.term;
  }
  return ends;
}

std::string OneOwner::check(const WholePair& pair) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!pair.is_up(i)) continue;
    for (std::uint32_t p = 0; p < pair.box(i).shape().partition_count; ++p) {
      const ha2::Assignment& held = pair.box(i).partition(p).replica().assignment();
      if (held.holding != ha2::Holding::kOwner || !held.has_peer) continue;
      const auto [known, is_new] = owners_.try_emplace({p, held.name.session, held.name.term}, i);
      if (!is_new && known->second != i)
        return "I5 two owners of partition " + std::to_string(p) + " in session " +
               std::to_string(held.name.session) + " under term " + std::to_string(held.name.term);
    }
  }
  return {};
}

std::string OneActive::check(const WholePair& pair) {
  if (!is_active(pair, 0) || !is_active(pair, 1)) {
    since_ns_ = paired_since_ns_ = 0;
    return {};
  }
  if (since_ns_ == 0) {
    since_ns_ = pair.now_ns();
    ++times_;
  }
  if (!are_paired(pair))
    paired_since_ns_ = 0;
  else if (paired_since_ns_ == 0)
    paired_since_ns_ = pair.now_ns();
  for (std::size_t i = 0; i < 2; ++i)
    if (!has_had_its_turn(pair, i, since_ns_, paired_since_ns_)) return {};
  return "two active boxes that hear each other, terms " +
         std::to_string(pair.box(0).pair().term()) + " and " +
         std::to_string(pair.box(1).pair().term());
}

std::string TheDeadStayDead::check(const WholePair& pair) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!pair.is_up(i)) continue;
    Known& known = known_[i];
    if (known.boot_id != pair.box(i).boot_id()) known = {pair.box(i).boot_id(), 0, {}};
    const std::uint64_t peer = pair.box(i).pair().peer_boot_id();
    if (peer == known.peer) continue;
    known.left.insert(known.peer);
    known.peer = peer;
    if (known.left.contains(peer)) return "section 8.2: a life of the peer came back from the dead";
  }
  return {};
}

std::string NobodyIsHasty::check(const WholePair& pair) const {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!pair.is_up(i)) continue;
    const auto own_silence_ns = pair.box(i).own_silence_at_takeover_ns();
    const ha2::PairConfig& config = pair.box(i).shape().pair;
    if (own_silence_ns &&
        *own_silence_ns < config.keepalive_interval_ns * config.keepalive_threshold)
      return "section 8.4: a peer was taken for dead that had been silent for " +
             std::to_string(*own_silence_ns / 1000) + " us of this box's own time";
  }
  return {};
}

std::vector<AnsweredSurvives::Answered> AnsweredSurvives::known_to(const Scene& scene,
                                                                   std::size_t owner) {
  const SceneEnd& end = scene.ends[owner];
  std::vector<Answered> answered;
  for (std::size_t table = 0; table < tables::kTableKindCount; ++table)
    for (std::uint32_t slot = 0; slot < end.views[table].size(); ++slot)
      if (!is_covered(*end.box, static_cast<tables::TableKind>(table), slot))
        answered.push_back({table, slot, end.views[table][slot].hash});
  return answered;
}

void AnsweredSurvives::remember(const Scene& scene) {
  name_.reset();
  if (!scene.is_joined || !assignment_of(scene.owner()).has_peer) return;
  name_ = assignment_of(scene.owner()).name;
  answered_ = known_to(scene, scene.owner_index);
}

void AnsweredSurvives::follow(const Scene& scene) {
  if (name_ && scene.is_joined && !(assignment_of(scene.owner()).name == *name_)) name_.reset();
}

std::string AnsweredSurvives::judge(const Scene& scene, std::size_t taker,
                                    const Answered& answered) {
  const SlotView& now = scene.ends[taker].views[answered.table][answered.slot];
  kept_count_ += now.is_live ? 1 : 0;
  if (now.hash == answered.hash) return {};
  return "answered, but not there after the takeover: " +
         place_text(answered.table, answered.slot) + " now " + view_text(now);
}

std::string AnsweredSurvives::check(const Scene& scene, std::size_t taker, ha2::StreamName name) {
  // The last owner may be alive and only unheard: it knows best.
  if (is_owner_of(scene.ends[1 - taker], name)) {
    name_ = name;
    answered_ = known_to(scene, 1 - taker);
  }
  if (!name_ || !(*name_ == name)) return {};
  name_.reset();
  for (const Answered& answered : answered_)
    if (std::string fault = judge(scene, taker, answered); !fault.empty()) return fault;
  return {};
}

}  // namespace twinplane::tests
