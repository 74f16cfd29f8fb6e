"""A relay of TCP connections that can cut them, or pass on nothing more: a client is lost to a server that goes on."""

import contextlib
import socket
import threading


class Relay:
    def __init__(self, to: int) -> None:
        self.to = to
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._passing = threading.Event()
        self._passing.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.to), timeout=10)
        except OSError:  # nobody is there now: so it is for the client, too
            client.close()
            return
        server.settimeout(None)
        for end in (client, server):  # what passes straight is not kept back either
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets += [client, server]
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._passing.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def hold(self) -> None:
        """Passes on nothing more; no connection ends, as when the other machine has lost its power."""
        self._passing.clear()

    def cut(self) -> None:
        """Ends all connections; those that come afterwards are passed on again."""
        with self._lock:
            ended, self._sockets = self._sockets, []
        for end in ended:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self._passing.set()
        self.cut()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
