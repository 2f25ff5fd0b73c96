// SPDX-License-Identifier: BSD-3-Clause
// Which life of the peer is believed, and whether the two fit together: hellos, PROTOCOL.md
// sections 8.1 and 8.2.
#include <algorithm>
#include <cstring>

#include "ha2/pair.hpp"
#include "tables/base/check.hpp"
#include "tables/base/hash.hpp"
#include "tables/base/mutant.hpp"

namespace twinplane::ha2 {

namespace {

using tables::is_mutant;
using tables::Mutant;

HelloItem wire_item(const PairItem& item) noexcept {
  HelloItem wire{};
  std::memcpy(wire.name, item.name.data(), std::min(item.name.size(), sizeof wire.name - 1));
  wire.value.set(item.value);
  wire.must_equal = item.must_equal ? 1 : 0;
  return wire;
}

bool is_named_alike(const PairItem& item, const HelloItem& wire) noexcept {
  return std::memcmp(wire_item(item).name, wire.name, sizeof wire.name) == 0;
}

// It goes to logs and terminals: what is no printable ASCII becomes '?'.
std::string printable_name(const HelloItem& wire) {
  std::string name(wire.name, strnlen(wire.name, sizeof wire.name));
  for (char& letter : name)
    if (letter < ' ' || letter > '~') letter = '?';
  return name.empty() ? "an item without a name" : name;
}

}  // namespace

std::uint64_t Pair::next_nonce() noexcept {
  nonce_state_ += 0x9E3779B97F4A7C15U;
  return tables::hash_of(nonce_state_, tables::HashSeed{boot_id_}) | 1U;
}

void Pair::on_hello(const FrameView& frame, std::uint64_t now_ns) {
  HelloBody hello;
  if (!try_read_body(frame, hello) || hello.item_count.get() > kHelloItemsMax ||
      frame.body.size() != sizeof hello + sizeof(HelloItem) * hello.item_count.get() ||
      hello.boot_id.get() == 0 || hello.mtu_bytes.get() < config_.frame_bytes_min) {
    ++bad_frame_count_;
    return;
  }
  if (hello.boot_id.get() == boot_id_) return;  // my own, come back over a loop
  if (hello.box_id == config_.box_id) {
    ++refused_hello_count_;
    if (session_ != 0) return;  // a third box: the pair goes on
    my_refusal_ = Refusal::kSameBoxId;
    refusal_text_ = "both boxes have box.id " + std::to_string(config_.box_id) +
                    ": give one of them " + std::to_string(1 - config_.box_id);
    return;
  }
  if (my_refusal_ == Refusal::kSameBoxId) my_refusal_ = Refusal::kNone;
  if (hello.boot_id.get() != peer_.boot_id) {
    // A new incarnation is believed when it echoes a nonce that was made for it: an old hello
    // cannot.
    if (hello.boot_id.get() != peer_.candidate_id) {
      peer_.candidate_id = hello.boot_id.get();
      nonce_ = next_nonce();
      last_hello_ns_ = 0;
    }
    peer_.nonce = hello.nonce.get();
    if (hello.echo.get() != nonce_ && !is_mutant(Mutant::kBelievesAnyHello)) return;
    bury_peer_life();
    peer_.boot_id = hello.boot_id.get();
    // It has proved that it lives.
    std::ranges::replace(lives_over_, peer_.boot_id, 0U);
    peer_.knows_me = false;
    // None of these changes in a life: what a later hello says of them, who knows who sent it.
    peer_.frame_bytes_max = hello.mtu_bytes.get();
    peer_.kinds = tables::KindSet::of_bits(hello.kinds.get());
    // Of use only where this box's tables have to do with the peer's: they are kept as well, or the
    // two have been a pair in this life.
    peer_.holds_tables = hello.holds_tables != 0 && (config_.kept.are_there || had_stream_);
    session_ = 0;
    last_hello_ns_ = 0;
  }
  peer_.nonce = hello.nonce.get();
  peer_.box_id = hello.box_id;
  const bool knew_me = peer_.knows_me;
  // Once it has known me in this life it does; a late copy of an earlier hello says otherwise and
  // is only late.
  peer_.knows_me = knew_me || hello.peer_boot_id.get() == boot_id_;
  if (peer_.knows_me != knew_me) last_hello_ns_ = 0;
  peer_refusal_ = hello.refusal <= static_cast<std::uint8_t>(Refusal::kSameBoxId)
                      ? static_cast<Refusal>(hello.refusal)
                      : Refusal::kItemDiffers;
  compare_items(frame, hello);
  mtu_note_.clear();
  if (peer_.frame_bytes_max != config_.frame_bytes_max)
    mtu_note_ = "HA2 MTU differs: here " + std::to_string(config_.frame_bytes_max) +
                " bytes a frame, peer " + std::to_string(peer_.frame_bytes_max) +
                "; the smaller one is used";
  last_heard_ns_[static_cast<std::size_t>(Path::kHa2)] = now_ns;
  settle_session();
}

void Pair::compare_items(const FrameView& frame, const HelloBody& hello) {
  const auto refuse = [this](Refusal refusal, std::string text) {
    if (my_refusal_ != Refusal::kNone) return;
    my_refusal_ = refusal;
    refusal_text_ = std::move(text);
    ++refused_hello_count_;
  };
  my_refusal_ = Refusal::kNone;
  refusal_text_.clear();
  is_different_.reset();
  std::array<bool, kHelloItemsMax> is_said{};  // of my items: the peer says it as well
  for (std::size_t i = 0; i < hello.item_count.get(); ++i) {
    HelloItem theirs;
    std::memcpy(&theirs, frame.body.data() + sizeof hello + i * sizeof theirs, sizeof theirs);
    const auto mine = std::ranges::find_if(
        config_.items, [&theirs](const PairItem& item) { return is_named_alike(item, theirs); });
    if (mine == config_.items.end()) {
      if (theirs.must_equal != 0)
        refuse(Refusal::kItemMissing,
               printable_name(theirs) +
                   ": the peer asks for it and this box does not know it; the peer runs another "
                   "version or feature set: run one version on both");
      continue;
    }
    const auto at = static_cast<std::size_t>(mine - config_.items.begin());
    is_said[at] = true;
    is_different_[at] = theirs.value.get() != mine->value;
    if ((mine->must_equal || theirs.must_equal != 0) && theirs.value.get() != mine->value)
      refuse(Refusal::kItemDiffers, mine->name + " differs: here " + std::to_string(mine->value) +
                                        ", peer " + std::to_string(theirs.value.get()) +
                                        "; set both boxes alike");
  }
  for (std::size_t i = 0; i < config_.items.size(); ++i)
    if (config_.items[i].must_equal && !is_said[i])
      refuse(Refusal::kItemMissing,
             config_.items[i].name +
                 ": the peer does not say it; it runs another version or feature set: run one "
                 "version on both");
  if (my_refusal_ == Refusal::kNone && peer_refusal_ != Refusal::kNone)
    refusal_text_ = "the peer refuses this box: see its refusal text";
}

void Pair::set_item(std::string_view name, std::uint64_t value) {
  const auto item = std::ranges::find(config_.items, name, &PairItem::name);
  TWINPLANE_CHECK(item != config_.items.end(), ==, true);
  if (item->value == value) return;
  item->value = value;
  last_hello_ns_ = 0;  // the peer is told at once
}

bool Pair::is_different(std::string_view name) const noexcept {
  const auto item = std::ranges::find(config_.items, name, &PairItem::name);
  return item != config_.items.end() &&
         is_different_[static_cast<std::size_t>(item - config_.items.begin())];
}

void Pair::settle_session() {
  if (peer_.boot_id == 0 || !peer_.knows_me || is_refused()) {
    session_ = 0;
    return;
  }
  std::array<std::uint64_t, 2> ids{};
  ids[config_.box_id & 1U] = boot_id_;
  ids[(config_.box_id & 1U) ^ 1U] = peer_.boot_id;
  const std::uint64_t hash = tables::hash_of(ids, tables::HashSeed{0x53455353});
  session_ = static_cast<std::uint32_t>(hash) | 1U;
}

void Pair::bury_peer_life() noexcept {
  if (peer_.boot_id == 0) return;
  std::shift_right(lives_over_.begin(), lives_over_.end(), 1);
  lives_over_.front() = peer_.boot_id;
}

bool Pair::is_over(std::uint64_t boot_id) const noexcept {
  return std::ranges::find(lives_over_, boot_id) != lives_over_.end();
}

void Pair::send_hello(std::uint64_t now_ns, Link& link) {
  const std::size_t frame_bytes = sizeof(FrameHeader) + sizeof(HelloBody) +
                                  sizeof(HelloItem) * config_.items.size() + sizeof(Checksum);
  const std::span<std::byte> room = link.try_frame();
  if (room.size() < frame_bytes) return;
  const FrameHeader header = header_of(FrameType::kHello, now_ns);
  HelloBody hello{};
  hello.boot_id.set(boot_id_);
  hello.nonce.set(nonce_);
  hello.echo.set(peer_.nonce);
  hello.peer_boot_id.set(peer_.boot_id);
  hello.box_id = config_.box_id;
  hello.refusal = static_cast<std::uint8_t>(my_refusal_);
  hello.holds_tables = holds_tables_ ? 1 : 0;
  hello.mtu_bytes.set(config_.frame_bytes_max);
  hello.kinds.set(config_.kinds.bits());
  hello.item_count.set(static_cast<std::uint16_t>(config_.items.size()));
  std::byte* at = room.data();
  std::memcpy(at, &header, sizeof header);
  at += sizeof header;
  std::memcpy(at, &hello, sizeof hello);
  at += sizeof hello;
  for (const PairItem& item : config_.items) {
    const HelloItem wire = wire_item(item);
    std::memcpy(at, &wire, sizeof wire);
    at += sizeof wire;
  }
  seal(room.first(frame_bytes));
  link.send(frame_bytes, kLinkPartition);
}

}  // namespace twinplane::ha2
