# SPDX-License-Identifier: BSD-3-Clause
"""Boxes that do not fit together: refused with the reason on both sides, no stream; yet never two active ones."""

from lab import expect, run

DIFFERENCES = (
    ("partitions", "partitions = 4", "partitions = 8"),
    ("session4_slots", "session4_slots = 16384", "session4_slots = 32768"),
    ("session6_slots", "session6_slots = 16384", "session6_slots = 32768"),
    ("sctp_slots", "full_policy", "sctp_slots = 8192\nfull_policy"),
    ("shift_slots", "full_policy", "shift_slots = 8192\nfull_policy"),
    ("expectation_slots", "full_policy", "expectation_slots = 512\nfull_policy"),
    ("symmetric_return", 'addresses = ["10.2.0.254/24"', 'symmetric_return = true\naddresses = ["10.2.0.254/24"'),
    ("port_names", 'name = "inside"', 'name = "within"'),
    ("box.id", "id = 1", "id = 0"),
)


def refused(lab, item, old, new):
    lab.west.edits = ((old, new),)
    lab.pair.start()
    lab.until(f"{item}: both boxes refuse",
              lambda: all((box.last_status or {}).get("sync") == "refused" for box in lab.pair.boxes), 10)
    for box in lab.pair.boxes:
        expect(item in box.last_status["refusal"], f"{box.name} says why: {box.last_status['refusal']}")
    lab.until("one box is active, the other passive",
              lambda: sorted(map(str, lab.roles())) == ["active", "passive"], 10)
    lab.wait(0.3)
    for box in lab.pair.boxes:
        status = box.last_status
        expect(status["sync"] == "refused" and status["frames_sent"] == status["frames_received"] == 0,
               f"{box.name} neither sends nor takes a stream")
        expect("stream=started" not in box.file("log").read_text(), f"{box.name} starts none")
    for box in lab.pair.boxes:
        box.kill()
        box.bury()


def test(lab):
    for difference in DIFFERENCES:
        refused(lab, *difference)


if __name__ == "__main__":
    run(test)
