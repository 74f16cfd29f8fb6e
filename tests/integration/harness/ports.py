"""Ports from the kernel."""

import socket


class ReservedPort:
    """
    A port that the kernel picked, kept for a program which must be told its port beforehand.

    The socket is bound and never listens, so it takes no connection. A listener that binds with SO_REUSEPORT (Envoy) or
    SO_REUSEADDR (most others) has room beside it; for a program that does neither, call ``release`` just before it
    starts. Bound to all addresses: nobody gets the port on another one either, where a program that listens on all of
    them (grpc-js) would meet him.
    """

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", 0))
        self.port: int = self.socket.getsockname()[1]

    def __str__(self) -> str:
        return f"127.0.0.1:{self.port}"

    def release(self) -> None:
        self.socket.close()
