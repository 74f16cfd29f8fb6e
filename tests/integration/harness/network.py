"""
The world outside the proxy, on loopback: a resolver and backends, on one event loop in one thread.

A backend answers whatever reaches it and says what it saw, so that a test knows that a request went through and with
which name. The resolver remembers every question.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from . import hello

MARK = b"egress-backend"
_A, _AAAA = 1, 28
_FLUSH = b"flush"  # a question of our own


class Resolver(asyncio.DatagramProtocol):
    """Answers A and AAAA from a function; None is NXDOMAIN."""

    def __init__(self, lookup: Callable[[str], list[str] | None]) -> None:
        self.lookup = lookup
        self.queries: list[str] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        labels, position = [], 12
        while data[position] != 0:
            size = data[position]
            labels.append(data[position + 1 : position + 1 + size])
            position += 1 + size
        question = data[12 : position + 5]
        kind = int.from_bytes(data[position + 1 : position + 3], "big")
        name = b".".join(labels).decode("latin-1").lower()
        if name != _FLUSH.decode():
            self.queries.append(name)
        self.transport.sendto(self._answer(data[:2], question, name, kind), address)

    def _answer(self, ident: bytes, question: bytes, name: str, kind: int) -> bytes:
        found = self.lookup(name)
        addresses = [ipaddress.ip_address(text) for text in found or []]
        packed = [a.packed for a in addresses if a.version == (4 if kind == _A else 6)] if kind in (_A, _AAAA) else []
        status = 3 if found is None else 0
        head = ident + struct.pack("!HHHHH", 0x8580 | status, 1, len(packed), 0, 0)
        records = (b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(p)) + p for p in packed)
        return head + question + b"".join(records)


class Backend:
    """
    Speaks with anybody: to a ClientHello it answers one line with the server name in it, to a GET a response, to any
    other bytes (five at least) a line; then it sends back what it gets, until the client closes.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.names: list[bytes | None] = []  # server names seen
        self.hosts: list[str] = []  # Host headers seen
        self.heads: list[str] = []  # of requests, whole

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await reader.readexactly(5)
        if start[0] == hello.HANDSHAKE:
            record = start + await reader.readexactly(hello.record_size(start) - 5)
            name = hello.server_name(record)
            self.names.append(name)
            said = "-" if name is None else name.hex()
            writer.write(MARK + f" tls {self.address} {said}\n".encode())
        elif start.startswith(b"GET "):
            await self._http(start, reader, writer)
            return
        else:
            writer.write(MARK + b" tcp %s\n" % self.address.encode() + start)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def _http(self, start: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while start:
            head = start + await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ": " in line)
            host = {name.lower(): value for name, value in fields.items()}.get("host", "")
            self.hosts.append(host)
            self.heads.append(head.decode("latin-1"))
            body = MARK + b" http %s %s\n" % (self.address.encode(), host.encode("latin-1"))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            start = await reader.read(1)


class TlsBackend(Backend):
    """As ``Backend``, behind a real TLS server with a certificate of its own."""

    def __init__(self, address: str, certificate: Path, key: Path) -> None:
        super().__init__(address)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.sni_callback = lambda _socket, name, _context: self.names.append(name and name.encode())


class Network:
    """Starts and ends everything; ``close`` returns when all of it is closed."""

    def __init__(self, lookup: Callable[[str], list[str] | None]) -> None:
        self.resolver = Resolver(lookup)
        self.dns_port = 0
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._run(self._start_resolver())

    @property
    def dns_address(self) -> str:
        return f"127.0.0.1:{self.dns_port}"

    def listen(self, backends: list[Backend]) -> int:
        """Listens with all backends on the same port, which the kernel picks, and returns it."""
        return self._run(self._listen(backends))

    def flush(self) -> None:
        """Returns when the resolver has read every question that was sent to it before."""
        name = bytes([len(_FLUSH)]) + _FLUSH + b"\0"
        question = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", _A, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(10)
            asker.sendto(question, ("127.0.0.1", self.dns_port))
            asker.recv(512)

    def close(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Awaitable):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start_resolver(self) -> None:
        transport, _ = await self._loop.create_datagram_endpoint(lambda: self.resolver, local_addr=("127.0.0.1", 0))
        self.dns_port = transport.get_extra_info("sockname")[1]

    async def _listen(self, backends: list[Backend]) -> int:
        # The kernel picks a port for the first address; it may be taken on another, hence the loop.
        for _ in range(50):
            servers: list[asyncio.Server] = []
            port = 0
            try:
                for backend in backends:
                    servers.append(await self._listen_one(backend, port))
                    port = servers[0].sockets[0].getsockname()[1]
            except OSError:
                for server in servers:
                    server.close()
                continue
            self._servers += servers
            return port
        raise OSError("no port is free on all backend addresses")

    async def _listen_one(self, backend: Backend, port: int) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._connections.add(writer)
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                    await backend.serve(reader, writer)
            finally:
                self._connections.discard(writer)
                writer.close()

        context = getattr(backend, "context", None)
        return await asyncio.start_server(serve, backend.address, port, ssl=context, backlog=512)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for writer in list(self._connections):
            writer.transport.abort()
        self.resolver.transport.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
