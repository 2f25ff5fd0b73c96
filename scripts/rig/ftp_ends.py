# SPDX-License-Identifier: BSD-3-Clause
"""FTP ends that the rig did not write: vsftpd, and control sessions of Python's ftplib that open their data connections
when they are told to."""

import ftplib
import hashlib
import os
import socket
import subprocess
import time

from commands import RigError
from network import inside

SMALL, LARGE = 300_000, 6_000_000
START_TIMEOUT_S = 10
CONFIGURATION = """\
listen=NO
listen_ipv6=YES
background=NO
anonymous_enable=YES
no_anon_password=YES
local_enable=NO
anon_root={files}
ftp_username=ftp
nopriv_user=nobody
secure_chroot_dir={empty}
connect_from_port_20=YES
seccomp_sandbox=NO
isolate_network=NO
xferlog_enable=NO
pasv_min_port=50000
pasv_max_port=50999
"""


class Server:
    """vsftpd with two files, in the server's namespace."""

    def __init__(self, scene):
        files, empty = scene.rundir.path / "ftp", scene.rundir.path / "ftp-empty"
        self.sums = {}
        for folder in (files, empty):
            folder.mkdir(mode=0o755)
        for name, count in (("small", SMALL), ("large", LARGE)):
            content = os.urandom(count)
            (files / name).write_bytes(content)
            (files / name).chmod(0o644)
            self.sums[name] = hashlib.sha256(content).hexdigest()
        os.chmod(scene.rundir.path, 0o755)
        path = scene.rundir.path / "vsftpd.conf"
        path.write_text(CONFIGURATION.format(files=files, empty=empty))
        self.child = scene.rundir.start(["vsftpd", str(path)], scene.network.names["server"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._wait_until_it_listens(scene.network.names["server"])

    def _wait_until_it_listens(self, namespace):
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with inside(namespace):
                one = socket.socket(socket.AF_INET6)
            with one:
                if one.connect_ex(("::1", 21)) == 0:
                    return
            if self.child.poll() is not None:
                raise RigError(f"vsftpd does not start: {self.child.stdout.read().decode()}")
            if time.monotonic() > deadline:
                raise RigError(f"vsftpd does not listen after {START_TIMEOUT_S} s")
            time.sleep(0.02)

    def stop(self):
        self.child.terminate()
        self.child.wait()


class Session:
    """A control session of ftplib."""

    def __init__(self, scene, server, source, host):
        self.scene = scene
        self.server = server
        self.host = host
        with inside(scene.network.names["client"]):
            self.ftp = ftplib.FTP(timeout=20, source_address=(source, 0))
            self.ftp.connect(host)
        self.ftp.login()
        self.ftp.voidcmd("TYPE I")
        self.listener = self.waiting = None

    def announce_active(self):
        with inside(self.scene.network.names["client"]):
            self.listener = self.ftp.makeport()

    def announce_passive(self):
        self.waiting = self.ftp.makepasv()

    def retrieve(self):
        """The data connection opens only now."""
        if self.listener is not None:
            reply = self.ftp.sendcmd("RETR small")
            self.listener.settimeout(20)
            data = self.listener.accept()[0]
            self.listener.close()
        else:
            with inside(self.scene.network.names["client"]):
                data = socket.create_connection(self.waiting, 20, (self.ftp.sock.getsockname()[0], 0))
            reply = self.ftp.sendcmd("RETR small")
        self.listener = self.waiting = None
        content = b""
        while piece := data.recv(65536):
            content += piece
        data.close()
        self.ftp.voidresp()
        return reply.startswith("1") and hashlib.sha256(content).hexdigest() == self.server.sums["small"]

    def works(self):
        self.announce_active()
        if not self.retrieve():
            return False
        self.announce_passive()
        return self.retrieve()
