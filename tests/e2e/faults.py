# SPDX-License-Identifier: BSD-3-Clause
"""The main job over an HA2 link that loses, doubles, reorders, delays and damages: nothing else is lost."""

import math

import main_job
from lab import expect

PERCENT = {"lost": 5, "duplicated": 2, "reordered": 3, "corrupted": 1}
ASKED = "loss=5%,dup=2%,reorder=3%,delay=1ms-2ms,corrupt=1%,seed=7"
DEVIATIONS = 6


def main():
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
    nothing = [name for name in ("lost_in_burst", "queue_full", "stalled", "not_held") if done[name]]
    expect(not nothing, f"what was not asked for was not done: {nothing}")


if __name__ == "__main__":
    main()
    print(f"passed: {__doc__}")
