"""The xDS server on an asyncio loop.

The C server runs on a uv loop of its own. asyncio watches the descriptor of that loop and runs it, without waiting,
whenever it is readable or a timer of it is due; no other thread ever calls into Python.
"""

import asyncio
import logging
import os
import warnings
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from egress import lowlevel
from egress.access import Access, Refusal, from_tuple as access_from_tuple
from egress.cache import Cache, Node
from egress.errors import Code, ServerError, check, new_diag
from egress.events import Event, from_tuple, mask_of
from egress.message import Message, MessageKind
from egress.status import StreamStatus, from_json


@dataclass(frozen=True, slots=True)
class TLS:
    """A server's certificate and key, as PEM text."""

    certificate: str
    """The chain, the server's own certificate first."""
    key: str = field(repr=False)
    client_ca: str | None = None
    """Authorities whose client certificates are required; None: clients need none."""

    @classmethod
    def load(
        cls,
        certificate: str | os.PathLike[str],
        key: str | os.PathLike[str],
        client_ca: str | os.PathLike[str] | None = None,
    ) -> "TLS":
        """Read the PEM files."""
        return cls(_read(certificate), _read(key), None if client_ca is None else _read(client_ca))


def _read(path: str | os.PathLike[str]) -> str:
    with open(path, encoding="ascii") as stream:
        return stream.read()


def _asked(
    authorise: Callable[[Access], Refusal | None],
) -> Callable[[tuple[Any, ...]], tuple[int, str]]:
    def ask(raw: tuple[Any, ...]) -> tuple[int, str]:
        refusal = authorise(access_from_tuple(raw))
        return (0, "") if refusal is None else (refusal.status or -1, refusal.reason)  # 0 would be a yes

    return ask


def _chosen(
    choose: Callable[[Node, str], Cache | None], caches: set[Cache]
) -> Callable[[tuple[str, ...], str], lowlevel.egress_cache | None]:
    def ask(node: tuple[str, ...], type_url: str) -> lowlevel.egress_cache | None:
        cache = choose(Node(*node), type_url)
        if cache is None:
            return None
        raw = cache._raw
        caches.add(cache)
        return raw

    return ask


def _shown(on_message: Callable[[Message], object]) -> Callable[[int, int, str, str, bytes], None]:
    def show(kind: int, stream_id: int, peer: str, type_url: str, data: bytes) -> None:
        on_message(Message(MessageKind(kind), stream_id, peer, type_url, data))

    return show


_LEVELS = {
    lowlevel.EGRESS_LOG_DEBUG: logging.DEBUG,
    lowlevel.EGRESS_LOG_INFO: logging.INFO,
    lowlevel.EGRESS_LOG_WARN: logging.WARNING,
    lowlevel.EGRESS_LOG_ERROR: logging.ERROR,
}


def _logged(log: Callable[[int, str], object]) -> Callable[[int, str, str], None]:
    def write(level: int, category: str, text: str) -> None:
        log(_LEVELS[level], f"{category}: {text}")

    return write


class Server:
    """Serves a cache to Envoys over xDS, on the asyncio loop that it is started in.

    ``async with`` starts it and closes it. Everything but construction belongs to the loop's thread. Once a server was
    started and until it is closed, the child of a fork can do no more than exec.

    Addresses are ``"127.0.0.1:18000"``, ``"[::1]:18000"`` (port 0: the kernel picks one) or ``"unix:/PATH"``;
    plaintext beyond loopback needs ``insecure=True``; secrets (SDS) without mutual TLS or a unix socket need
    ``insecure_secrets=True``. ``listen`` takes addresses that differ in these.

    Functions, called on the loop's thread; ``sys.unraisablehook`` is told what they raise:

    - ``authorise`` is asked once for each type on a stream whether the client may have it, and refuses with a
      ``Refusal``; if it raises, the client is refused with INTERNAL.
    - ``choose`` is asked after that which cache has this type URL for this node; without it all is in ``cache``. None
      refuses, with PERMISSION_DENIED, and so does one that raises.
    - ``on_message`` is shown every request and response of discovery, for logs and tests.
    - ``log`` takes lines for an operator, with a level of ``logging``: ``logging.getLogger("xds").log`` is one.

    With ``gate_on_ack=True`` changes of listeners and routes wait until a client has accepted what they lead to. With
    ``load_report_ms`` clients are asked how much they send where, as often as that; what they say are events. ``kinds``
    are the events to be told, ``Event`` for all of them; none: all but ``Requested``, ``Responded`` and ``Subscribed``.
    With ``client_status=True`` the client status discovery service (CSDS) tells whoever ``authorise`` does not refuse
    what all clients have. Limits of 0 are the defaults of the C library (docs/xds.md has them all).
    """

    def __init__(
        self,
        cache: Cache,
        *addresses: str,
        tls: TLS | None = None,
        insecure: bool = False,
        insecure_secrets: bool = False,
        authorise: Callable[[Access], Refusal | None] | None = None,
        choose: Callable[[Node, str], Cache | None] | None = None,
        on_message: Callable[[Message], object] | None = None,
        log: Callable[[int, str], object] | None = None,
        identifier: str | None = None,
        max_request_bytes: int = 0,
        max_streams: int = 0,
        max_subscriptions: int = 0,
        max_events: int = 0,
        gate_on_ack: bool = False,
        max_peer_streams: int = 0,
        max_requests_per_second: int = 0,
        max_request_burst: int = 0,
        max_unread_bytes: int = 0,
        max_unread_ms: int = 0,
        first_request_ms: int = 0,
        idle_ms: int = 0,
        keepalive_ms: int = 0,
        keepalive_timeout_ms: int = 0,
        connection_age_ms: int = 0,
        connection_grace_ms: int = 0,
        load_report_ms: int = 0,
        kinds: Iterable[type[Event]] = (),
        client_status: bool = False,
        max_remembered_bytes: int = 0,
        max_pending_bytes: int = 0,
        max_peer_remembered_bytes: int = 0,
        max_peer_pending_bytes: int = 0,
    ) -> None:
        self._cache = cache
        self._addresses = addresses
        self._tls = tls
        self._insecure = insecure
        self._insecure_secrets = insecure_secrets
        caches = {cache}  # and those that are chosen: C borrows their functions until its server is freed
        self._options = (
            None if authorise is None else _asked(authorise),
            None if choose is None else _chosen(choose, caches),
            None if on_message is None else _shown(on_message),
            None if log is None else _logged(log),
            caches,
            identifier,
            max_request_bytes,
            max_streams,
            max_subscriptions,
            max_events,
            int(gate_on_ack),
            max_peer_streams,
            max_requests_per_second,
            max_request_burst,
            max_unread_bytes,
            max_unread_ms,
            first_request_ms,
            idle_ms,
            keepalive_ms,
            keepalive_timeout_ms,
            connection_age_ms,
            connection_grace_ms,
            load_report_ms,
            mask_of(kinds),
            int(client_status),
            max_remembered_bytes,
            max_pending_bytes,
            max_peer_remembered_bytes,
            max_peer_pending_bytes,
        )
        self._driver: lowlevel.egress_driver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.Handle | None = None
        self._woken = False
        self._left: deque[Event] = deque()  # events not taken before the close
        self._arrived = asyncio.Event()
        self._closed = asyncio.Event()

    async def start(self) -> None:
        """Listen on all addresses; Envoys can connect from here on. A server is started once."""
        if self._loop is not None:
            raise ServerError(Code.ESTATE, "a server is started once")
        code, driver = lowlevel.egress_driver_new(self._cache._raw, self._options)
        check(code, ServerError)
        self._loop = asyncio.get_running_loop()
        self._driver = driver
        self._loop.add_reader(lowlevel.egress_driver_fd(driver), self._run)
        self._wake()
        try:
            for address in self._addresses:
                self.listen(
                    address, tls=self._tls, insecure=self._insecure, insecure_secrets=self._insecure_secrets
                )
        except BaseException:
            await self.close()
            raise

    def listen(
        self, address: str, *, tls: TLS | None = None, insecure: bool = False, insecure_secrets: bool = False
    ) -> None:
        """Listen on one more address. Raises ServerError; the server is then as before."""
        pem = (None, None, None) if tls is None else (tls.certificate, tls.key, tls.client_ca)
        diag = new_diag()
        options = (*pem, int(insecure), int(insecure_secrets))
        code = lowlevel.egress_server_listen(self._running(), address, options, diag)
        self._wake()
        check(code, ServerError, diag, about=address)

    def set_tls(self, tls: TLS, index: int = 0) -> None:
        """Show another certificate to clients that connect from here on; open streams go on.

        ``index`` is that of the address, in the order in which they were listened on. It is served by TLS, and has a
        ``client_ca`` before and after, or neither. Raises ServerError; the old certificate then stays.
        """
        diag = new_diag()
        options = (tls.certificate, tls.key, tls.client_ca, 0, 0)
        check(lowlevel.egress_server_set_tls(self._running(), index, options, diag), ServerError, diag)

    async def close(self, timeout: float | None = 10.0) -> None:
        """End all streams and let go of the addresses. Raises TimeoutError if that takes longer; it then goes on."""
        if self._driver is None:
            return
        lowlevel.egress_driver_close(self._driver)
        self._wake()
        async with asyncio.timeout(timeout):
            await self._closed.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def events(self) -> AsyncIterator[Event]:
        """What happens on the streams, oldest first, until the server is closed; each event is given once."""
        while True:
            event = self._next_event()
            if event is not None:
                yield event
            elif self._driver is None:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def status(self) -> list[StreamStatus]:
        """The open streams, the newest first, and how each type stands on them."""
        code, text = lowlevel.egress_server_status_json(self._running())
        check(code, ServerError)
        return from_json(text)

    def metrics(self) -> str:
        """Counters since the start, in the text format 0.0.4 of Prometheus."""
        code, text = lowlevel.egress_server_metrics(self._running())
        check(code, ServerError)
        return text

    @property
    def port(self) -> int:
        """Port of the first address; 0 for a unix one."""
        return lowlevel.egress_server_port(self._running(), 0)

    @property
    def ports(self) -> tuple[int, ...]:
        """Ports of the addresses that the server was made with; 0 for a unix one."""
        driver = self._running()
        return tuple(lowlevel.egress_server_port(driver, index) for index in range(len(self._addresses)))

    @property
    def stream_count(self) -> int:
        """Number of open streams."""
        return lowlevel.egress_server_stream_count(self._running())

    @property
    def dropped_events(self) -> int:
        """Number of events dropped because nobody took them."""
        return lowlevel.egress_server_dropped_events(self._running())

    def _running(self) -> lowlevel.egress_driver:
        if self._driver is None:
            raise ServerError(Code.ESTATE, "the server is not running")
        return self._driver

    def _next_event(self) -> Event | None:
        if self._driver is None:
            return self._left.popleft() if self._left else None
        found, raw = lowlevel.egress_server_next_event(self._driver)
        return from_tuple(raw) if found and raw is not None else None

    def _wake(self) -> None:
        """Run the uv loop soon: a call may have given it something to do that its descriptor does not know yet."""
        if self._driver is None or self._loop is None or self._loop.is_closed() or self._woken:
            return
        self._woken = True
        self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        self._woken = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._driver is None or self._loop is None:
            return
        lowlevel.egress_driver_run(self._driver)
        if lowlevel.egress_driver_closed(self._driver):
            self._finish(self._driver, self._loop)
        else:
            wait_ms = lowlevel.egress_driver_timeout_ms(self._driver)
            if wait_ms >= 0:
                self._timer = self._loop.call_later(wait_ms / 1000, self._run)
        self._arrived.set()

    def _finish(self, driver: lowlevel.egress_driver, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(lowlevel.egress_driver_fd(driver))
        while (event := self._next_event()) is not None:
            self._left.append(event)
        self._driver = None  # the last reference: frees the C server and its loop
        self._closed.set()

    def __del__(self) -> None:
        if getattr(self, "_driver", None) is not None:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)
