# SPDX-License-Identifier: BSD-3-Clause
"""Configured IPsec SAs are kept equal: ceilings at both boxes, above the dead one's at the survivor, sealed when not kept."""

import os
import tempfile

from lab import expect, run

CIPHER = "c1" * 32
INTEGRITY = "1c" * 32


def sas(keys_file):
    rows = []
    for name, spi, direction, source, destination in (("to-branch", 4096, "out", "10.2.0.254", "10.2.0.1"),
                                                      ("from-branch", 4097, "in", "10.2.0.1", "10.2.0.254")):
        rows.append(f"[[security_association]]\nname = \"{name}\"\nspi = {spi}\ndirection = \"{direction}\"\n"
                    f"source = \"{source}\"\ndestination = \"{destination}\"\nkeys_file = \"{keys_file}\"\n"
                    "esn = true\nseconds = 3600\n")
    return "\n".join(rows) + "[ha2]"


def shown_by(box):
    """What the box says of each SA, by its name."""
    return {row["name"]: row for row in box.ask("/twinplane/ipsec").values()}


def test(lab):
    with tempfile.NamedTemporaryFile("w", suffix=".keys", delete=False) as keys:
        keys.write(f"cipher {CIPHER}\nintegrity {INTEGRITY}\n")
    os.chmod(keys.name, 0o600)
    try:
        check(lab, keys.name)
    finally:
        os.unlink(keys.name)


def check(lab, keys_file):
    for box in lab.pair.boxes:
        box.edits = (("[ha2]", sas(keys_file)),)
    active, passive = lab.start()
    lab.until("the peer has both SAs", lambda: all(row["is_there"] for row in shown_by(passive).values()))
    here, there = shown_by(active), shown_by(passive)
    expect(set(here) == {"to-branch", "from-branch"}, "both are shown", here)
    expect(here["to-branch"]["ceiling"] == there["to-branch"]["ceiling"] > 0, "both know one ceiling", (here, there))
    shown = str(here) + str(there) + str(active.ask("/twinplane/tables"))
    expect(CIPHER[:16] not in shown and INTEGRITY[:16] not in shown, "no key is shown")
    for kind in ("ipsec_sa", "ipsec_sequence"):
        expect(active.ask("/twinplane/tables")[kind]["now"] == "kept", f"{kind} is shown as kept")
    lab.verify(active, "with SAs")
    ceiling = here["to-branch"]["ceiling"]
    lab.wait(0.5)
    active.kill()
    lab.until("the other box took over", lambda: (passive.status() or {}).get("role") == "active")
    after = shown_by(passive)
    expect(after["to-branch"]["used"] >= ceiling, "it goes on above the dead box's ceiling", after)
    expect(after["to-branch"]["last_takeover"] in ("went on above the ceiling", "jumped"), "and is not sealed", after)
    active.bury()

    # Not kept equal: shown with its reason, and what the peer may have used is not used again.
    off = ("[ha2]", sas(keys_file) + '\noff_tables = ["ipsec_sa", "ipsec_sequence"]')
    active.edits = (off,)
    active.start()
    lab.in_sync()
    now = passive.ask("/twinplane/tables")["ipsec_sequence"]["now"]
    expect("at the peer" in now, "off by the peer", now)
    passive.kill()
    lab.until("the first box took over again", lambda: (active.status() or {}).get("role") == "active")
    after = shown_by(active)
    expect(after["to-branch"]["last_takeover"].startswith("sealed"), "an SA that the peer never told of is sealed", after)
    passive.bury()


if __name__ == "__main__":
    run(test)
