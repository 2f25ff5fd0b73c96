# SPDX-License-Identifier: BSD-3-Clause
"""Frames of the HA2 protocol as bytes, good and forged. Layout: ha2/PROTOCOL.md section 2."""

import ctypes
import ctypes.util
import struct
from dataclasses import dataclass, replace

ETHERTYPE = 0x7261
CHECKSUM_SEED = 0x7261
HEADER = struct.Struct("<BBHIIHHQII")
DATA, HEARTBEAT, STATUS, HELLO, KEEPALIVE = range(1, 6)
LINK_PARTITION = 0xFFFF
HEADER_BYTES, CHECKSUM_BYTES = HEADER.size, 8
STATUS_BYTES = 82  # of a status without lost bits

xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
xxhash.XXH3_64bits_withSeed.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)


@dataclass(frozen=True)
class Frame:
    type: int
    partition: int = 0
    session: int = 0
    term: int = 0
    seq: int = 1
    floor_distance: int = 1
    section_count: int = 0
    version: int = 1
    body: bytes = b""
    frame_bytes: int = None  # what the header says; None: the truth

    def bytes(self, checksum=None):
        true_bytes = HEADER_BYTES + len(self.body) + CHECKSUM_BYTES
        head = HEADER.pack(self.version, self.type, self.partition, self.session, self.term,
                           true_bytes if self.frame_bytes is None else self.frame_bytes, self.section_count,
                           self.seq, self.floor_distance, 0)
        sealed = head + self.body
        if checksum is None:
            checksum = xxhash.XXH3_64bits_withSeed(sealed, len(sealed), CHECKSUM_SEED)
        return sealed + struct.pack("<Q", checksum)

    def but(self, **changes):
        return replace(self, **changes)


def read(payload):
    """The header of a genuine frame."""
    version, kind, partition, session, term, frame_bytes, sections, seq, distance, _ = HEADER.unpack_from(payload)
    return Frame(kind, partition, session, term, seq, distance, sections, version,
                 payload[HEADER_BYTES:frame_bytes - CHECKSUM_BYTES])


def section(kind, record, count=None, record_bytes=None):
    """A section of one record."""
    return struct.pack("<BBH", kind, len(record) if record_bytes is None else record_bytes,
                       1 if count is None else count) + record


def empty_slot(slot):
    """`slot` of the IPv4 sessions holds nothing."""
    return section(5, struct.pack("<I", slot))


def keepalive(boot_id, box_id, role, path=0, term=0):
    return Frame(KEEPALIVE, LINK_PARTITION,
                 body=struct.pack("<QBBBBIBBBI", boot_id, box_id, role, 255, path, term, 1, 0, 0, 1))


def hello(boot_id, box_id, item_count=0, items=b""):
    return Frame(HELLO, LINK_PARTITION,
                 body=struct.pack("<QQQQBBBHHH", boot_id, 1, 1, 0, box_id, 0, 0, 1500, item_count, 3) + items)
