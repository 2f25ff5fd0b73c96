# SPDX-License-Identifier: BSD-3-Clause
"""A kernel router in the place of the boxes: shows what the rig's network and traffic do by themselves."""

import network
from commands import run


def start(namespace):
    """Makes that namespace the gateway, with the same addresses and translations as a box."""
    def inside(*words):
        run("ip", "netns", "exec", namespace, *words)

    inside("sysctl", "-qw", "net.ipv6.conf.in0.accept_dad=0", "net.ipv6.conf.out0.accept_dad=0",
           "net.ipv6.conf.all.disable_ipv6=0",
           "net.ipv6.conf.in0.disable_ipv6=0", "net.ipv6.conf.out0.disable_ipv6=0",
           "net.ipv6.conf.all.forwarding=1", "net.ipv4.ip_forward=1")
    for device, (ipv4, ipv6) in (("in0", network.INSIDE_GATEWAY), ("out0", network.OUTSIDE_GATEWAY)):
        run("ip", "-n", namespace, "address", "add", f"{ipv4}/24", "dev", device)
        run("ip", "-n", namespace, "address", "add", f"{ipv6}/64", "dev", device, "nodad")
    for family, source in zip(("ip", "ip6"), network.CLIENT_TRANSLATED):
        inside("nft", f"table {family} hide {{ chain out {{ type nat hook postrouting priority 100;"
                      f" oifname out0 {family} saddr {source} masquerade; }}; }}")
