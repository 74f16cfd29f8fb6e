"""
The gRPC programs in ``clients/``: xDS clients and servers that are told by lines of JSON what to do.

A program first says ``{"csds": PORT}``, where its own client status can be asked. Then it answers each line:
``{"call": NAME}``, a call of ``/egress.Test/Who`` at ``xds:///NAME``, by ``{"answer": TEXT}`` or ``{"error": TEXT}``;
``{"serve": PORT}``, a server with xDS on that port, by ``{"serving": PORT}``, be it serving yet or not. The end of its
input is its own.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from envoy.admin.v3 import config_dump_shared_pb2
from envoy.service.status.v3 import csds_pb2, csds_pb2_grpc

from . import build

SOURCES = build.PROJECT / "tests" / "integration" / "clients"
BUILT = build.PROJECT / "build" / "clients"  # by tests/prepare.sh
COMMANDS = {
    "grpcio": [sys.executable, str(SOURCES / "grpcio" / "client.py")],
    "grpc-go": [str(BUILT / "grpc-go")],
    "grpc-js": ["node", str(SOURCES / "grpc-js" / "client.js")],
}
# What tests/prepare.sh puts there where it can.
NEEDED = {
    "grpcio": SOURCES,
    "grpc-go": BUILT / "grpc-go",
    "grpc-js": BUILT / "grpc-js" / "node_modules",
}
LISTENER_NAME = "grpc/server?xds.resource.listening_address="
DEADLINE_S = 20  # far longer than any answer takes, on a busy machine and with sanitizers


class Resource(NamedTuple):
    """What a program says that it has of one resource."""

    status: str
    version: str
    error: str
    config: bytes  # the packed message that is in force


def absent(kind: str) -> str:
    """Why the program is not tested on this machine; "": it is."""
    reason = BUILT / f"{kind}.absent"
    return reason.read_text().strip() if reason.exists() else ""


class Program:
    def __init__(self, folder: Path, kind: str, control_plane: str) -> None:
        if not NEEDED[kind].exists():
            raise RuntimeError(f"{NEEDED[kind]} is not there: run tests/prepare.sh test")
        folder.mkdir(parents=True, exist_ok=True)
        self.kind = self.node = kind
        self.log = folder / f"{kind}.log"
        bootstrap = folder / f"{kind}.json"
        bootstrap.write_text(json.dumps(self._bootstrap(control_plane)))
        env = {"GRPC_XDS_BOOTSTRAP": str(bootstrap), "NODE_PATH": str(BUILT / "grpc-js" / "node_modules")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                COMMANDS[kind],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                text=True,
                env={**os.environ, **env},
            )
        self.error = ""
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name=kind, daemon=True)
        self._reader.start()
        try:
            self._status = grpc.insecure_channel(f"127.0.0.1:{self._next()['csds']}")
        except BaseException:
            self._kill()
            raise

    def _bootstrap(self, control_plane: str) -> dict[str, Any]:
        credentials = [{"type": "insecure"}]
        server = {"server_uri": control_plane, "channel_creds": credentials, "server_features": ["xds_v3"]}
        return {
            "xds_servers": [server],
            "node": {"id": self.node, "cluster": "test", "locality": {}},  # grpc-js takes no node without a locality
            "server_listener_resource_name_template": LISTENER_NAME + "%s",
        }

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def check(self) -> None:
        """Raises when the program has ended by itself, with what it wrote."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.kind} ended with {self.process.returncode}:\n{self.log.read_text()}")

    def _next(self) -> dict[str, Any]:
        line = self._lines.get(timeout=DEADLINE_S)
        if not line:
            self.process.wait(DEADLINE_S)
            self.check()
        return json.loads(line)

    def _tell(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the answer, or its absence, tells
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        return self._next()

    def call(self, name: str) -> str:
        """Who answers at ``xds:///NAME``; "": nobody does, and ``error`` says why."""
        told = self._tell({"call": name})
        self.error = told.get("error", "")
        return told.get("answer", "")

    def serve(self, port: int) -> None:
        assert self._tell({"serve": port}) == {"serving": port}

    def has(self) -> dict[tuple[str, str], set[Resource]]:
        """By type URL and name what the program's xDS clients have; it may have one for each channel and server."""
        stub = csds_pb2_grpc.ClientStatusDiscoveryServiceStub(self._status)
        answer = stub.FetchClientStatus(csds_pb2.ClientStatusRequest(), timeout=DEADLINE_S)
        status = config_dump_shared_pb2.ClientResourceStatus.Name
        found: dict[tuple[str, str], set[Resource]] = {}
        for config in answer.config:
            for part in config.generic_xds_configs:
                said = status(part.client_status), part.version_info, part.error_state.details, part.xds_config.value
                type_url = "type.googleapis.com/" + part.type_url.rpartition("/")[2]  # grpc-js leaves that out
                found.setdefault((type_url, part.name), set()).add(Resource(*said))
        return found

    def close(self) -> None:
        self._status.close()
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            assert self.process.wait(DEADLINE_S) == 0, self.log.read_text()
        finally:
            self._kill()

    def _kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join(DEADLINE_S)


@contextlib.contextmanager
def backend(name: str) -> Iterator[int]:
    """A gRPC server without xDS that answers every call with its name; gives its port."""

    class Answers(grpc.GenericRpcHandler):
        def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: name.encode())

    server = grpc.server(futures.ThreadPoolExecutor(2), [Answers()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait(DEADLINE_S)
