# SPDX-License-Identifier: BSD-3-Clause
"""A server with public addresses of both families on the clients' own network, both ways: the box answers for them."""

MAIL = {4: "10.1.0.25", 6: "fd00:1::25"}
MAIL_REAL = {4: "10.2.0.25", 6: "fd00:2::25"}
RULES = "".join(f"""
[[nat]]
name = "mail{version}"
from = ["trust"]
destination = "{MAIL[version]}"
translated_destination = "{MAIL_REAL[version]}"
bidirectional = true
""" for version in (4, 6))
