"""Connections that stay open while the policy changes."""

import selectors
import time

from . import client, policies
from .client import Connection
from .envoy import DRAIN_S
from .proxy import Proxy

A, B = "127.1.0.1", "127.2.0.1"

# Envoy ends what it drains after --drain-time-s. What lives on past that was not drained; what must end may take longer
# on a busy machine.
SURVIVED_S = DRAIN_S + 1
BOUND_S = DRAIN_S + 5


class Held:
    """Connections through the SNI proxy that stay open, by a name of the test's own."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.open: dict[str, Connection] = {}

    def add(self, key: str, name: str, source: str) -> None:
        connection, outcome = client.open_sni(self.proxy.sni_port.port, name.encode(), source)
        assert outcome.reached, (key, outcome)
        assert connection.alive()
        self.open[key] = connection

    def ended(self, lost: set[str] | None = None) -> set[str]:
        """The keys of the connections that the proxy ends; waits longer for those in ``lost``, which it must end."""
        ended: set[str] = set()
        survived, bound = time.monotonic() + SURVIVED_S, time.monotonic() + BOUND_S
        with selectors.DefaultSelector() as selector:
            for key, connection in self.open.items():
                selector.register(connection.socket, selectors.EVENT_READ, key)
            while selector.get_map():
                left = (survived if (lost or set()) <= ended else bound) - time.monotonic()
                if left <= 0:
                    break
                for ready, _ in selector.select(min(left, 1)):
                    if not self.open[ready.data].read():
                        ended.add(ready.data)
                        selector.unregister(ready.fileobj)
        return ended

    def add_all(self) -> None:
        """Two hosts of rule ``one`` of ``three_rules``, and something of each other rule."""
        self.add("one-a", "a.one.test", A)
        self.add("one-a-from-b", "a.one.test", B)
        self.add("one-b", "b.one.test", A)
        self.add("two", "x.two.test", A)
        self.add("two-from-b", "y.two.test", B)
        self.add("three", "x.y.three.test", A)

    def close(self) -> None:
        for connection in self.open.values():
            connection.close()


def three_rules(proxy: Proxy, changed: str = "", deny: str = "", defaults: str = "") -> str:
    """Three rules; ``changed`` stands in the place of the first."""
    port = proxy.world.port
    first = changed or f"  - {{name: one, from: [tenant-a, tenant-b], to: [a.one.test, b.one.test], ports: [{port}]}}\n"
    return policies.policy(
        f"""\
{first}\
  - {{name: two, to: ["*.two.test"], ports: [{port}]}}
  - {{name: three, from: [tenant-a], to: ["**.three.test"], ports: [{port}]}}
""",
        deny,
        f"allow_private: [{policies.ALLOW_PRIVATE}]" + (f", {defaults}" if defaults else ""),
    )
