"""What happens on a server's streams."""

from dataclasses import dataclass

from egress import lowlevel


@dataclass(frozen=True)
class Event:
    """What all events say."""

    stream_id: int
    """Which stream of the server, from 1, never used again."""
    node_id: str
    """``""`` before it is known."""
    group: str
    """``""`` before it is known."""
    peer: str
    """Address of the client, such as ``"ipv4:127.0.0.1:51234"``."""


@dataclass(frozen=True)
class Connected(Event):
    """A client opened a stream and said who it is."""


@dataclass(frozen=True)
class Disconnected(Event):
    """A stream ended."""

    message: str
    status: int
    """The ``google.rpc.Code`` that goes with the message; 0 when there is none."""


@dataclass(frozen=True)
class Acked(Event):
    """The client accepted a response."""

    type_url: str
    version: str


@dataclass(frozen=True)
class Nacked(Event):
    """The client refused a response and goes on with what it had."""

    type_url: str
    version: str
    message: str
    """The client's own words."""
    status: int


@dataclass(frozen=True)
class Rejected(Event):
    """The server ended a stream because of what the client sent, or may not have; the message says why.

    ``type_url`` is the type that it may not have; else it is empty.
    """

    type_url: str
    message: str
    status: int


def from_tuple(raw: "lowlevel._EventTuple") -> Event:
    """The event that the C library described."""
    kind, stream_id, node_id, group, peer, type_url, version, message, status = raw
    if kind == lowlevel.EGRESS_EVENT_CONNECTED:
        return Connected(stream_id, node_id, group, peer)
    if kind == lowlevel.EGRESS_EVENT_DISCONNECTED:
        return Disconnected(stream_id, node_id, group, peer, message, status)
    if kind == lowlevel.EGRESS_EVENT_ACKED:
        return Acked(stream_id, node_id, group, peer, type_url, version)
    if kind == lowlevel.EGRESS_EVENT_NACKED:
        return Nacked(stream_id, node_id, group, peer, type_url, version, message, status)
    return Rejected(stream_id, node_id, group, peer, type_url, message, status)
