# SPDX-License-Identifier: BSD-3-Clause
"""One box on huge pages, its peer without: both work, and a killed box leaves no page behind."""

import os
import re
from pathlib import Path

from lab import expect, run, run_command, skip

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGES_WANTED = 512
IN_MEMORY = (re.compile(r'file = ".*"'), 'file = ""')


def free_pages():
    return int((POOL / "free_hugepages").read_text())


def reserve():
    """Gives the reservation to go back to, or None when there were pages enough."""
    if not POOL.is_dir():
        skip("this kernel has no pages of 2 MiB")
    if free_pages() >= PAGES_WANTED:
        return None
    reserved = int((POOL / "nr_hugepages").read_text())
    try:
        (POOL / "nr_hugepages").write_text(str(reserved + PAGES_WANTED))
    except OSError as error:
        skip(f"no huge pages are free and none can be reserved: {error}")
    if free_pages() < PAGES_WANTED:
        (POOL / "nr_hugepages").write_text(str(reserved))
        skip(f"{PAGES_WANTED} pages of 2 MiB could not be reserved; memory is short")
    return reserved


def pages_held(mount):
    """Pages of files on that mount, which has an account of its own: other programs use huge pages too."""
    state = os.statvfs(mount)
    return state.f_blocks - state.f_bfree


def uses_huge_pages(box):
    smaps = Path(f"/proc/{box.child.pid}/smaps").read_text()
    return re.search(r"KernelPageSize: +2048 kB", smaps) is not None


def with_and_without(lab, mount):
    lab.east.edits = (IN_MEMORY, ('huge_pages = "auto"', 'huge_pages = "on"'))
    lab.west.edits = (IN_MEMORY, ('huge_pages = "auto"', 'huge_pages = "off"'))
    active, _ = lab.start()
    expect(uses_huge_pages(lab.east) and "huge_pages=yes" in lab.east.file("log").read_text(),
           "on: packets and tables are on huge pages")
    expect(not uses_huge_pages(lab.west) and "huge_pages=no" in lab.west.file("log").read_text(),
           "off: none is used, and the log says what it costs")
    expect(pages_held(mount) > 0, f"{pages_held(mount)} pages are in use by DPDK")
    lab.start_traffic()
    lab.verify(active, "across both kinds of memory")
    lab.east.kill()
    lab.until("the box without is active", lambda: (lab.west.status() or {}).get("role") == "active")
    lab.east.bury()
    lab.wait(1)
    expect(pages_held(mount) == 0 and not list(mount.iterdir()), "every page is free again, and no file is left")
    lab.east.edits = (IN_MEMORY,)
    lab.east.start()
    lab.in_sync()
    expect(uses_huge_pages(lab.east), "auto: they are used when there are some")
    lab.end_traffic()


def test(lab):
    reserved = reserve()
    mount = lab.rundir.path / "huge"
    try:
        mount.mkdir()
        run_command("mount", "-t", "hugetlbfs", "-o", "pagesize=2M,size=1G", "none", str(mount))
        with_and_without(lab, mount)
    finally:
        for box in lab.pair.boxes:
            if box.is_running():
                box.kill()
                box.child.wait()
        run_command("umount", str(mount), check=False)
        if reserved is not None:
            (POOL / "nr_hugepages").write_text(str(reserved))


if __name__ == "__main__":
    run(test)
