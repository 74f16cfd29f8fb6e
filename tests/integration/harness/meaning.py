"""
What a policy means, said once more in the fewest words: a third opinion beside ``egress_policy_decide`` and Envoy,
which come from the same parsed policy and could agree on the same mistake.
"""

import ipaddress
import re

from .random_policy import PLAIN, SOURCES, Flow, Policy, Rule
from .world import lookup

# Of the special-use ranges those that the world's names lead to.
GUARDED = ("127.0.0.0/8",)


def _inside(address: str, prefixes: tuple[str, ...]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(prefix) for prefix in prefixes)


def _valid(name: str) -> bool:
    labels = name.split(".")
    good = all(re.fullmatch(r"[a-z0-9_-]{1,63}", label, re.ASCII) for label in labels)
    return good and len(name) <= 253 and not labels[-1].isdigit()


def _matches(pattern: str, name: str) -> bool:
    pattern = pattern.lower().removesuffix(".")
    if pattern in ("*", "**"):
        return True
    start = "(?:[^.]+[.])+" if pattern.startswith("**.") else ""
    rest = pattern.removeprefix("**.")
    return re.fullmatch(start + re.escape(rest).replace(r"\*", "[^.]*"), name) is not None


def _ports(rule: Rule, protocol: str) -> tuple[int, ...] | None:
    """None: all of them."""
    default = None if rule.deny else {"tls": (443,), "http": (80,), "tcp": ()}[protocol]
    with_addresses = any("/" in item for item in rule.to)
    spoken = {"": ("tls", "http"), "any": ("tls", "http"), "tcp": ()}.get(rule.protocol, (rule.protocol,))
    if rule.protocol == "tcp" or rule.protocol in ("", "any") and (rule.deny or with_addresses):
        spoken += ("tcp",)
    return (rule.ports or default) if protocol in spoken else ()


def _speaks_of(rule: Rule, flow: Flow, protocol: str) -> bool:
    """Source, protocol and port fit."""
    ports = _ports(rule, protocol)
    sources = tuple(SOURCES[name] for name in rule.sources)
    return (ports is None or flow.port in ports) and (not sources or _inside(flow.source, sources))


def _covers_address(rule: Rule, flow: Flow, protocol: str, address: str) -> bool:
    """A rule of protocol tcp covers whatever is spoken to its addresses."""
    fits = any(_speaks_of(rule, flow, word) for word in (protocol, "tcp"))
    return fits and _inside(address, tuple(item for item in rule.to if "/" in item))


def decide(policy: Policy, flow: Flow) -> tuple[bool, str | None]:
    """Whether the flow is allowed, and the rule that decided; None: no rule, or the address guard."""
    if flow.address is not None:
        protocol = "http" if flow.mode in PLAIN else "tcp"
        return _first([rule for rule in policy.rules if _covers_address(rule, flow, protocol, flow.address)])
    name = (flow.name or b"").decode("latin-1").lower()
    if not _valid(name):
        return False, None
    protocol = "http" if flow.mode in PLAIN else "tls"
    fits = [
        rule
        for rule in policy.rules
        if _speaks_of(rule, flow, protocol) and any("/" not in item and _matches(item, name) for item in rule.to)
    ]
    allowed, rule = _first(fits)
    bad, deny = _bad_address(policy, flow, protocol, name)
    return (False, deny) if allowed and bad else (allowed, rule)


def _first(fits: list[Rule]) -> tuple[bool, str | None]:
    """Deny wins, then the first in file order."""
    fits = [rule for rule in fits if rule.deny] or fits
    return (not fits[0].deny, fits[0].name) if fits else (False, None)


def _bad_address(policy: Policy, flow: Flow, protocol: str, name: str) -> tuple[bool, str | None]:
    """Whether the name leads where it must not, and the deny entry that says so: of several, the first by name."""
    for address in lookup(name) or []:
        denies = [rule.name for rule in policy.rules if rule.deny and _covers_address(rule, flow, protocol, address)]
        if denies:
            return True, min(denies)
        if policy.guard and _inside(address, GUARDED) and not _inside(address, policy.allow_private):
            return True, None
    return False, None
