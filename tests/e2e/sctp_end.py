# SPDX-License-Identifier: BSD-3-Clause
"""One end of an SCTP association, over usrsctp and raw IP: a client that sends numbers, a server that sends them back.

usage: sctp_end.py server ADDRESS PORT
       sctp_end.py client ADDRESS PORT OWN_ADDRESS SECONDS
"""

import ctypes
import json
import socket
import struct
import sys
import time

LIBRARY = "libusrsctp.so.2"
SCTP = 132
RTO_MIN_MS = 100
INTERVAL_S = 0.02


def load():
    sctp = ctypes.CDLL(LIBRARY, use_errno=True)
    pointer = ctypes.c_void_p
    sctp.usrsctp_socket.restype = sctp.usrsctp_accept.restype = pointer
    sctp.usrsctp_socket.argtypes = [ctypes.c_int] * 3 + [pointer, pointer, ctypes.c_uint32, pointer]
    sctp.usrsctp_accept.argtypes = [pointer] * 3
    sctp.usrsctp_bind.argtypes = sctp.usrsctp_connect.argtypes = [pointer, pointer, ctypes.c_uint32]
    sctp.usrsctp_listen.argtypes = [pointer, ctypes.c_int]
    sctp.usrsctp_sendv.restype = sctp.usrsctp_recvv.restype = ctypes.c_ssize_t
    sctp.usrsctp_sendv.argtypes = [pointer, pointer, ctypes.c_size_t, pointer, ctypes.c_int, pointer, ctypes.c_uint32,
                                   ctypes.c_uint, ctypes.c_int]
    sctp.usrsctp_recvv.argtypes = [pointer, pointer, ctypes.c_size_t] + [pointer] * 6
    sctp.usrsctp_init(0, None, None)
    sctp.usrsctp_sysctl_set_sctp_rto_min_default(RTO_MIN_MS)
    sctp.usrsctp_sysctl_set_sctp_rto_initial_default(RTO_MIN_MS)
    return sctp


def address_of(text, port):
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(text) + bytes(8)


def checked(result, what):
    if result is None or result == -1:
        raise OSError(ctypes.get_errno(), what)
    return result


class End:
    def __init__(self, own, port=0):
        self.sctp = load()
        self.socket = checked(self.sctp.usrsctp_socket(socket.AF_INET, socket.SOCK_STREAM, SCTP, None, None, 0, None),
                              "socket")
        checked(self.sctp.usrsctp_bind(self.socket, address_of(own, port), 16), "bind")

    def send(self, data):
        checked(self.sctp.usrsctp_sendv(self.socket, data, len(data), None, 0, None, 0, 0, 0), "send")

    def receive(self):
        """A message; nothing when the other end has left."""
        buffer = ctypes.create_string_buffer(2048)
        source, info = ctypes.create_string_buffer(128), ctypes.create_string_buffer(128)
        source_bytes, info_bytes = ctypes.c_uint32(128), ctypes.c_uint32(128)
        kind, flags = ctypes.c_uint(0), ctypes.c_int(0)
        count = checked(
            self.sctp.usrsctp_recvv(self.socket, buffer, 2048, source, ctypes.byref(source_bytes), info,
                                    ctypes.byref(info_bytes), ctypes.byref(kind), ctypes.byref(flags)), "receive")
        return buffer.raw[:count]


def serve(address, port):
    end = End(address, port)
    checked(end.sctp.usrsctp_listen(end.socket, 1), "listen")
    print("listening", flush=True)
    end.socket = checked(end.sctp.usrsctp_accept(end.socket, None, None), "accept")
    while data := end.receive():
        end.send(data)


def ask(address, port, own, seconds):
    end = End(own)
    checked(end.sctp.usrsctp_connect(end.socket, address_of(address, port), 16), "connect")
    print("connected", flush=True)
    began = time.monotonic()
    count, longest_s = 0, 0.0
    while time.monotonic() - began < seconds:
        sent = time.monotonic()
        end.send(struct.pack("!I", count))
        if end.receive() != struct.pack("!I", count):
            raise ValueError(f"message {count} came back as another")
        longest_s = max(longest_s, time.monotonic() - sent)
        count += 1
        time.sleep(INTERVAL_S)
    print(json.dumps({"messages": count, "longest_ms": round(longest_s * 1000)}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        ask(sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
