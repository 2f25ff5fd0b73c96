// SPDX-License-Identifier: BSD-3-Clause
// table_block.hpp - zeroed memory for one table in a test, and sessions to put in it.
//
// Thread:  one.
// Memory:  as much as the table wants.
// Limits:  none.
// Errors:  none.
// Spec:    carver.hpp.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "tables/base/carver.hpp"
#include "tables/partition.hpp"

namespace twinplane::tests {

// Holds a Table built as Table(Carver&, arguments...).
template <class Table>
class InBlock {
 public:
  template <class... Arguments>
  explicit InBlock(const Arguments&... arguments) {
    tables::Carver counter;
    const Table counted(counter, arguments...);
    static_cast<void>(counted);
    block_.reset(
        static_cast<std::byte*>(std::aligned_alloc(tables::kCacheLineBytes, counter.bytes())));
    std::memset(block_.get(), 0, counter.bytes());
    tables::Carver carver(std::span(block_.get(), counter.bytes()));
    table_.emplace(carver, arguments...);
  }

  // The next life's table, over what this one leaves behind.
  template <class... Arguments>
  void remake(const Arguments&... arguments) {
    tables::Carver counter;
    const Table counted(counter, arguments...);
    static_cast<void>(counted);
    tables::Carver carver(std::span(block_.get(), counter.bytes()), tables::Carver::Block::kUsed);
    table_.emplace(carver, arguments...);
  }

  Table& operator*() noexcept { return *table_; }

  Table* operator->() noexcept { return &*table_; }

 private:
  struct Free {
    void operator()(std::byte* block) const noexcept { std::free(block); }
  };

  std::unique_ptr<std::byte, Free> block_;
  std::optional<Table> table_;
};

// A TCP session of the flow `number`; translated ones have a second key of the same number.
template <class Address>
tables::SessionOf<Address> make_session(std::uint32_t number, bool is_translated = false) {
  tables::SessionOf<Address> session{};
  session.client_side.address_a[0] = 10;
  std::memcpy(&session.client_side.address_a[session.client_side.address_a.size() - 3], &number, 3);
  session.client_side.address_b.fill(99);
  session.client_side.port_a_be = 0x1234;
  session.client_side.port_b_be = 0x5000;
  session.server_side = session.client_side;
  session.protocol = 6;
  session.flags = tables::kLive | tables::kClientIsA0 | tables::kClientIsA1;
  session.state.window_scales = 0xFF;
  tables::set_tcp_rank(session.state, tables::kFromClient, tables::TcpRank::kSynSent);
  if (!is_translated) return session;
  session.flags |= tables::kTranslated;
  session.server_side.address_a[0] = 50;
  return session;
}

}  // namespace twinplane::tests
