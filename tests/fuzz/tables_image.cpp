// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes table files: read as twinplane-tables does, and taken over as a process that starts does.
//
// A chunk changes the file of a box with some sessions, written by the real tables: bytes of its
// head, of an entry, of anything; or its length. Held against it: a file is refused with words or
// every session in it can be shown; and tables made of what stood there are sound, and stay so
// while they are used as an owner's and as a mirror's.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "dataplane/session_text.hpp"
#include "dataplane/table_file.hpp"
#include "tests/fuzz/kit/chunks.hpp"
#include "tests/fuzz/kit/end.hpp"
#include "tests/fuzz/kit/require.hpp"
#include "tests/fuzz/kit/sound_table.hpp"

namespace {

using namespace twinplane;
using namespace twinplane::fuzz;
using tables::Address4;
using tables::Address6;

// Of a chunk: what its bytes go over. The other bits are a number.
enum Place : unsigned { kHead, kEntry4, kEntry6, kAnywhere, kLength };

constexpr std::uint64_t kHashSeed = 5;

struct Free {
  void operator()(std::byte* block) const noexcept { std::free(block); }
};

using Block = std::unique_ptr<std::byte, Free>;

std::size_t partition_bytes() { return tables::Partition::bytes(partition_limits()); }

Block block_of(std::span<const std::byte> bytes) {
  Block block(
      static_cast<std::byte*>(std::aligned_alloc(tables::kCacheLineBytes, partition_bytes())));
  std::memset(block.get(), 0, partition_bytes());
  std::ranges::copy(bytes.first(std::min(bytes.size(), partition_bytes())), block.get());
  return block;
}

template <class Address>
void fill(tables::SessionTable<Address>& sessions) {
  for (std::uint32_t number = 0; number < 40; ++number)
    static_cast<void>(sessions.create(tests::make_session<Address>(number, number % 3 == 0), 1000));
  for (std::uint32_t slot = 0; slot < 40; slot += 5) sessions.slots().erase(slot);
}

// What a box leaves behind, and where in it the entries stand.
struct Written {
  Bytes file;
  std::size_t entries4_at;
  std::size_t entries6_at;
};

Written write_file() {
  const Block block = block_of({});
  tables::Carver carver({block.get(), partition_bytes()});
  tables::Partition partition(carver, partition_limits(), tables::HashSeed{kHashSeed});
  fill(partition.session4());
  fill(partition.session6());
  tables::ImageHead head;
  head.partition_count = 1;
  head.session4_slots = kSlotCount;
  head.session6_slots = kSlotCount;
  head.partition_bytes = partition_bytes();
  head.hash_seed = kHashSeed;
  Written written;
  written.file.resize(tables::kImageHeadBytes + partition_bytes());
  std::memcpy(written.file.data(), &head, sizeof head);
  std::memcpy(written.file.data() + tables::kImageHeadBytes, block.get(), partition_bytes());
  const auto at = [&block](const void* entry) {
    return tables::kImageHeadBytes +
           static_cast<std::size_t>(static_cast<const std::byte*>(entry) - block.get());
  };
  written.entries4_at = at(&partition.session4().slots().entry(0));
  written.entries6_at = at(&partition.session6().slots().entry(0));
  return written;
}

const Written& written() {
  static const Written once = write_file();
  return once;
}

// The first two bytes of the chunk say where in its place the others go.
void change(Bytes& file, const Chunk& chunk) {
  if (chunk.bytes.size() < 2) return;
  const std::size_t number = std::to_integer<std::size_t>(chunk.bytes[0]) |
                             std::to_integer<std::size_t>(chunk.bytes[1]) << 8U;
  const std::span<const std::byte> bytes = std::span(chunk.bytes).subspan(2);
  std::size_t at = 0;
  switch (chunk.flags % 5U) {
    case kHead:
      at = number % sizeof(tables::ImageHead);
      break;
    case kEntry4:
      at = written().entries4_at + number % (kSlotCount * sizeof(tables::Session4));
      break;
    case kEntry6:
      at = written().entries6_at + number % (kSlotCount * sizeof(tables::Session6));
      break;
    case kAnywhere:
      at = number % (file.size() + 1);
      break;
    default:
      file.resize(number % (2 * written().file.size()));
      return;
  }
  if (at < file.size())
    std::copy_n(bytes.begin(), std::min(bytes.size(), file.size() - at),
                file.begin() + static_cast<std::ptrdiff_t>(at));
}

void read_as_the_tool(const Bytes& file) {
  const int descriptor = ::memfd_create("tables", MFD_CLOEXEC);
  require(descriptor >= 0 &&
              ::write(descriptor, file.data(), file.size()) == static_cast<ssize_t>(file.size()),
          "no memory for a file");
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  try {
    const dataplane::TableFile tables(path);
    tables.for_each_session([](std::uint32_t, std::uint32_t, const auto& session) {
      require(!dataplane::session_json(session).dump().empty(), "a session cannot be shown");
    });
  } catch (const std::runtime_error& error) {
    require(std::string_view(error.what()).find(path) != std::string_view::npos,
            "refused without its name");
  }
  ::close(descriptor);
}

template <class Address>
void use(tables::SessionTable<Address>& sessions) {
  auto& slots = sessions.slots();
  for (std::uint32_t number = 0; number < 40; ++number) {
    const auto session = tests::make_session<Address>(number, number % 3 == 0);
    const std::uint32_t slot = slots.find(tables::key_of(session, tables::Side::kClient)).slot;
    const std::uint32_t other = slots.find(tables::key_of(session, tables::Side::kServer)).slot;
    if (slot == tables::kNoSlot && other == tables::kNoSlot)
      static_cast<void>(sessions.create(session, 1000));
    else if (slot != tables::kNoSlot && number % 2 == 0)
      slots.erase(slot);
  }
  require_sound(sessions);
  for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
    auto session = tests::make_session<Address>(100 - slot, slot % 4 == 0);
    session.state.generation = 7;
    if (slot % 3 == 0)
      slots.empty(slot);
    else
      slots.put(slot, session);
  }
  require_sound(sessions);
}

void start_with(const Bytes& file) {
  if (file.size() < written().file.size()) return;
  const Block block = block_of(std::span(file).subspan(tables::kImageHeadBytes));
  tables::Carver carver({block.get(), partition_bytes()}, tables::Carver::Block::kUsed);
  tables::Partition partition(carver, partition_limits(), tables::HashSeed{99});
  const tables::AdoptedSlots adopted = partition.adopt();
  require(adopted.kept == partition.live_count(), "kept and live differ");
  require_sound(partition);
  use(partition.session4());
  use(partition.session6());
}

void mutate(Chunk& chunk, std::size_t bytes_max, tests::Prng& prng) {
  mutate_bytes(chunk, std::min<std::size_t>(bytes_max, 2 + sizeof(tables::Session6)), prng);
}

Chunk make(tests::Prng& prng) {
  Chunk chunk;
  chunk.flags = static_cast<std::uint8_t>(prng.below(prng.chance(100) ? 5 : 3));
  chunk.bytes.resize(2 + prng.between(1, 8));
  prng.fill(chunk.bytes);
  return chunk;
}

}  // namespace

ChunkMutations twinplane::fuzz::chunk_mutations() { return {&mutate, &make}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  Bytes file = written().file;
  for (const Chunk& chunk : read_chunks(std::as_bytes(std::span(data, bytes)))) change(file, chunk);
  read_as_the_tool(file);
  start_with(file);
  return 0;
}
