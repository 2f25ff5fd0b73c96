# SPDX-License-Identifier: BSD-3-Clause
"""An SCTP association of two real ends goes on when the active box is killed: usrsctp over raw IP."""

from lab import expect, run
from sctp_ends import Ends, associations, drops, need_library

CLIENT, SERVER, PORT = "10.1.0.2", "10.2.0.1", 5000
SECONDS = 8


def test(lab):
    active, passive = lab.start()
    ends = Ends(lab, (SERVER, PORT), (SERVER, PORT, CLIENT, 5100, 1))
    try:
        lab.wait(2)
        for box in (active, passive):
            expect(associations(box)["entries"] == 1, f"{box.name} holds the association", associations(box))
        lab.verify(active, "while the ends talk")
        active.kill()
        lab.until("the peer takes over", lambda: (one := passive.status()) and one["role"] == "active")
        lab.until("it forwards a packet of the association", lambda: passive.status()["first_packet_ns"] > 0)
        lab.wait(SECONDS - 3)
        (result,) = ends.ask("end")
        expect(result["fault"] is None, "every message came back, in order", result)
        expect(result["messages"] > SECONDS * 10 and result["longest_ms"] < 2000,
               f"{result['messages']} messages, the longest took {result['longest_ms']} ms")
        expect(associations(passive)["entries"] == 1 and not drops(passive),
               f"nothing of it was dropped: {drops(passive)}")
    finally:
        ends.kill()


if __name__ == "__main__":
    need_library()
    run(test)
