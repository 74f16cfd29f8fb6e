"""Policies of the tests."""

from .world import MAIN

# Backends are on loopback, which the address guard covers; TRAP stays guarded.
ALLOW_PRIVATE = "127.9.0.0/16"

SOURCES = """\
sources:
  tenant-a: {cidrs: [127.1.0.0/16]}
  tenant-b: {cidrs: [127.2.0.1/32]}
"""


def policy(rules: str, deny: str = "", defaults: str = f"allow_private: [{ALLOW_PRIVATE}]") -> str:
    """A whole policy; ``rules`` and ``deny`` are list items of YAML, indented by two."""
    text = "version: egress/v1\n" + f"defaults: {{{defaults}}}\n" + SOURCES
    if deny:
        text += "deny:\n" + deny.rstrip("\n") + "\n"
    return text + "rules:\n" + rules.rstrip("\n") + "\n"


def empty() -> str:
    """Allows nothing that a test asks for."""
    return policy("  - {name: unused, to: [unused.invalid]}")


def house(port: int, other_port: int) -> str:
    """Two tenants, a shared host, an exception, addresses: what most tests ask about."""
    return policy(
        deny=f"""\
  - {{name: no-second, to: [second.example.com], reason: retired}}
  - {{name: no-address, to: [127.9.0.2/32]}}
""",
        rules=f"""\
  - {{name: a-example, from: [tenant-a], to: ["*.example.com"], ports: [{port}]}}
  - {{name: shared, to: [static.example.org], ports: [{port}]}}
  - {{name: b-odd-port, from: [tenant-b], to: [odd.example.org], ports: [{other_port}]}}
  - {{name: b-address, from: [tenant-b], to: [{MAIN}/32], ports: [{port}]}}
""",
    )
