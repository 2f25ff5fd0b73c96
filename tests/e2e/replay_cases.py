# SPDX-License-Identifier: BSD-3-Clause
"""What scripts/replay counts, refuses and survives.

usage: replay_cases.py PATH_OF_SCRIPTS_REPLAY
"""

import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

from replay_frames import (
    ABORT, ACK, DATA, SERVER4, SERVER6, SYN, association, capture, captured, conversation, ethernet, flipped, ip, sctp,
    tcp, udp, unreachable,
)

REPLAY = sys.argv.pop(1)
CLIENTS4 = [f"192.0.2.{n}" for n in range(1, 21)]
CLIENTS6 = [f"2001:db8:1::{n:x}" for n in range(1, 21)]

CONFIG = """
[box]
name = "east"
id = 0
[[port]]
name = "inside"
device = "net_null0"
zone = "trust"
addresses = ["192.0.2.254/24"]
[[port]]
name = "outside"
device = "net_null1"
zone = "untrust"
addresses = ["203.0.113.254/24"]
[[route]]
prefix = "0.0.0.0/0"
via = "203.0.113.1"
port = "outside"
[[rule]]
name = "no-telnet"
from = ["trust"]
to = ["untrust"]
protocol = "tcp"
ports = ["23"]
action = "drop"
[[rule]]
name = "here-only"
from = ["trust"]
to = ["untrust"]
protocol = "udp"
ports = ["53"]
action = "allow"
sync = false
[[rule]]
name = "out"
from = ["trust"]
to = ["untrust"]
action = "allow"
[[nat]]
name = "hide"
from = ["trust"]
to = ["untrust"]
source = ["192.0.2.0/24"]
addresses = ["203.0.113.254"]
[ha2]
device = "net_null2"
[ha1]
local = "127.0.0.1:28260"
peer = "127.0.0.1:28261"
"""


DESTINATIONS = """
[[rule]]
name = "in"
from = ["untrust"]
to = ["trust"]
action = "allow"
[[nat]]
name = "web"
from = ["untrust"]
destination = "203.0.113.80"
protocol = "tcp"
destination_port = "80"
translated_destination = "192.0.2.80"
translated_port = 8080
[[nat]]
name = "mail"
from = ["untrust"]
destination = "203.0.113.25"
translated_destination = "192.0.2.25"
bidirectional = true
"""


class Replay(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.count = 0

    def write(self, data, name=None):
        self.count += 1
        path = self.folder / (name or f"{self.count}.pcap")
        path.write_bytes(data)
        return str(path)

    def run_replay(self, *words, status=0):
        done = subprocess.run([REPLAY, *words], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def replay(self, *words, status=0):
        """The sessions of the active box, of the passive box, and the summary."""
        lines = [json.loads(line) for line in self.run_replay(*words, status=status).stdout.splitlines()]
        summary = lines.pop()
        of = {"active": [], "passive": []}
        self.shared = {"active": [], "passive": []}  # what the boxes' workers share
        for line in lines:
            (self.shared if "table" in line else of)[line.pop("box")].append(line)
        self.assertEqual(len(self.shared["active"]), len(self.shared["passive"]))
        self.assertEqual(summary["equal"], status == 0)
        self.assertEqual(
            summary["packets"],
            summary["forwarded"] + summary["to_box"] + sum(summary["dropped"].values()))
        if "--quiet-sessions" not in words:
            self.assertEqual(len(of["active"]), summary["sessions_active"])
            self.assertEqual(len(of["passive"]), summary["sessions_passive"])
        return of["active"], of["passive"], summary

    def test_sessions_stand_on_both_boxes_alike(self):
        frames = []
        for number, (client4, client6) in enumerate(zip(CLIENTS4, CLIENTS6)):
            # Tagged and untagged in one file.
            frames += conversation(client4, SERVER4, 4000, vlan=number % 3, closes=False)
            frames += conversation(client6, SERVER6, 4000, vlan=number % 3, closes=False)
        active, passive, summary = self.replay(self.write(capture(frames)))
        self.assertEqual(summary["packets"], 160)
        self.assertEqual(summary["forwarded"], 160)
        self.assertEqual(summary["sessions_created"], 40)
        self.assertEqual(active, passive)
        self.assertEqual({line["client"] for line in active},
                         {f"{c}:4000" for c in CLIENTS4} | {f"[{c}]:4000" for c in CLIENTS6})
        self.assertEqual({(line["tcp_client"], line["tcp_server"]) for line in active},
                         {("established", "established")})

    def test_sessions_expire_by_the_stamps_of_the_capture(self):
        frames = [udp("192.0.2.1", SERVER4, (1000, 53)) for _ in range(3)]
        file = self.write(capture(frames, stamps=[0, 20_000_000, 90_000_000]))
        _, _, summary = self.replay(file)
        self.assertEqual((summary["sessions_created"], summary["sessions_expired"]), (2, 1))
        _, _, summary = self.replay("--as-fast-as-possible", file)
        self.assertEqual((summary["sessions_created"], summary["sessions_expired"]), (1, 0))
        active, passive, summary = self.replay("--expire-all", file)
        self.assertEqual((active, passive, summary["sessions_expired"]), ([], [], 2))

    def test_stamps_that_jump_years_ahead_and_back_do_no_harm(self):
        frames = [udp("192.0.2.1", SERVER4, (1000 + n, 53)) for n in range(6)]
        years = 136 * 365 * 24 * 3600 * 1_000_000
        file = self.write(capture(frames, stamps=[5, years, 0, years // 2, 4, years]))
        _, _, summary = self.replay(file, file, file, file)
        self.assertEqual(summary["packets"], 24)

    def test_mid_stream_tcp_makes_a_session_only_when_asked_to(self):
        frames = conversation("192.0.2.1", SERVER4, 4000, closes=False)[2:] * 2
        file = self.write(capture(frames))
        _, _, summary = self.replay(file)
        self.assertEqual((summary["sessions_created"], summary["dropped"]), (0, {"tcp_not_syn": 4}))
        active, _, summary = self.replay("--pick-up", file)
        self.assertEqual((summary["sessions_created"], summary["sessions_picked_up"]), (1, 1))
        self.assertEqual((active[0]["tcp_client"], active[0]["tcp_server"]), ("established", "established"))
        self.assertTrue(active[0]["reply_seen"])

    def test_fragments_follow_their_first(self):
        datagram = b"\x03\xe8\x00\x35\x00\x28\0\0" + b"x" * 32
        first = ip("192.0.2.1", SERVER4, 17, datagram[:24], fragment=0x2000)
        last = ip("192.0.2.1", SERVER4, 17, datagram[24:], fragment=3)
        orphan = ip("192.0.2.1", SERVER4, 17, datagram[24:], fragment=3, number=2)
        _, _, summary = self.replay(self.write(capture([first, last, orphan])))
        self.assertEqual((summary["forwarded"], summary["sessions_created"]), (2, 1))
        self.assertEqual(summary["dropped"], {"no_first_fragment": 1})

    def test_an_icmp_error_finds_the_session_that_it_quotes(self):
        for client, server, router in ((CLIENTS4[0], SERVER4, "198.51.100.1"), (CLIENTS6[0], SERVER6, "2001:db8:2::1")):
            asked = udp(client, server, (4000, 53), data=b"z" * 40)
            for source in (server, router):
                file = self.write(capture([asked, unreachable(asked, source, client)]))
                _, _, summary = self.replay(file)
                self.assertEqual((summary["forwarded"], summary["dropped"]), (2, {}))
                self.assertEqual((summary["sessions_created"], summary["icmp_errors"]), (1, 0))
            stranger = udp(client, server, (4001, 53))
            _, _, summary = self.replay(self.write(capture([asked, unreachable(stranger, router, client)])))
            self.assertEqual((summary["forwarded"], summary["dropped"]), (1, {"icmp_no_session": 1}))

    def test_a_hostile_quote_is_dropped_by_its_own_reason(self):
        for client, server in ((CLIENTS4[0], SERVER4), (CLIENTS6[0], SERVER6)):
            asked = udp(client, server, (4000, 53))
            about_error = unreachable(unreachable(asked, server, client), client, server)
            frames = [asked, about_error] + [unreachable(asked, server, client, quoted=size) for size in range(28)]
            _, _, summary = self.replay(self.write(capture(frames)))
            self.assertEqual((summary["forwarded"], summary["dropped"]), (1, {"quote_cut": 28, "quote_malformed": 1}))

    def test_each_packet_that_is_not_forwarded_has_a_reason(self):
        frames = [
            udp("192.0.2.1", SERVER4, (1, 2), ttl=1),
            udp("192.0.2.1", "224.0.0.251", (5353, 5353)),
            udp("192.0.2.1", "192.0.2.1", (1, 2)),
            ethernet(b"", 0x88CC),
            ethernet(bytes.fromhex("0001080006040001020000000001c0000201000000000000c00002fe"), 0x0806),
        ]
        _, _, summary = self.replay(self.write(capture(frames)))
        self.assertEqual(summary["to_box"], 1)
        self.assertEqual(summary["icmp_errors"], 0, "the box has no address to speak as")
        self.assertEqual(summary["dropped"],
                         {"not_for_us": 1, "land": 1, "group_frame": 1, "ttl_exceeded": 1})

    def test_frames_of_any_size_and_content_are_survived(self):
        source = random.Random(1)
        whole = tcp("192.0.2.1", SERVER4, (1, 2), SYN, data=b"x" * 40)
        frames = [whole[:size] for size in range(len(whole))]
        frames += [source.randbytes(source.randrange(200)) for _ in range(500)]
        frames += [udp("192.0.2.1", SERVER4, (1, 2), data=b"x" * size) for size in (9000, 64000)]
        frames += [ethernet(b"\0" * 100_000, 0x0800), ethernet(b"\0" * 262_000, 0x86DD)]
        _, _, summary = self.replay(self.write(capture(frames)))
        self.assertEqual(summary["packets"], len(frames))
        self.assertEqual(summary["dropped"]["no_buffer"], 2)
        _, _, summary = self.replay(self.write(capture(frames, cut_at=60)))
        self.assertEqual(summary["packets"], len(frames))

    def test_damaged_copies_leave_the_boxes_equal(self):
        frames = []
        for client4, client6 in zip(CLIENTS4, CLIENTS6):
            frames += conversation(client4, SERVER4, 4000) + conversation(client6, SERVER6, 4000)
            frames += [udp(client6, SERVER6, (9, 53), data=b"y" * 100)]
        good = capture(frames)
        files = [self.write(flipped(good, seed)) for seed in range(60)]
        for options in ([], ["--pick-up", "--as-fast-as-possible"], ["--loss", "30"]):
            _, _, summary = self.replay(*options, *files)
            self.assertEqual(summary["captures"], 60)

    def test_lost_frames_are_repaired_and_the_seed_repeats_a_run(self):
        frames = sum((conversation(client, SERVER4, port) for client in CLIENTS4 for port in range(50)), [])
        words = ["--quiet-sessions", "--loss", "40", "--seed", "5", self.write(capture(frames))]
        _, _, summary = self.replay(*words)
        self.assertGreater(summary["frames_lost"], 0)
        self.assertEqual(self.replay(*words)[2], summary)

    def test_a_link_that_loses_nearly_all_is_not_called_equal(self):
        frames = conversation("192.0.2.1", SERVER4, 4000)
        _, _, summary = self.replay("--loss", "99", "--partitions", "1", self.write(capture(frames)), status=2)
        self.assertFalse(summary["quiet"])

    def test_a_full_table_refuses_and_says_so(self):
        frames = [udp("192.0.2.1", SERVER4, (1000 + n, 53)) for n in range(100)]
        _, _, summary = self.replay("--partitions", "1", "--slots4", "64", self.write(capture(frames)))
        self.assertEqual((summary["sessions_created"], summary["dropped"]), (64, {"table_full": 36}))

    def test_a_configuration_brings_its_rules_and_its_translation(self):
        config = self.write(CONFIG.encode(), "east.toml")
        frames = [
            tcp("192.0.2.1", SERVER4, (4000, 80), SYN),
            tcp("192.0.2.1", SERVER4, (4000, 23), SYN),
            udp("192.0.2.1", SERVER4, (4000, 53)),
            tcp("192.0.2.1", SERVER4, (4001, 80), SYN, vlan=7),
            tcp(SERVER4, "192.0.2.1", (80, 4002), SYN),
        ]
        file = self.write(capture(frames))
        active, passive, summary = self.replay("--config", config, file)
        self.assertEqual(summary["dropped"], {"wrong_vlan": 1, "rule": 2})
        self.assertEqual({line["protocol"]: line["local_only"] for line in active}, {6: False, 17: True})
        self.assertEqual([line["protocol"] for line in passive], [6])
        self.assertTrue(passive[0]["translated_client"].startswith("203.0.113.254:"))
        wrong = self.write(b"[box]\nname = 7\n", "wrong.toml")
        self.assertIn("box.name", self.run_replay("--config", wrong, file, status=1).stderr)

    def test_destinations_are_translated_both_ways_whatever_the_partition(self):
        config = self.write((CONFIG + DESTINATIONS).encode(), "east.toml")
        outsiders = [f"203.0.113.{n}" for n in range(1, 21)]
        frames = []
        for outsider in outsiders:
            frames += [
                tcp(outsider, "203.0.113.80", (4000, 80), SYN),
                tcp("192.0.2.80", outsider, (8080, 4000), SYN | ACK),
                udp(outsider, "203.0.113.25", (4000, 53)),
                udp("192.0.2.25", outsider, (53, 4000)),
                udp("192.0.2.25", outsider, (5000, 123)),
                udp(outsider, "203.0.113.25", (123, 5000)),
                tcp(outsider, "203.0.113.80", (4000, 22), SYN),
            ]
            asked = udp(outsider, "192.0.2.25", (4000, 53))
            answered = udp("203.0.113.25", outsider, (53, 4000))
            frames += [unreachable(asked, "192.0.2.25", outsider), unreachable(answered, outsider, "203.0.113.25")]
        datagram = b"\x03\xe8\x00\x35\x00\x28\0\0" + b"x" * 32
        frames += [ip("203.0.113.77", "203.0.113.25", 17, datagram[:24], fragment=0x2000),
                   ip("203.0.113.77", "203.0.113.25", 17, datagram[24:], fragment=3)]
        file = self.write(capture(frames))
        for partitions in ("1", "16"):
            active, passive, summary = self.replay("--config", config, "--partitions", partitions, file)
            self.assertEqual(summary["dropped"], {"local_refused": 20})
            self.assertEqual((summary["sessions_created"], summary["forwarded"]), (61, 162))
            self.assertEqual(sum(line["reply_seen"] for line in active), 60)
            self.assertEqual(active, passive)
            self.assertEqual({line["translated_server"] for line in active if line["protocol"] == 6},
                             {"192.0.2.80:8080"})
            self.assertEqual({line["translated_client"] for line in active if line["client"] == "192.0.2.25:5000"},
                             {"203.0.113.25:5000"})

    def test_the_box_answers_as_the_port_that_the_packet_came_in_by(self):
        config = self.write(CONFIG.encode(), "east.toml")
        written = str(self.folder / "out.pcap")
        frames = [udp("192.0.2.1", SERVER4, (1, 2), ttl=1), udp("192.0.2.254", SERVER4, (1, 2), ttl=1)]
        _, _, summary = self.replay("--config", config, "--write", written, self.write(capture(frames)))
        self.assertEqual((summary["icmp_errors"], summary["dropped"]["ttl_exceeded"]), (2, 2))
        sources = [frame[26:30] for frame in captured(pathlib.Path(written).read_bytes())]
        self.assertEqual(sources, [bytes([192, 0, 2, 254]), bytes([203, 0, 113, 254])])

    def test_packets_are_cut_for_the_port_they_leave_by(self):
        narrow = CONFIG.replace('zone = "untrust"\n', 'zone = "untrust"\nmtu = 1280\n')
        config = self.write(narrow.encode(), "east.toml")
        written = str(self.folder / "out.pcap")
        frames = [udp("192.0.2.1", SERVER4, (1, 2), data=b"x" * size) for size in (1400, 64000)]
        frames += [udp("192.0.2.1", SERVER4, (1, 2), data=b"x" * 1400, fragment=0x4000)]
        _, _, summary = self.replay("--config", config, "--write", written, self.write(capture(frames)))
        self.assertEqual((summary["forwarded"], summary["fragmented"]), (1, 1))
        self.assertEqual(summary["dropped"], {"not_fragmented": 1, "too_big": 1})
        sizes = [len(frame) for frame in captured(pathlib.Path(written).read_bytes())]
        self.assertEqual(sizes, [14 + 20 + 1256, 14 + 20 + 152, 14 + 20 + 8 + 528 + 20])

    def test_associations_stand_on_both_boxes_alike(self):
        ports, tags = (2906, 6303), (0xDD68D33D, 0xD42B4892)
        frames = association(CLIENTS4[0], SERVER4, ports, tags, other_client=CLIENTS4[1])
        frames += association(CLIENTS6[0], SERVER6, ports, (7, 8))
        message = (DATA, b"\0" * 13)
        frames += [
            sctp(CLIENTS4[1], SERVER4, ports, tags[1], message),  # by the other path
            sctp(CLIENTS4[2], SERVER4, ports, tags[1], message),  # by none
            sctp(CLIENTS4[0], SERVER4, ports, tags[1] + 1, message),
            sctp(CLIENTS4[0], SERVER4, ports, tags[1], message, right_checksum=False),
            sctp(CLIENTS4[0], SERVER4, ports, tags[1], message, fragment=0x2000),
        ]
        active, passive, summary = self.replay(self.write(capture(frames)))
        self.assertEqual((summary["packets"], summary["forwarded"]), (17, 13))
        self.assertEqual(summary["dropped"], {
            "sctp_unknown_address": 1, "sctp_no_association": 1, "sctp_bad_checksum": 1, "sctp_fragment": 1})
        self.assertEqual((summary["associations_created"], summary["sessions_created"]), (2, 0))
        self.assertEqual(active, passive)
        self.assertEqual({(line["client"], line["sctp"], line["client_addresses"]) for line in active},
                         {(f"{CLIENTS4[0]}:2906", "established", 2), (f"[{CLIENTS6[0]}]:2906", "established", 1)})

    def test_associations_that_are_over_expire(self):
        frames = association(CLIENTS4[0], SERVER4, (1000, 2000), (7, 8))
        frames += [sctp(CLIENTS4[0], SERVER4, (1000, 2000), 8, (ABORT, b""))]
        frames += [udp("192.0.2.1", SERVER4, (1000, 53))]
        file = self.write(capture(frames, stamps=[0] * 7 + [32_000_000]))
        _, _, summary = self.replay(file)
        self.assertEqual((summary["associations_created"], summary["associations_expired"]), (1, 1))

    def test_what_is_forwarded_can_be_written_and_replayed(self):
        file = self.write(capture(conversation("192.0.2.1", SERVER4, 4000)), "a b,c=\"d\".pcap")
        written = str(self.folder / "out,put.pcap")
        _, _, summary = self.replay("--write", written, file, file)
        self.assertEqual((summary["forwarded"], summary["sessions_ended"]), (14, 1))
        _, _, again = self.replay(written)
        self.assertEqual((again["packets"], again["sessions_created"]), (14, 2))

    def test_nothing_stays_where_dpdk_keeps_its_files(self):
        base = self.folder / "run"
        base.mkdir()
        file = self.write(capture([udp("192.0.2.1", SERVER4, (1, 2))]))
        subprocess.run([REPLAY, file], env={**os.environ, "RUNTIME_DIRECTORY": str(base)},
                       check=True, capture_output=True, timeout=300)
        self.assertEqual([path.name for path in base.iterdir()], ["dpdk"])
        self.assertEqual(list((base / "dpdk").iterdir()), [])

    def test_more_captures_than_dpdk_has_ports(self):
        file = self.write(capture([udp("192.0.2.1", SERVER4, (1, 2))]))
        _, _, summary = self.replay("--quiet-sessions", *[file] * 70)
        self.assertEqual((summary["captures"], summary["packets"]), (70, 70))

    def test_a_file_without_packets_is_fine_and_a_cut_one_is_replayed_up_to_the_cut(self):
        good = capture([udp("192.0.2.1", SERVER4, (1, 2))] * 3)
        _, _, summary = self.replay(self.write(capture([])))
        self.assertEqual(summary["packets"], 0)
        done = self.run_replay(self.write(good[:-1]))
        self.assertIn("damaged after 2 packets", done.stderr)
        self.assertIn('"captures_damaged":1', done.stdout)

    def test_what_stands_behind_damage_is_not_replayed(self):
        first, second = (capture([udp("192.0.2.1", SERVER4, (port, 2))]) for port in (1, 2))
        no_record = struct.pack("<IIII", 0, 0, 0x7FFFFFFF, 0x7FFFFFFF)
        done = self.run_replay(self.write(first + no_record + second[24:]))
        self.assertIn("damaged after 1 packets", done.stderr)
        self.assertIn('"packets":1,', done.stdout)

    def test_what_cannot_be_read_is_refused_with_a_remedy(self):
        good = self.write(capture([udp("192.0.2.1", SERVER4, (1, 2))]))
        for words, said in (
            ([good, str(self.folder / "none.pcap")], "No such file"),
            ([self.write(b"\x7fELF" + b"\0" * 100)], "editcap -F pcap"),
            ([self.write(b"")], "editcap -F pcap"),
            ([self.write(capture([], link_type=101))], "Ethernet is wanted"),
            ([str(self.folder)], "not a regular file"),
            (["--partitions", "3", good], "power of two"),
            (["--loss", "100", good], "99"),
            (["--config", good + ".toml", good], good + ".toml"),
            (["--write", str(self.folder / "no" / "where"), good], "cannot write"),
            (["--write", good, good], "overwrite"),
            ([], "FILE"),
        ):
            done = self.run_replay(*words, status=1)
            self.assertIn(said, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_help_teaches_users_of_packet_generators(self):
        text = self.run_replay("--help").stdout
        for word in ("--pick-up", "--as-fast-as-possible", "tcp_not_syn", "mergecap", "Exit status"):
            self.assertIn(word, text)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    unittest.main(verbosity=1)
