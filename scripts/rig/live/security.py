# SPDX-License-Identifier: BSD-3-Clause
"""IPsec SAs with their sequence numbers: the survivor goes on above every number that the dead box may have used."""

import secrets

from live.companion import Companion, Serving

SA = """
[[security_association]]
name = "{name}"
spi = {spi}
direction = "{direction}"
source = "{source}"
destination = "{destination}"
keys_file = "{keys}"
esn = true
seconds = 86400
"""
ENDS = ("10.2.0.254", "10.2.0.1")
SAS = {"to-branch": (4096, "out", *ENDS), "from-branch": (4097, "in", *ENDS[::-1])}


def shown_by(box):
    """What a box says of each SA, by its name."""
    return {row["name"]: row for row in (box.ask("/twinplane/ipsec") or {}).values()}


class Security(Companion):
    name = "IPsec SAs"
    kinds = ("ipsec_sa", "ipsec_sequence")

    def __init__(self):
        self.keys = f"cipher {secrets.token_hex(32)}\nintegrity {secrets.token_hex(32)}\n"

    def sections(self, box):
        """Both boxes have the same keys, in a file that is its owner's alone."""
        file = box.rundir.path / "branch.keys"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(self.keys)
        return "".join(SA.format(name=name, spi=spi, direction=direction, source=source, destination=destination, keys=file)
                       for name, (spi, direction, source, destination) in SAS.items())

    def is_live(self, active, tables):
        return super().is_live(active, tables) and (
            sas := shown_by(active)).keys() == SAS.keys() and all(row["is_there"] for row in sas.values())

    def before_kill(self, active, passive):
        self.ceiling = shown_by(active)["to-branch"]["ceiling"]

    def after_kill(self, survivor):
        sas = shown_by(survivor)
        out = sas["to-branch"]
        fine = sas.keys() == SAS.keys() and all(row["is_there"] for row in sas.values()) and out["used"] >= self.ceiling > 0
        return Serving(self.name, self.kinds, fine,
                       f"{len(sas)} of {len(SAS)} are there; numbers go on behind {out['used']},"
                       f" the dead box might use up to {self.ceiling}",
                       numbers={"ceiling": self.ceiling, "goes_on_behind": out["used"],
                                "takeover": out["last_takeover"]})
