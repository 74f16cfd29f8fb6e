"""The whole way: policy file, egressd, Envoy, with the clients' questions to it."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import client, control
from .client import Outcome
from .control import Egressd
from .envoy import Envoy
from .ports import ReservedPort
from .waiting import wait_for
from .world import World

MODES = ("sni", "http", "connect", "connect_h2")


class Proxy:
    """
    An Envoy under an egressd. The xDS variant also picks the transport: state of the world goes over TCP, delta over
    a unix socket, so that both are used.
    """

    _marks = itertools.count(1)

    def __init__(self, folder: Path, world: World, variant: str, text: str, options: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.world = world
        self.variant = variant
        self.sni_port = ReservedPort()
        self.explicit_port = ReservedPort()
        self.listeners = [
            "--explicit", str(self.explicit_port),
            "--sni", str(self.sni_port),
            "--sni-port", str(world.port),
            "--dns", world.network.dns_address,
            *options,
        ]  # fmt: skip
        self.text = text
        listen = "127.0.0.1:0" if variant == "sotw" else f"unix:{folder / 'xds.sock'}"
        self.egressd = Egressd(folder, text, listen, self.listeners)
        try:
            self.envoy = Envoy(folder, self.bootstrap())
        except BaseException:
            self.egressd.close()
            raise

    def bootstrap(self, node: str = "envoy-1") -> dict[str, Any]:
        written = control.run(
            "bootstrap", "--node-id", node, "--control-plane", self.egressd.listen, "--xds", self.variant
        )
        assert written.returncode == 0, written.stderr
        return json.loads(written.stdout)

    def close(self) -> None:
        self.envoy.close()
        self.egressd.close()
        self.sni_port.release()
        self.explicit_port.release()

    def use(self, text: str) -> None:
        """Puts a policy in force, unless it is. Its last section must be ``rules:``, a rule an item ``- …``."""
        if text == self.text:
            return
        mark = f"mark-{next(self._marks)}"
        event = self.egressd.offer(f"{text.rstrip()}\n{self._mark_rule(mark)}")
        assert event["event"] == "policy", self.egressd.of_kind("diagnostic")[-5:]
        self.wait_mark(mark)
        self.text = text

    def _mark_rule(self, mark: str) -> str:
        """A rule that only this policy has: once it works, the whole policy does, also on the worker thread."""
        return f"  - {{name: {mark}, to: [{mark}.test], ports: [{self.world.port}]}}\n"

    def wait_mark(self, mark: str, seconds: float = 15.0) -> None:
        host = f"{mark}.test"
        wait_for("the new policy on the SNI listener", lambda: self.ask("sni", host).reached, seconds)
        wait_for("the new policy on the explicit listener", lambda: self.ask("http", host).reached, seconds)

    def ask(self, mode: str, name: str | bytes | None, source: str = "127.1.0.1", port: int | None = None) -> Outcome:
        """One request for ``name``; ``port``: the main one. The SNI proxy dials no other."""
        if mode == "sni":
            return client.sni(self.sni_port.port, name, source)
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        where = f"{text}:{port or self.world.port}"
        if mode == "http":
            return client.get(self.explicit_port.port, f"http://{where}/", source)
        if mode == "connect":
            return client.connect(self.explicit_port.port, where, source)
        return client.connect_h2(self.explicit_port.port, where, source)

    def logged(self, outcome: Outcome) -> list[dict[str, Any]]:
        """The access log's lines of that request, once there is one."""

        def look() -> list[dict[str, Any]]:
            return [line for line in self.envoy.access_log() if line.get("source") == outcome.client]

        return wait_for(f"an access log line for {outcome}", look)

    def rule(self, outcome: Outcome) -> str | None:
        """Which rule decided, as the access log says."""
        return next((line["rule"] for line in self.logged(outcome) if line.get("rule")), None)

    @contextlib.contextmanager
    def no_question(self) -> Iterator[None]:
        """Within, Envoy must not ask the resolver for a name that it has not asked for before."""
        known = set(self._questions())
        yield
        fresh = set(self._questions()) - known
        assert not fresh, f"Envoy asked the resolver for {sorted(fresh)}"

    def _questions(self) -> list[str]:
        """All questions so far, once those that earlier requests caused have arrived."""
        self.envoy.server_state()  # answered by the thread that resolves, after the work it was given before
        self.world.network.flush()
        return self.world.queries
