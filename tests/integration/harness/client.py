"""Clients of the proxy, from any loopback source address, with any bytes as a name."""

import datetime
import enum
import socket
import ssl
from dataclasses import dataclass

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import hpack
import hyperframe.frame

from . import hello
from .network import MARK

# Longer than any answer takes on a busy machine. Reaching it is an error, never a verdict.
DEADLINE_S = 15.0


class Kind(enum.Enum):
    REACHED = "reached"  # a backend's own bytes came back
    REFUSED = "refused"  # the proxy said no: 403, 400, or closed without a byte
    FAILED = "failed"  # the proxy would, but could not: 502, 503, 504


@dataclass(frozen=True)
class Outcome:
    kind: Kind
    client: str  # "ADDRESS:PORT" of the client's end: finds the line in the access log
    status: int = 0  # of HTTP; 0 where no HTTP was spoken
    body: str = ""  # what the backend, or the proxy, said
    opened: str = ""  # when, as the access log writes it
    told: str = ""  # when it was known, the connection still open

    @property
    def reached(self) -> bool:
        return self.kind is Kind.REACHED

    @property
    def refused(self) -> bool:
        return self.kind is Kind.REFUSED


def _now() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"


class Connection:
    """A TCP connection to the proxy."""

    def __init__(self, port: int, source: str = "127.1.0.1", address: str = "127.0.0.1") -> None:
        self.opened = _now()
        self.socket = socket.create_connection((address, port), DEADLINE_S, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client = "%s:%d" % self.socket.getsockname()
        self.pending = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def outcome(self, kind: Kind, status: int = 0, body: bytes = b"") -> Outcome:
        return Outcome(kind, self.client, status, body.decode("latin-1"), self.opened, _now())

    def judge(self, status: int, body: bytes) -> Outcome:
        """What an HTTP response means; status 0: there was none."""
        if status == 200:
            if not body.startswith(MARK):
                raise AssertionError(f"a 200 that is not from a backend: {body!r}")
            return self.outcome(Kind.REACHED, status, body)
        return self.outcome(Kind.REFUSED if status in (0, 400, 403, 404) else Kind.FAILED, status, body)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> bytes:
        """Some bytes; b"" when the other side has closed or reset the connection."""
        try:
            return self.socket.recv(65536)
        except ConnectionError:
            return b""

    def read_until(self, end: bytes) -> bytes:
        """All bytes up to and with ``end``, or up to the close."""
        while end not in self.pending:
            data = self.read()
            if not data:
                taken, self.pending = self.pending, b""
                return taken
            self.pending += data
        taken, found, self.pending = self.pending.partition(end)
        return taken + found

    def read_exactly(self, size: int) -> bytes:
        while len(self.pending) < size and (data := self.read()):
            self.pending += data
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken

    def response(self) -> tuple[int, bytes]:
        """An HTTP/1.1 response with a content-length, or one that ends with the connection."""
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        if not head:
            return 0, b""
        status = int(head.split(" ", 2)[1])
        for line in head.split("\r\n")[1:]:
            if line.lower().startswith("content-length:"):
                return status, self.read_exactly(int(line.split(":", 1)[1]))
        return status, b""

    def alive(self) -> bool:
        """Sends bytes through and says whether the backend sent them back."""
        try:
            self.send(b"are you there\n")
        except ConnectionError:
            return False
        return self.read_until(b"\n") == b"are you there\n"

    def ended(self, seconds: float) -> bool:
        """Waits until the proxy ends the connection; False when it did not within ``seconds``."""
        self.socket.settimeout(seconds)
        try:
            while self.read():
                pass
            return True
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(DEADLINE_S)


def _tunnel_verdict(connection: Connection, status: int) -> Outcome:
    """Reads the backend's line on a connection through which a ClientHello or other bytes were sent."""
    line = connection.read_until(b"\n")
    if not line:
        return connection.outcome(Kind.REFUSED if status == 0 else Kind.FAILED, status)
    if not line.startswith(MARK):
        raise AssertionError(f"bytes that are not from a backend: {line!r}")
    return connection.outcome(Kind.REACHED, status, line)


def open_sni(port: int, name: bytes | None, source: str = "127.1.0.1") -> tuple[Connection, Outcome]:
    """A TLS connection to the SNI proxy, left open."""
    connection = Connection(port, source)
    connection.send(hello.client_hello(name))
    return connection, _tunnel_verdict(connection, 0)


def sni(port: int, name: str | bytes | None, source: str = "127.1.0.1") -> Outcome:
    """Asks the SNI proxy for ``name``; None: a ClientHello without a server name."""
    wire = name.encode("latin-1") if isinstance(name, str) else name
    connection, outcome = open_sni(port, wire, source)
    connection.close()
    return outcome


def raw(port: int, data: bytes, source: str = "127.1.0.1") -> Outcome:
    """Sends bytes that are not TLS to the SNI proxy."""
    with Connection(port, source) as connection:
        connection.send(data)
        return _tunnel_verdict(connection, 0)


def get(
    port: int, target: str, source: str = "127.1.0.1", host: str | None = None, headers: dict[str, str] | None = None
) -> Outcome:
    """``GET target`` to the explicit proxy; ``host`` is the Host header where it is not that of an absolute target."""
    if host is None:
        host = target.split("://", 1)[1].split("/", 1)[0]
    extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    with Connection(port, source) as connection:
        connection.send(f"GET {target} HTTP/1.1\r\nhost: {host}\r\n{extra}connection: close\r\n\r\n".encode("latin-1"))
        return connection.judge(*connection.response())


def open_connect(
    port: int, authority: str, source: str = "127.1.0.1", inner: bytes | None = None
) -> tuple[Connection, Outcome]:
    """An HTTP/1.1 CONNECT tunnel, left open; ``inner`` is sent through it, by default a ClientHello."""
    connection = Connection(port, source)
    connection.send(f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode("latin-1"))
    head = connection.read_until(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head else 0
    if status != 200:
        connection.pending = head + connection.pending
        return connection, connection.judge(*connection.response())
    connection.send(hello.client_hello(b"inner.test") if inner is None else inner)
    return connection, _tunnel_verdict(connection, status)


def connect(port: int, authority: str, source: str = "127.1.0.1", inner: bytes | None = None) -> Outcome:
    connection, outcome = open_connect(port, authority, source, inner)
    connection.close()
    return outcome


def connect_h2(port: int, authority: str, source: str = "127.1.0.1", inner: bytes | None = None) -> Outcome:
    """An HTTP/2 CONNECT with prior knowledge."""
    headers = [(":method", "CONNECT"), (":authority", authority)]
    return _h2_request(port, headers, source, hello.client_hello(b"inner.test") if inner is None else inner)


def get_h2(port: int, authority: str, source: str = "127.1.0.1") -> Outcome:
    """A plain HTTP/2 GET with prior knowledge."""
    return _h2_request(
        port, [(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", "/")], source, b""
    )


def upgrade_h2(port: int, authority: str, upgrade: str, source: str = "127.1.0.1") -> tuple[int, bytes]:
    """An extended CONNECT (RFC 8441) with prior knowledge: the response. The h2 package reads none behind a GOAWAY."""
    headers = [(":method", "CONNECT"), (":protocol", upgrade), (":scheme", "http"), (":authority", authority)]
    status, body, decoder = 0, b"", hpack.Decoder()
    with Connection(port, source) as connection:
        _h2_send(connection, [*headers, (":path", "/")], end=False)
        while len(head := connection.read_exactly(9)) == 9:
            frame, size = hyperframe.frame.Frame.parse_frame_header(memoryview(head))
            frame.parse_body(memoryview(connection.read_exactly(size)))
            if isinstance(frame, hyperframe.frame.HeadersFrame):
                status = int(dict(decoder.decode(frame.data))[":status"])
            elif isinstance(frame, hyperframe.frame.DataFrame):
                body += frame.data
            if frame.stream_id == 1 and ("END_STREAM" in frame.flags or status == 200):
                break
    return status, body


def _h2_send(connection: Connection, headers: list[tuple[str, str]], end: bool) -> h2.connection.H2Connection:
    # Names that are no names must reach the proxy as they are.
    config = h2.config.H2Configuration(
        header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
    )
    session = h2.connection.H2Connection(config)
    session.initiate_connection()
    wire = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    session.send_headers(1, wire, end_stream=end)
    connection.send(session.data_to_send())
    return session


def _h2_request(port: int, headers: list[tuple[str, str]], source: str, inner: bytes) -> Outcome:
    with Connection(port, source) as connection:
        return _h2_outcome(connection, _h2_send(connection, headers, end=not inner), inner)


def _h2_outcome(connection: Connection, session: h2.connection.H2Connection, inner: bytes) -> Outcome:
    status, body = 0, b""
    while data := connection.read():
        for event in session.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                status = int(dict(event.headers)[b":status"])
                if status == 200 and inner:
                    session.send_data(1, inner)
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
                session.acknowledge_received_data(event.flow_controlled_length, 1)
                if status == 200 and body.endswith(b"\n"):
                    return connection.judge(status, body)
            elif isinstance(event, h2.events.StreamEnded):
                return connection.judge(status, body)
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                return connection.outcome(Kind.REFUSED, status)
        connection.send(session.data_to_send())
    return connection.outcome(Kind.REFUSED, status)


def handshake(connection: Connection, name: str) -> str:
    """A real TLS handshake on a connection (or in a tunnel) to a backend; returns what its HTTP side answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the backend signed its certificate itself
    with context.wrap_socket(connection.socket, server_hostname=name) as secure:
        secure.sendall(f"GET / HTTP/1.1\r\nhost: {name}\r\n\r\n".encode())
        received = b""
        while MARK not in received or not received.endswith(b"\n"):
            data = secure.recv(65536)
            if not data:
                break
            received += data
        return received.partition(b"\r\n\r\n")[2].decode("latin-1")
