"""TLS ClientHellos by hand: Python's ssl refuses the server names that these tests must send."""

import os
import struct

HANDSHAKE = 0x16
_SERVER_NAME = 0


def _sized(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack("!H", kind) + _sized(data, 2)


def client_hello(name: bytes | None) -> bytes:
    """One TLS record with a ClientHello that asks for ``name``, sent as it is; None: without a server name."""
    extensions = b""
    if name is not None:
        extensions += _extension(_SERVER_NAME, _sized(b"\0" + _sized(name, 2), 2))
    extensions += _extension(10, _sized(struct.pack("!HH", 0x001D, 0x0017), 2))  # supported_groups: X25519, P-256
    extensions += _extension(11, b"\x01\x00")  # ec_point_formats: uncompressed
    extensions += _extension(13, _sized(struct.pack("!4H", 0x0403, 0x0804, 0x0401, 0x0503), 2))  # signatures
    extensions += _extension(43, _sized(struct.pack("!HH", 0x0304, 0x0303), 1))  # TLS 1.3, 1.2
    extensions += _extension(51, _sized(struct.pack("!H", 0x001D) + _sized(os.urandom(32), 2), 2))  # key_share
    suites = struct.pack("!5H", 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F)
    body = b"\x03\x03" + os.urandom(32) + _sized(os.urandom(32), 1) + _sized(suites, 2) + b"\x01\x00"
    body += _sized(extensions, 2)
    return b"\x16\x03\x01" + _sized(b"\x01" + _sized(body, 3), 2)


def server_name(record: bytes) -> bytes | None:
    """The server name in a record made by ``client_hello`` (or by any other client, in one record)."""
    body = record[9:]
    position = 2 + 32
    position += 1 + body[position]
    position += 2 + int.from_bytes(body[position : position + 2], "big")
    position += 1 + body[position]
    position += 2
    while position + 4 <= len(body):
        kind, size = struct.unpack_from("!HH", body, position)
        position += 4
        if kind == _SERVER_NAME:
            return body[position + 5 : position + size]
        position += size
    return None


def record_size(start: bytes) -> int:
    """Bytes of the whole record that begins with these five."""
    return 5 + int.from_bytes(start[3:5], "big")
