# SPDX-License-Identifier: BSD-3-Clause
"""One end of SCTP associations, over usrsctp and raw IP: clients that send numbers, a server that sends them back.

usage: sctp_end.py server ADDRESS[,ADDRESS...] PORT
       sctp_end.py client ADDRESS PORT OWN_ADDRESS[,OWN_ADDRESS...] OWN_PORT ASSOCIATIONS

A client opens its associations from OWN_PORT and the ports behind it. Then it does what its input says, a line each,
and answers each with a line: `count` (what went so far), `join ADDRESS` (to every association, RFC 5061), `abort` (the
first association), `end` (all others, in order).
"""

import ctypes
import json
import socket
import struct
import sys
import threading
import time

LIBRARY = "libusrsctp.so.2"
SCTP = 132
RTO_MIN_MS = 100
RTO_MAX_MS = 400
HEARTBEAT_MS = 200
PATH_LOSSES_MAX = 2  # in a row, then another path is taken
INTERVAL_S = 0.02
BINDX_ADD = 0x8001


def load():
    sctp = ctypes.CDLL(LIBRARY, use_errno=True)
    pointer = ctypes.c_void_p
    sctp.usrsctp_socket.restype = sctp.usrsctp_accept.restype = pointer
    sctp.usrsctp_socket.argtypes = [ctypes.c_int] * 3 + [pointer, pointer, ctypes.c_uint32, pointer]
    sctp.usrsctp_accept.argtypes = [pointer] * 3
    sctp.usrsctp_bind.argtypes = sctp.usrsctp_connect.argtypes = [pointer, pointer, ctypes.c_uint32]
    sctp.usrsctp_bindx.argtypes = [pointer, pointer, ctypes.c_int, ctypes.c_int]
    sctp.usrsctp_listen.argtypes = [pointer, ctypes.c_int]
    sctp.usrsctp_setsockopt.argtypes = [pointer, ctypes.c_int, ctypes.c_int, pointer, ctypes.c_uint32]
    sctp.usrsctp_close.argtypes = [pointer]
    sctp.usrsctp_sendv.restype = sctp.usrsctp_recvv.restype = ctypes.c_ssize_t
    sctp.usrsctp_sendv.argtypes = [pointer, pointer, ctypes.c_size_t, pointer, ctypes.c_int, pointer, ctypes.c_uint32,
                                   ctypes.c_uint, ctypes.c_int]
    sctp.usrsctp_recvv.argtypes = [pointer, pointer, ctypes.c_size_t] + [pointer] * 6
    sctp.usrsctp_init(0, None, None)
    sctp.usrsctp_sysctl_set_sctp_rto_min_default(RTO_MIN_MS)
    sctp.usrsctp_sysctl_set_sctp_rto_initial_default(RTO_MIN_MS)
    sctp.usrsctp_sysctl_set_sctp_rto_max_default(RTO_MAX_MS)
    sctp.usrsctp_sysctl_set_sctp_heartbeat_interval_default(HEARTBEAT_MS)
    sctp.usrsctp_sysctl_set_sctp_path_rtx_max_default(PATH_LOSSES_MAX)
    sctp.usrsctp_sysctl_set_sctp_assoc_rtx_max_default(100)
    return sctp


def address_of(text, port):
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(text) + bytes(8)


def checked(result, what):
    if result is None or result == -1:
        raise OSError(ctypes.get_errno(), what)
    return result


class End:
    """A socket; of an association once it is connected or accepted."""

    def __init__(self, sctp, handle=None):
        self.sctp = sctp
        self.handle = handle or checked(sctp.usrsctp_socket(socket.AF_INET, socket.SOCK_STREAM, SCTP, None, None, 0,
                                                            None), "socket")

    def bind(self, addresses, port):
        checked(self.sctp.usrsctp_bind(self.handle, address_of(addresses[0], port), 16), "bind")
        for address in addresses[1:]:
            self.join(address, port)

    def join(self, address, port):
        checked(self.sctp.usrsctp_bindx(self.handle, address_of(address, port), 1, BINDX_ADD), "join")

    def abort(self):
        lingers_not = struct.pack("=ii", 1, 0)
        checked(self.sctp.usrsctp_setsockopt(self.handle, socket.SOL_SOCKET, socket.SO_LINGER, lingers_not, 8), "linger")
        self.sctp.usrsctp_close(self.handle)

    def send(self, data):
        checked(self.sctp.usrsctp_sendv(self.handle, data, len(data), None, 0, None, 0, 0, 0), "send")

    def receive(self):
        """A message; nothing when the other end has left."""
        buffer = ctypes.create_string_buffer(2048)
        source, info = ctypes.create_string_buffer(128), ctypes.create_string_buffer(128)
        source_bytes, info_bytes = ctypes.c_uint32(128), ctypes.c_uint32(128)
        kind, flags = ctypes.c_uint(0), ctypes.c_int(0)
        count = checked(
            self.sctp.usrsctp_recvv(self.handle, buffer, 2048, source, ctypes.byref(source_bytes), info,
                                    ctypes.byref(info_bytes), ctypes.byref(kind), ctypes.byref(flags)), "receive")
        return buffer.raw[:count]


def send_back(end):
    try:
        while data := end.receive():
            end.send(data)
    except OSError:
        pass  # aborted
    end.sctp.usrsctp_close(end.handle)


def serve(addresses, port):
    sctp = load()
    listener = End(sctp)
    listener.bind(addresses, port)
    checked(sctp.usrsctp_listen(listener.handle, 16), "listen")
    print("listening", flush=True)
    while True:
        one = End(sctp, checked(sctp.usrsctp_accept(listener.handle, None, None), "accept"))
        threading.Thread(target=send_back, args=(one,), daemon=True).start()


class Caller(threading.Thread):
    """An association, and one number after the other over it."""

    def __init__(self, sctp, target, own, own_port):
        super().__init__(daemon=True)
        self.end = End(sctp)
        self.end.bind(own, own_port)
        self.port = own_port
        checked(sctp.usrsctp_connect(self.end.handle, address_of(*target), 16), "connect")
        self.messages = 0
        self.longest_s = 0.0
        self.fault = None
        self.is_ending = False

    def run(self):
        try:
            while not self.is_ending:
                sent = time.monotonic()
                self.end.send(struct.pack("!I", self.messages))
                if self.end.receive() != struct.pack("!I", self.messages):
                    raise ValueError(f"message {self.messages} came back as another")
                self.longest_s = max(self.longest_s, time.monotonic() - sent)
                self.messages += 1
                time.sleep(INTERVAL_S)
        except (OSError, ValueError) as error:
            self.fault = str(error)

    def told(self):
        return {"messages": self.messages, "longest_ms": round(self.longest_s * 1000), "fault": self.fault}

    def stop(self, *, aborts=False):
        self.is_ending = True
        self.join(5)
        told = self.told()
        if aborts:
            self.end.abort()
        else:
            self.end.sctp.usrsctp_close(self.end.handle)
        return told


def call(address, port, own, own_port, count):
    sctp = load()
    callers = [Caller(sctp, (address, port), own, own_port + number) for number in range(count)]
    for one in callers:
        one.start()
    print("connected", flush=True)
    for line in sys.stdin:
        word, *words = line.split()
        if word == "join":
            for one in callers:
                one.end.join(words[0], one.port)
        if word == "abort":
            answer = [callers.pop(0).stop(aborts=True)]
        elif word == "end":
            answer = [one.stop() for one in callers]
        else:
            answer = [one.told() for one in callers]
        print(json.dumps(answer), flush=True)
        if word == "end":
            time.sleep(1)  # in which they shut down
            return


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2].split(","), int(sys.argv[3]))
    else:
        call(sys.argv[2], int(sys.argv[3]), sys.argv[4].split(","), int(sys.argv[5]), int(sys.argv[6]))
