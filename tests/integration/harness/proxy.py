"""The whole way: policy file, egressd, Envoy, with the clients' questions to it."""

import contextlib
import itertools
import json
import re
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

# Ways to ask: a server name; an absolute URL, a Host header (origin form), HTTP/2; CONNECT over HTTP/1.1 and HTTP/2.
MODES = ("sni", "http", "host", "get_h2", "connect", "connect_h2")

GUARD = "special-use-address"  # what the access log says where the address guard refused a request


def marked(text: str, mark: str) -> str:
    """
    The policy with one more deny entry, the first: nothing else decides about its name. Once Envoy's log names it, the
    whole policy is in force, on Envoy's worker thread too.
    """
    entry = f"deny:\n  - {{name: {mark}, to: [{mark}.mark]}}\n"
    return text.replace("deny:\n", entry) if "\ndeny:\n" in text else text.replace("\nrules:\n", f"\n{entry}rules:\n")


class Proxy:
    """
    An Envoy under an egressd, which gets ``options`` besides. The xDS variant also picks the transport: state of the
    world goes over TCP, delta over a unix socket, so that both are used.
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
        ]  # fmt: skip
        self.text = text
        listen = "127.0.0.1:0" if variant == "sotw" else f"unix:{folder / 'xds.sock'}"
        self.egressd = Egressd(folder, text, listen, [*self.listeners, *options])
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
        """
        Puts a policy in force, unless it is; returns when both listeners follow it. Its ``deny:`` and ``rules:`` must
        be block sequences, indented by two.
        """
        if text == self.text:
            return
        mark = f"mark-{next(self._marks)}"
        event = self.egressd.offer(marked(text, mark))
        assert event["event"] == "policy", (text, self.egressd.of_kind("diagnostic")[-5:])
        wait_for("the new policy on the SNI listener", lambda: self._denied_by("sni", mark), 15)
        wait_for("the new policy on the explicit listener", lambda: self._denied_by("http", mark), 15)
        self.text = text

    def _denied_by(self, mode: str, mark: str) -> bool:
        return self.rule(self.ask(mode, f"{mark}.mark", port=80)) == mark

    def ask(self, mode: str, name: str | bytes | None, source: str = "127.1.0.1", port: int | None = None) -> Outcome:
        """One request for ``name``; ``port``: the main one. The SNI proxy dials no other."""
        if mode == "sni":
            return client.sni(self.sni_port.port, name, source)
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        where = f"{text}:{port or self.world.port}"
        if mode == "http":
            return client.get(self.explicit_port.port, f"http://{where}/", source)
        if mode == "host":
            return client.get(self.explicit_port.port, "/", source, host=where)
        if mode == "get_h2":
            return client.get_h2(self.explicit_port.port, where, source)
        if mode == "connect":
            return client.connect(self.explicit_port.port, where, source)
        return client.connect_h2(self.explicit_port.port, where, source)

    def logged(self, outcome: Outcome) -> list[dict[str, Any]]:
        """The access log's lines of that request, once there is one."""

        def look() -> list[dict[str, Any]]:
            # The kernel gives a client's port to others, before and after: the time tells them apart.
            lines = self.envoy.access_log(outcome.client)
            return [line for line in lines if outcome.opened <= line["time"] <= outcome.told]

        return wait_for(f"an access log line for {outcome}", look)

    def rule(self, outcome: Outcome) -> str | None:
        """Which rule decided, as the access log says: None where none did."""
        rule = self.logged(outcome)[-1].get("rule") or "~"  # what is no rule's name starts with this
        return None if rule.startswith("~") else re.sub(r"^[0-9]{6}:", "", rule)

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
