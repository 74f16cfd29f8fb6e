"""Writes valid sessions for wire_fuzz into a folder: wire_corpus.py FOLDER."""

import struct
import sys
from pathlib import Path

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CLUSTER = b"type.googleapis.com/envoy.config.cluster.v3.Cluster"
LISTENER = b"type.googleapis.com/envoy.config.listener.v3.Listener"
ADS = b"/envoy.service.discovery.v3.AggregatedDiscoveryService/"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(value: bytes) -> bytes:
    """A string of HPACK, without Huffman's code."""
    assert len(value) < 127
    return bytes([len(value)]) + value


def field(number: int, value: bytes) -> bytes:
    """A field of protobuf with a length."""
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


NODE = field(1, b"n") + field(2, b"g")


POST = b"\x83\x86\x01\x01a\x04"  # by http, to "a", and what the path is
SHRUNK = b"\x20"  # the first headers say that HPACK's table is as small as the server wants it


def headers(stream: int, path: bytes, kind: bytes = b"application/grpc") -> bytes:
    block = (SHRUNK if stream == 1 else b"") + POST + text(path) + b"\x0f\x10" + text(kind)
    return frame(HEADERS, END_HEADERS, stream, block)


def message(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return frame(DATA, flags, stream, b"\0" + struct.pack(">I", len(payload)) + payload)


def sotw(url: bytes, nonce: bytes = b"", node: bytes = NODE) -> bytes:
    return field(2, node) + field(4, url) + (field(5, nonce) if nonce else b"")


def delta(url: bytes, nonce: bytes = b"", names: bytes = b"") -> bytes:
    return field(1, NODE) + field(2, url) + (field(3, names) if names else b"") + (field(6, nonce) if nonce else b"")


def opened(*frames: bytes) -> bytes:
    begin = PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0)
    return begin + b"".join(frames)


def sessions() -> dict[str, bytes]:
    stream, load = ADS + b"StreamAggregatedResources", b"/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats"
    fetch = b"/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters"
    status = b"/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus"
    subscribed = headers(1, stream) + message(1, sotw(CLUSTER)) + message(1, sotw(LISTENER, node=b""))
    return {
        "sotw": opened(subscribed, message(1, sotw(CLUSTER, b"1")), message(1, sotw(LISTENER, b"2"), END_STREAM)),
        "delta": opened(
            headers(1, ADS + b"DeltaAggregatedResources"),
            message(1, delta(CLUSTER, names=b"*")),
            message(1, delta(CLUSTER, b"1")),
            message(1, delta(LISTENER, names=b"l"), END_STREAM),
        ),
        "fetch": opened(headers(1, fetch), message(1, sotw(CLUSTER), END_STREAM)),
        "status": opened(subscribed, headers(3, status), message(3, b"", END_STREAM)),
        "load": opened(headers(1, load), message(1, field(1, NODE)), message(1, b"", END_STREAM)),
        "reset": opened(subscribed, frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), headers(3, fetch), frame(PING, 0, 0, b"8" * 8)),
        "window": PREFACE
        + frame(SETTINGS, 0, 0, b"\0\4\0\0\0\1")
        + subscribed
        + frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x10") * 3
        + frame(WINDOW_UPDATE, 0, 1, b"\0\1\0\0"),
        "split": opened(
            frame(HEADERS, 0, 1, SHRUNK + POST + text(stream)),
            frame(CONTINUATION, END_HEADERS, 1, b"\x0f\x10" + text(b"application/grpc")),
            *(frame(DATA, 0, 1, bytes([byte])) for byte in b"\0\0\0\0\x01x"),
        ),
        "many": opened(*(headers(n, stream) + message(n, sotw(CLUSTER)) for n in range(1, 20, 2)), frame(GOAWAY, 0, 0, b"\0" * 8)),
        "refused": opened(headers(1, b"/a.B/C"), headers(3, stream, b"text/html"), message(3, b"x")),
        "compressed": opened(headers(1, stream), frame(DATA, END_STREAM, 1, b"\1\0\0\0\1x")),
        "http1": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    }


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in sessions().items():
        (folder / name).write_bytes(b"\x07" + data)
        (folder / f"{name}_deaf").write_bytes(b"\x87" + data)


main()
