// SPDX-License-Identifier: BSD-3-Clause
// twinplane-tables - reads table files, of a living box or of one that was killed: its sessions and
// SCTP associations, or what of them another box has.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "dataplane/session_text.hpp"
#include "dataplane/table_file.hpp"
#include "ha2/plain_codec.hpp"
#include "ha2/session_codec.hpp"

namespace {

using namespace twinplane;
using dataplane::TableFile;

int print_one(const TableFile& file, bool is_quiet) {
  std::uint64_t count = 0;
  file.for_each_session([&](std::uint32_t partition, std::uint32_t slot, const auto& session) {
    ++count;
    if (is_quiet) return;
    nlohmann::ordered_json json = dataplane::session_json(session);
    json["partition"] = partition;
    json["slot"] = slot;
    std::puts(json.dump().c_str());
  });
  std::puts(
      nlohmann::ordered_json{{"sessions", count}, {"box", file.head().box_id}}.dump().c_str());
  return 0;
}

// Of the table that has such entries.
template <class Entry>
constexpr tables::TableKind kind_of() {
  if constexpr (std::is_same_v<Entry, tables::Session4>) return tables::TableKind::kSession4;
  if constexpr (std::is_same_v<Entry, tables::Session6>) return tables::TableKind::kSession6;
  return tables::TableKind::kSctp;
}

// How far generation `later` is ahead of `earlier`, wrapping.
std::uint16_t generations_ahead(std::uint16_t earlier, std::uint16_t later) {
  return static_cast<std::uint16_t>((later - earlier) & tables::kGenerationMask);
}

int compare(const TableFile& a, const TableFile& b) {
  if (a.head().partition_count != b.head().partition_count ||
      a.head().session4_slots != b.head().session4_slots ||
      a.head().session6_slots != b.head().session6_slots ||
      a.head().sctp_slots != b.head().sctp_slots || a.head().shift_slots != b.head().shift_slots ||
      a.head().expectation_slots != b.head().expectation_slots)
    throw std::runtime_error("the two files are not of one pair: partitions or slots differ");
  std::uint64_t sessions_a = 0, sessions_b = 0, kept = 0, lost = 0, local = 0, same = 0;
  a.for_each_session([&](std::uint32_t partition, std::uint32_t slot, const auto& mine) {
    constexpr tables::TableKind kKind = kind_of<std::remove_cvref_t<decltype(mine)>>();
    using Traits = typename tables::TableOf<kKind>::Slots::TraitsType;
    if (Traits::is_local_only(mine)) {
      ++local;
      return;
    }
    ++sessions_a;
    const auto& theirs = b.partition(partition).slots<kKind>().entry(slot);
    const bool is_live = Traits::is_live(theirs);
    const std::uint16_t ahead =
        generations_ahead(Traits::generation(mine), Traits::generation(theirs));
    const bool has_same_key = is_live && ahead == 0 && Traits::same_keys(mine, theirs);
    // Held and since freed: the slot is empty under the same generation, or has been filled anew
    // under the next ones.
    const bool was_freed =
        (!is_live && ahead == 0) || (ahead != 0 && ahead < tables::kGenerationMask / 2);
    ++(has_same_key || was_freed ? kept : lost);
    if (has_same_key && ha2::image_of(mine) == ha2::image_of(theirs)) ++same;
  });
  b.for_each_session([&](std::uint32_t, std::uint32_t, const auto&) { ++sessions_b; });
  const nlohmann::ordered_json summary{{"sessions_a", sessions_a},
                                       {"sessions_b", sessions_b},
                                       {"kept", kept},
                                       {"lost", lost},
                                       {"same", same},
                                       {"local_a", local}};
  std::puts(summary.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Reads the table files of Twinplane boxes (tables.file in the configuration), also after a "
      "crash.",
      "twinplane-tables"};
  std::string image_path;
  std::string other_path;
  bool is_quiet = false;
  app.add_option("image", image_path, "A table file")->required();
  app.add_option("other", other_path,
                 "A second one: how many of the first one's sessions does it hold?");
  app.add_flag("-q,--quiet", is_quiet, "One file: only the summary");
  app.footer(
      "One file: a JSON line for each session or SCTP association, then a summary. Two files: one "
      "JSON summary. kept = "
      "the other box holds the session's\n"
      "slot under the same generation and key, or held it and has freed it since; lost = the rest; "
      "local = sessions that never leave\n"
      "their box, by rule.");
  CLI11_PARSE(app, argc, argv);
  try {
    const TableFile file(image_path);
    return other_path.empty() ? print_one(file, is_quiet) : compare(file, TableFile(other_path));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "twinplane-tables: %s\n", error.what());
    return 1;
  }
}
