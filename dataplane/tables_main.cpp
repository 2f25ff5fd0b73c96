// SPDX-License-Identifier: BSD-3-Clause
// twinplane-tables - reads table files, of a living box or of one that was killed: its sessions and
// SCTP associations, or what another box has of all its tables.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "dataplane/session_text.hpp"
#include "dataplane/table_compare.hpp"
#include "dataplane/table_file.hpp"

namespace {

using namespace twinplane;
using dataplane::KindCompared;
using dataplane::TableFile;
using dataplane::TablesCompared;

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

nlohmann::ordered_json json_of(const KindCompared& compared) {
  return {{"entries_a", compared.entries_a}, {"entries_b", compared.entries_b},
          {"kept", compared.kept},           {"lost", compared.lost},
          {"same", compared.same},           {"local_a", compared.local}};
}

int compare(const TableFile& a, const TableFile& b) {
  const TablesCompared compared = compare_tables(a, b);
  KindCompared sessions = compared[tables::index_of(tables::TableKind::kSession4)];
  sessions.add(compared[tables::index_of(tables::TableKind::kSession6)]);
  nlohmann::ordered_json summary{{"sessions_a", sessions.entries_a},
                                 {"sessions_b", sessions.entries_b},
                                 {"kept", sessions.kept},
                                 {"lost", sessions.lost},
                                 {"same", sessions.same},
                                 {"local_a", sessions.local}};
  tables::for_each_kind([&](auto kind) {
    summary["kinds"][std::string(tables::name_of(kind()))] =
        json_of(compared[tables::index_of(kind())]);
  });
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
                 "A second one: how many of the first one's entries does it hold?");
  app.add_flag("-q,--quiet", is_quiet, "One file: only the summary");
  app.footer(
      "One file: a JSON line for each session or SCTP association, then a summary. Two files: one "
      "JSON summary, of the sessions\n"
      "and of each kind of table. kept = the other box holds the entry's slot under the same "
      "generation and key, or held it and has\n"
      "freed it since; lost = the rest; same = all that is replicated is equal; local = entries "
      "that never leave their box, by their\n"
      "kind or by rule.");
  CLI11_PARSE(app, argc, argv);
  try {
    const TableFile file(image_path);
    return other_path.empty() ? print_one(file, is_quiet) : compare(file, TableFile(other_path));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "twinplane-tables: %s\n", error.what());
    return 1;
  }
}
