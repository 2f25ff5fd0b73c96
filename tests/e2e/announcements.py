# SPDX-License-Identifier: BSD-3-Clause
"""A takeover on the wire: the new active box announces every address, and nobody else speaks."""

import collections
import time

import frames
import mail
from lab import PACKET_OUTGOING, Wire, expect, run

VIRTUAL_MAC = {"in0": frames.mac("00:1b:17:00:01:00"), "out0": frames.mac("00:1b:17:00:01:01")}
# The ports' own, and public addresses of servers on the other side.
ADDRESSES = {"in0": ("10.1.0.254", "fd00:1::fe", *mail.MAIL.values()), "out0": ("10.2.0.254", "fd00:2::fe")}
BRIDGE = {"in0": "inside", "out0": "outside"}


class Tap:
    """What a box sends on its ports, seen where it comes in at the switches. (The box's own namespace
    does not see it: DPDK's af_packet driver goes past what taps listen to.)"""

    def __init__(self, lab, box):
        self.wires = {device: Wire(lab.network.names["switches"], f"{bridge}-{box.name}")
                      for device, bridge in BRIDGE.items()}

    def sent(self):
        """Since the last look: frames by device."""
        taken = collections.defaultdict(list)
        for device, wire in self.wires.items():
            wire.socket.settimeout(0)
            while True:
                try:
                    frame, source = wire.socket.recvfrom(65536)
                except BlockingIOError:
                    break
                if source[2] != PACKET_OUTGOING:
                    taken[device].append(frame)
        return taken


def gratuitous(frame):
    """The address that an ARP frame announces, or None."""
    if frame[12:14] != b"\x08\x06" or frame[28:32] != frame[38:42]:
        return None
    return ".".join(map(str, frame[28:32])) if frame[:6] == b"\xff" * 6 and frame[22:28] == frame[6:12] else None


def unsolicited(frame):
    """The address that a neighbor advertisement to all nodes announces, or None."""
    if frame[12:14] != b"\x86\xdd" or frame[20] != frames.ICMP6 or frame[54] != 136:
        return None
    flags = frame[58]
    is_to_all = frame[38:54] == frames.packed("ff02::1") and frame[:6] == bytes.fromhex("333300000001")
    is_sound = frame[21] == 255 and flags & 0x40 == 0 and flags & 0x20 and frame[80:86] == frame[6:12]
    return frame[62:78] if is_to_all and is_sound and frames.is_sound(frame) else None


def announced(sent, device):
    found = set()
    for frame in sent[device]:
        for address in ADDRESSES[device]:
            if gratuitous(frame) == address or unsolicited(frame) == frames.packed(address):
                found.add(address)
    return found


def bridge_port(lab, device):
    """Where the switch has the virtual MAC."""
    mac = ":".join(f"{byte:02x}" for byte in VIRTUAL_MAC[device])
    lines = lab.command("switches", "bridge", "fdb", "show", "br", BRIDGE[device]).stdout.splitlines()
    return [line.split()[2] for line in lines if line.startswith(mac)]


def test(lab):
    for box in lab.pair.boxes:
        box.more = mail.RULES
    active, passive = lab.start()
    lab.start_traffic()
    taps = {box.name: Tap(lab, box) for box in lab.pair.boxes}
    lab.wait(1)
    sent = {name: tap.sent() for name, tap in taps.items()}
    for device, mac in VIRTUAL_MAC.items():
        expect(sent[active.name][device] and all(frame[6:12] == mac for frame in sent[active.name][device]),
               f"the active box sends on {device}, always from the virtual MAC")
        expect(not sent[passive.name][device], f"the passive box sends nothing on {device}",
               [frame.hex() for frame in sent[passive.name][device]][:3])
        expect(bridge_port(lab, device) == [f"{BRIDGE[device]}-{active.name}"], "the switch has it at the active box")
    active.kill()
    for tap in taps.values():
        tap.sent()
    lab.until("the other box took over", lambda: (passive.status() or {}).get("role") == "active")
    time.sleep(0.3)
    sent = taps[passive.name].sent()
    for device, mac in VIRTUAL_MAC.items():
        expect(announced(sent, device) == set(ADDRESSES[device]),
               f"every address is announced on {device}", announced(sent, device))
        expect(all(frame[6:12] == mac for frame in sent[device]), "from the virtual MAC alone")
        expect(bridge_port(lab, device) == [f"{BRIDGE[device]}-{passive.name}"],
               "the switch has it at the new active box")
    lab.wait(1)
    expect(not any(taps[active.name].sent().values()), "the dead box says nothing")
    active.bury()
    # When it comes back it is passive and keeps silent.
    active.start()
    lab.in_sync()
    lab.wait(0.5)
    back = taps[active.name].sent()
    expect(not any(back.values()), "back and passive it says nothing")
    lab.end_traffic()


if __name__ == "__main__":
    run(test)
