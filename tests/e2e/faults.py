# SPDX-License-Identifier: BSD-3-Clause
"""The main job over an HA2 link that loses, doubles, reorders, delays and damages: nothing else is lost."""

import math
import subprocess
import sys

import main_job
from lab import ROOT, expect

PERCENT = {"lost": 5, "duplicated": 2, "reordered": 3, "corrupted": 1}
ASKED = "loss=5%,dup=2%,reorder=3%,delay=1ms-2ms,corrupt=1%,seed=7"
DEVIATIONS = 6


# What is asked for, and what the answer says of it.
WRONG = {
    "los=5%": '"los" is no fault; there are: loss, burst',
    "loss=5": 'loss takes a value as in loss=5%, not "5"',
    "loss=101%": "loss=101%: 101 is not from 0 to 100",
    "burst=1%": "burst takes a value as in burst=0.1%x8",
    "delay=2": "delay takes a value as in delay=2ms or delay=1ms-3ms",
    "dup=1%,dup=2%": "dup is given twice",
    "seed=1": "a seed alone does nothing",
}


def refuses(asked, said):
    done = subprocess.run([sys.executable, ROOT / "scripts/rig", "--check", "--faults", asked], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    expect(done.returncode == 2 and said in done.stderr, f"--faults {asked} is refused: {said}", done.stderr)


def main():
    for asked, said in WRONG.items():
        refuses(asked, said)
    result = main_job.run("--seconds", "8", "--faults", ASKED)
    done = result["link_faults_done"]
    through = done["frames"] - done["lost"]
    expect(done["frames"] > 5_000, f"there was something to do them to: {done['frames']} frames")
    for name, percent in PERCENT.items():
        tries, chance = (done["frames"] if name == "lost" else through), percent / 100
        wanted, deviation = tries * chance, math.sqrt(tries * chance * (1 - chance))
        expect(abs(done[name] - wanted) < DEVIATIONS * deviation,
               f"{name}: {done[name]} of {tries} are {percent} % but for {DEVIATIONS} deviations")
    expect(done["delayed"] == through, f"each that was not lost came late: {done['delayed']}")
    # What the survivor sends after the kill reaches nobody; a copy of a damaged frame is damaged too.
    refused = result["link_frames_refused"]
    expect(done["corrupted"] * 0.2 < refused <= done["corrupted"] * 1.1 + 10,
           f"of {done['corrupted']} damaged frames the receivers noticed {refused}")
    nothing = [name for name in ("lost_in_burst", "queue_full", "stalled", "not_held") if done[name]]
    expect(not nothing, f"what was not asked for was not done: {nothing}")


if __name__ == "__main__":
    main()
    print(f"passed: {__doc__}")
