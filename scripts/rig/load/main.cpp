// SPDX-License-Identifier: BSD-3-Clause
// twinplane-load - the two ends of the rig's traffic. See options.hpp.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "scripts/rig/load/clock.hpp"
#include "scripts/rig/load/datagrams.hpp"
#include "scripts/rig/load/loop.hpp"
#include "scripts/rig/load/options.hpp"
#include "scripts/rig/load/shorts.hpp"
#include "scripts/rig/load/tally.hpp"
#include "scripts/rig/load/transfer.hpp"

namespace twinplane::load {
namespace {

// The longest wait that has not ended yet, of those that should hear all the time.
template <typename Flows>
Wait open_wait(const Flows& flows, std::int64_t now) {
  Wait wait;
  for (const auto& flow : flows)
    if (!flow->over() && flow->expects_chunks())
      wait.widen(flow->last_progress_ns(), now, flow->flow());
  return wait;
}

void print_wait(const char* name, const Wait& wait) {
  std::printf(",\"%s\":{\"ns\":%" PRId64 ",\"from_ns\":%" PRId64 ",\"flow\":%" PRIu32 "}", name,
              wait.length_ns, wait.from_ns, wait.flow);
}

void print_tally(const char* name, const Tally& tally, const Wait& open, std::uint64_t skipped) {
  const auto ended = [&tally](End how) { return tally.ended[static_cast<std::size_t>(how)]; };
  std::printf(",\"%s\":{\"started\":%" PRIu64 ",\"done\":%" PRIu64 ",\"reset\":%" PRIu64
              ",\"timeout\":%" PRIu64 ",\"corrupt\":%" PRIu64 ",\"cut\":%" PRIu64,
              name, tally.started, ended(End::kDone), ended(End::kReset), ended(End::kTimeout),
              ended(End::kCorrupt), ended(End::kCut));
  std::printf(",\"bytes\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"received\":%" PRIu64
              ",\"skipped\":%" PRIu64,
              tally.bytes, tally.sent, tally.received, skipped);
  if (tally.first_broken_flow)
    std::printf(",\"first_broken_flow\":%" PRIu32, *tally.first_broken_flow);
  print_wait("silence", tally.silence);
  print_wait("lateness", tally.lateness);
  print_wait("open", open);
  std::printf("}");
}

// Everything of one end of the traffic.
class Load : public Handler {
 public:
  explicit Load(const Options& options) : options_(options) {
    loop_.watch(STDIN_FILENO, EPOLLIN, this);
    if (options.is_client)
      start_client();
    else
      start_server();
  }

  void run() {
    while (!input_ended_) loop_.run_once();
  }

  void on_ready(std::uint32_t /*events*/) override {
    char bytes[256];
    const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) {
      input_ended_ = true;
      return;
    }
    for (ssize_t i = 0; i < count; ++i) {
      if (bytes[i] != '\n') {
        command_ += bytes[i];
        continue;
      }
      obey();
      command_.clear();
    }
  }

 private:
  // Accepts long transfers.
  class Door : public Handler {
   public:
    Door(Load& load, std::uint16_t port) : load_(load), listener_(serve_on(SOCK_STREAM, port)) {
      load_.loop_.watch(listener_.fd(), EPOLLIN, this);
    }

    void on_ready(std::uint32_t /*events*/) override {
      while (Socket accepted = accept_from(listener_))
        load_.transfers_.push_back(
            std::make_unique<Transfer>(load_.loop_, load_.transfer_tally_, std::move(accepted)));
    }

   private:
    Load& load_;
    Socket listener_;
  };

  void start_server() {
    door_ = std::make_unique<Door>(*this, options_.port);
    short_server_ = std::make_unique<ShortServer>(loop_, short_tally_,
                                                  static_cast<std::uint16_t>(options_.port + 1));
    datagram_server_ = std::make_unique<DatagramServer>(
        loop_, datagram_tally_, static_cast<std::uint16_t>(options_.port + 2));
  }

  // Every source towards the server of its family.
  std::vector<Path> paths(int port_offset) const {
    const auto port = static_cast<std::uint16_t>(options_.port + port_offset);
    std::vector<Path> all;
    for (const std::string& source_text : options_.sources) {
      const Address source = Address::parse(source_text, 0);
      for (const std::string& server_text : options_.servers) {
        const Address server = Address::parse(server_text, port);
        if (server.is_ipv6() == source.is_ipv6()) all.push_back({source, server});
      }
    }
    if (all.empty()) throw std::invalid_argument("no --server of the family of any --source");
    return all;
  }

  void start_client() {
    const std::vector<Path> ways = paths(0);
    for (std::uint32_t flow = 0; flow < options_.transfers; ++flow) {
      const Path& way = ways[flow % ways.size()];
      const bool upwards = flow / ways.size() % 2 == 1;
      const Hello hello{.flow = flow,
                        .chunk_bytes = options_.chunk_bytes,
                        .down_interval_us = upwards ? 0 : options_.interval_us,
                        .up_interval_us = upwards ? options_.interval_us : 0};
      transfers_.push_back(std::make_unique<Transfer>(
          loop_, transfer_tally_, connect_from(SOCK_STREAM, way.source, way.destination), hello));
    }
    short_client_ = std::make_unique<ShortClient>(loop_, short_tally_, paths(1), options_.rate);
    const std::vector<Path> datagram_ways = paths(2);
    for (std::uint32_t flow = 0; flow < options_.datagram_flows; ++flow) {
      const Path& way = datagram_ways[flow % datagram_ways.size()];
      datagram_flows_.push_back(std::make_unique<DatagramFlow>(
          loop_, datagram_tally_, connect_from(SOCK_DGRAM, way.source, way.destination), flow,
          options_.datagram_us));
    }
  }

  void obey() {
    if (command_ == "stop" && options_.is_client) {
      for (const auto& transfer : transfers_) transfer->finish();
      short_client_->stop();
      for (const auto& flow : datagram_flows_) flow->stop();
    } else if (command_ != "report" && command_ != "mark") {
      std::printf("{\"error\":\"no such command\"}\n");
      std::fflush(stdout);
      return;
    }
    report();
    if (command_ == "mark")
      for (Tally* const tally : {&transfer_tally_, &short_tally_, &datagram_tally_}) tally->mark();
  }

  void report() const {
    const std::int64_t now = now_ns();
    std::printf("{\"now_ns\":%" PRId64, now);
    print_tally("transfers", transfer_tally_, open_wait(transfers_, now), 0);
    print_tally("shorts", short_tally_, {}, short_client_ ? short_client_->skipped() : 0);
    print_tally("datagrams", datagram_tally_, open_wait(datagram_flows_, now), 0);
    std::printf("}\n");
    std::fflush(stdout);
  }

  Options options_;
  Loop loop_;
  bool input_ended_ = false;
  std::string command_;
  Tally transfer_tally_;
  Tally short_tally_;
  Tally datagram_tally_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
  std::vector<std::unique_ptr<DatagramFlow>> datagram_flows_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<ShortClient> short_client_;
  std::unique_ptr<ShortServer> short_server_;
  std::unique_ptr<DatagramServer> datagram_server_;
};

// As many sockets as the system allows: thousands of connections are asked for at times.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace twinplane::load

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) {
    std::fputs(twinplane::load::kUsage, stdout);
    return 0;
  }
  try {
    const twinplane::load::Options options = twinplane::load::parse_options(words);
    twinplane::load::raise_descriptor_limit();
    twinplane::load::Load(options).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "twinplane-load: %s\n", error.what());
    return 1;
  }
  return 0;
}
