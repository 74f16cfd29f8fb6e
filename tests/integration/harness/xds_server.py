"""The control plane ``tests/tools/xds_server`` as a process, and a gRPC client for it."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2

from harness.build import program

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
SOTW = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"

# Longest wait for anything that a test expects.
DEADLINE_S = 15.0

Line = dict[str, Any]


class Server:
    """One process; ``ports`` are those of its addresses, in order."""

    def __init__(self, *arguments: str, log: Any = None) -> None:
        self.process = subprocess.Popen(
            [program("tests/xds_server"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        self.seen: list[Line] = []
        self._lines: queue.Queue[Line | None] = queue.Queue()
        self._waiting: list[Line] = []
        threading.Thread(target=self._read, daemon=True).start()
        first = self._next()
        self.error = first if "error" in first else None
        self.ports: list[int] = first.get("ports", [])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            self.seen.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def _next(self) -> Line:
        line = self._lines.get(timeout=DEADLINE_S)
        if line is None:
            raise EOFError(f"xds_server ended with {self.process.wait(DEADLINE_S)}")
        return line

    def expect(self, **wanted: Any) -> Line:
        """The next line, come already or not, that has these members; lines of other kinds are kept."""
        for index, line in enumerate(self._waiting):
            if wanted.items() <= line.items():
                return self._waiting.pop(index)
        while True:
            line = self._next()
            if wanted.items() <= line.items():
                return line
            self._waiting.append(line)

    def answer(self, command: str, member: str) -> Line:
        """Gives a command and returns the line that answers it: the one with ``member``."""
        self.say(command)
        for _ in range(1000):
            line = self._next()
            if member in line:
                return line
            self._waiting.append(line)
        raise AssertionError(f"no answer to {command}")

    def say(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.ports[0]}"

    def close(self) -> int:
        """Closes the server and returns how the process ended."""
        if self.process.poll() is None:
            try:
                self.say("close")
            except BrokenPipeError:
                pass
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Stream:
    """One aggregated stream, state of the world or delta, on a channel of its own."""

    def __init__(
        self,
        address: str,
        *,
        delta: bool = False,
        credentials: grpc.ChannelCredentials | None = None,
        compression: grpc.Compression | None = None,
        options: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        settings = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.ssl_target_name_override", "localhost"),
            *options,
        ]
        if credentials is None:
            self.channel = grpc.insecure_channel(address, settings, compression=compression)
        else:
            self.channel = grpc.secure_channel(address, credentials, settings)
        self.delta = delta
        self._requests: queue.Queue[Any] = queue.Queue()
        stub = ads_pb2_grpc.AggregatedDiscoveryServiceStub(self.channel)
        method = stub.DeltaAggregatedResources if delta else stub.StreamAggregatedResources
        self.call = method(self._sent(), timeout=4 * DEADLINE_S)

    def _sent(self) -> Iterator[Any]:
        while (request := self._requests.get()) is not None:
            yield request

    def ask(self, type_url: str = CLUSTER, node: str | None = "node-1", **fields: Any) -> None:
        """Sends one request; ``node`` is left out where it is None."""
        kind = discovery_pb2.DeltaDiscoveryRequest if self.delta else discovery_pb2.DiscoveryRequest
        request = kind(type_url=type_url, **fields)
        if node is not None:
            request.node.CopyFrom(base_pb2.Node(id=node, cluster="test"))
        self._requests.put(request)

    def ack(self, response: Any, **fields: Any) -> None:
        if not self.delta:
            fields.setdefault("version_info", response.version_info)
        self.ask(response.type_url, node=None, response_nonce=response.nonce, **fields)

    def finish(self) -> None:
        """Says that nothing more will be asked."""
        self._requests.put(None)

    def next(self) -> Any:
        """The next response; grpc.RpcError when the stream has ended."""
        return next(self.call)

    def failure(self) -> tuple[grpc.StatusCode, str]:
        """Waits for the stream to end and says how."""
        try:
            while True:
                self.next()
        except StopIteration:
            pass
        except grpc.RpcError:
            pass
        return self.call.code(), self.call.details()

    def close(self) -> None:
        self.finish()
        self.call.cancel()
        self.channel.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
