# SPDX-License-Identifier: BSD-3-Clause
"""The network of the main job, in namespaces of its own.

      client 10.1.0.1 to .3                                   server 10.2.0.1
             fd00:1::1 to ::3                                        fd00:2::1
        |                                                       |
    [bridge inside]------in0 east out0------------------[bridge outside]
        |                    ha1 ha2                            |
        |                     |   |                             |
        |                    ha1 ha2                            |
        +----------------in0 west out0--------------------------+

The floating gateways (10.1.0.254, fd00:1::fe; 10.2.0.254, fd00:2::fe) belong to whichever box is
active. The first client address of each family is translated, the others are not. The kernels of
the boxes' namespaces have no address on in0, out0 and ha2 and keep silent there.
"""

import contextlib
import ctypes
import os
from pathlib import Path

from commands import RigError, run

CLIENT_TRANSLATED = ("10.1.0.1", "fd00:1::1")
CLIENT_PLAIN = ("10.1.0.2", "fd00:1::2")
CLIENT_IDLE = ("10.1.0.3", "fd00:1::3")  # not translated either
SERVER = ("10.2.0.1", "fd00:2::1")
INSIDE_GATEWAY = ("10.1.0.254", "fd00:1::fe")
OUTSIDE_GATEWAY = ("10.2.0.254", "fd00:2::fe")
HA1 = {"east": "192.0.2.1", "west": "192.0.2.2"}
HA2 = {"4": {"east": "169.254.1.1", "west": "169.254.1.2"},
       "6": {"east": "fd00:a2::1", "west": "fd00:a2::2"}}
BOXES = ("east", "west")

# No address that the kernel makes up, and none of its own answers.
SILENT = ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
          "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.default.arp_ignore=1",
          "net.ipv4.ip_forward=0")
# A switch does not look into what it carries; where br_netfilter is loaded (Docker does) bridges do.
BRIDGE = ("net.bridge.bridge-nf-call-iptables=0", "net.bridge.bridge-nf-call-ip6tables=0",
          "net.bridge.bridge-nf-call-arptables=0")
# Addresses are usable at once, and ports of closed connections again after a second.
HOST = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
        "net.ipv6.conf.all.accept_ra=0", "net.ipv6.conf.default.accept_ra=0",
        "net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=10000 65535")

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(namespace):
    """What is opened in this block belongs to that network namespace."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


class Network:
    def __init__(self, rundir, ha2_mtu):
        self.rundir = rundir
        self.ha2_mtu = ha2_mtu
        self.names = {}

    def build(self):
        for role in ("client", "server", "switches", *BOXES):
            self.names[role] = self.rundir.add_namespace(role)
            self._ip(role, "link", "set", "lo", "up")
        for role in ("switches", *BOXES):
            self._sysctl(role, *SILENT)
        for role in ("client", "server"):
            self._sysctl(role, *HOST)
        if Path("/proc/sys/net/bridge").is_dir():
            self._sysctl("switches", *BRIDGE)
        self.add_switch("inside", "client", "c0", "in0")
        self.add_switch("outside", "server", "s0", "out0")
        self._wire("ha1", 1500)
        self._wire("ha2", self.ha2_mtu)
        for box in BOXES:
            self._ip(box, "address", "add", f"{HA1[box]}/30", "dev", "ha1")
        self._address("client", "c0", (*CLIENT_TRANSLATED, *CLIENT_PLAIN, *CLIENT_IDLE),
                      INSIDE_GATEWAY)
        self._address("server", "s0", SERVER, OUTSIDE_GATEWAY)

    def add_switch(self, bridge, host, host_device, box_device):
        """A switch between a host and both boxes, with a new device at each."""
        self._ip("switches", "link", "add", bridge, "type", "bridge", "stp_state", "0",
                 "mcast_snooping", "0")
        self._ip("switches", "link", "set", bridge, "up")
        self._plug(bridge, host, host_device)
        for box in BOXES:
            self._plug(bridge, box, box_device)

    def address(self, role, device, *addresses):
        self._address(role, device, addresses, ())

    def _ip(self, role, *words):
        run("ip", "-n", self.names[role], *words)

    def _sysctl(self, role, *settings):
        run("ip", "netns", "exec", self.names[role], "sysctl", "-qw", *settings)

    def link(self, role, device, state):
        """Takes a device up or down."""
        self._ip(role, "link", "set", device, state)

    def _veth(self, role, device, peer_role, peer_device, mtu):
        self._ip(role, "link", "add", device, "mtu", str(mtu), "type", "veth", "peer", "name",
                 peer_device, "mtu", str(mtu), "netns", self.names[peer_role])
        for end, name in ((role, device), (peer_role, peer_device)):
            # A veth hands frames over as its sender left them: without checksums, and larger than
            # the MTU, if it may. The boxes want what a wire carries.
            run("ip", "netns", "exec", self.names[end], "ethtool", "-K", name, "tx", "off",
                "rx", "off", "tso", "off", "gso", "off", "gro", "off")
            self._ip(end, "link", "set", name, "up")

    def _plug(self, bridge, role, device):
        port = f"{bridge}-{role}"
        self._veth(role, device, "switches", port, 1500)
        self._ip("switches", "link", "set", port, "master", bridge)

    def _wire(self, device, mtu):
        self._veth("east", device, "west", device, mtu)

    def _address(self, role, device, addresses, gateways):
        for address in addresses:
            if ":" in address:
                self._ip(role, "address", "add", f"{address}/64", "dev", device, "nodad")
            else:
                self._ip(role, "address", "add", f"{address}/24", "dev", device)
        for gateway in gateways:
            family = "-6" if ":" in gateway else "-4"
            self._ip(role, family, "route", "add", "default", "via", gateway)


def check_namespaces_work():
    """Whether this machine lets us make namespaces; says what is missing."""
    try:
        run("unshare", "--net", "true")
    except RigError as error:
        raise RigError("no network namespace can be made here; in a container, give it"
                       f" CAP_SYS_ADMIN and CAP_NET_ADMIN (docker: --privileged)\n{error}")
