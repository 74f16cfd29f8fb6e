"""The world outside the proxy, for demo.sh: a TLS and an HTTP backend and a resolver, all on loopback.

usage: demo_world.py CERTIFICATE KEY PORTS_FILE

Ports come from the kernel; they are written to PORTS_FILE as shell assignments once everything answers. Two more ports
are kept for the listeners of Envoy, which must be told beforehand: bound here and not listened on, so that nobody else
gets them. Ends on SIGTERM.
"""

import os
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BACKEND = "127.9.0.1"
# Where names lead that do not lead to the backend: an address that no allowed name may hide behind.
ELSEWHERE = {"metadata.status.example": "169.254.169.254"}


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path != "/stream":
            body = f"hello from {self.headers['host']}\n".encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("connection", "close")
        self.end_headers()
        try:
            while True:  # a line every tenth of a second, for as long as the client stays
                self.wfile.write(b"tick\n")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Backend(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__((BACKEND, 0), Answer)
        self.tls = tls
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        """In the connection's own thread, so that a slow handshake holds up nobody."""
        try:
            secure = self.tls.wrap_socket(request, server_side=True) if self.tls else request
            super().finish_request(secure, client_address)
            secure.close()
        except OSError:
            request.close()


def answer_dns(query: bytes) -> bytes:
    """A for any name in ``example``; other types of record have no answer, other names do not exist."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    question, kind = query[12 : at + 5], int.from_bytes(query[at + 1 : at + 3], "big")
    known = labels[-1:] == ["example"]
    address = ELSEWHERE.get(".".join(labels), BACKEND)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address) if known and kind == 1 else b""
    return query[:2] + struct.pack("!HHHHH", 0x8580 if known else 0x8583, 1, bool(record), 0, 0) + question + record


def serve_dns(server: socket.socket) -> None:
    while True:
        query, client = server.recvfrom(4096)
        try:
            server.sendto(answer_dns(query), client)
        except (IndexError, OSError):
            pass  # not a query


def keep_port() -> socket.socket:
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as Envoy's listeners do
    kept.bind(("127.0.0.1", 0))
    return kept


def main(certificate: str, key: str, ports_file: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns.bind(("127.0.0.1", 0))
    threading.Thread(target=serve_dns, args=(dns,), daemon=True).start()
    explicit, sni = keep_port(), keep_port()
    ports = {
        "tls_port": Backend(context).server_port,
        "http_port": Backend().server_port,
        "dns_port": dns.getsockname()[1],
        "explicit_port": explicit.getsockname()[1],
        "sni_port": sni.getsockname()[1],
    }
    with open(ports_file + ".new", "w") as out:
        out.writelines(f"{name}={port}\n" for name, port in ports.items())
    os.rename(ports_file + ".new", ports_file)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
