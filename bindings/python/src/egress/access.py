"""Who asks for what, and whether that is granted."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from egress import lowlevel


class Transport(IntEnum):
    """How a client comes in; the address listened on decides this, never what a client says."""

    PLAINTEXT = lowlevel.EGRESS_TRANSPORT_PLAINTEXT
    """TCP without TLS: whoever reaches the address."""
    UNIX = lowlevel.EGRESS_TRANSPORT_UNIX
    """A unix socket: the user that the server runs as."""
    TLS = lowlevel.EGRESS_TRANSPORT_TLS
    """Only the server shows a certificate: whoever reaches the address."""
    MUTUAL_TLS = lowlevel.EGRESS_TRANSPORT_MUTUAL_TLS
    """The client showed a certificate, and it was verified."""


@dataclass(frozen=True)
class Access:
    """A client asks for a type, for the first time on its stream.

    The names are those of its certificate; they are empty unless ``transport`` is ``MUTUAL_TLS``.
    """

    stream_id: int
    node_id: str
    """What the client says of itself, like ``node_cluster``: nothing vouches for it."""
    node_cluster: str
    type_url: str
    transport: Transport
    peer: str
    """Address of the client, such as ``"ipv4:127.0.0.1:51234"``."""
    spiffe_id: str
    common_name: str
    uris: tuple[str, ...]
    dns_names: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why a client may not have a type."""

    reason: str
    """For the client and its log; at most 255 bytes of it are sent."""
    status: int = 7
    """A ``google.rpc.Code``, 1 to 16; 7 is PERMISSION_DENIED."""


def from_tuple(raw: tuple[Any, ...]) -> Access:
    """Make one of what SWIG hands out."""
    stream_id, node_id, node_cluster, type_url, transport, *rest = raw
    return Access(stream_id, node_id, node_cluster, type_url, Transport(transport), *rest)
