"""What happens on a server's streams, and to the snapshots of groups."""

from collections.abc import Iterable
from dataclasses import dataclass

from egress import lowlevel
from egress.load import LoadCluster, clusters_from_tuple


@dataclass(frozen=True)
class Event:
    """What all events say."""

    stream_id: int
    """Which stream of the server, from 1, never used again; 0: the event is a group's."""
    node_id: str
    """``""`` before it is known."""
    group: str
    """``""`` before it is known; of an event about a group's snapshot: that group, which may be ``"*"``."""
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
    elapsed_ms: int
    """From the response to this."""
    since_change_ms: int
    """From the change that the response brought, or the first of several, to this, 1 or more; 0: it brought none."""


@dataclass(frozen=True)
class Nacked(Event):
    """The client refused a response and goes on with what it had."""

    type_url: str
    version: str
    message: str
    """The client's own words."""
    status: int
    elapsed_ms: int
    """From the response to this."""


@dataclass(frozen=True)
class Rejected(Event):
    """The server ended a stream because of what the client sent, or may not have; the message says why.

    ``type_url`` is the type that it may not have; else it is empty.
    """

    type_url: str
    message: str
    status: int


@dataclass(frozen=True)
class Refused(Event):
    """A client refused its group's new snapshot, which ends the trial of that. Its ``Nacked`` came before."""

    type_url: str
    version: str
    message: str
    """The client's own words."""
    resource: str
    """Name of the resource that was refused, where that can be told; else ``""``."""
    status: int


@dataclass(frozen=True)
class Held(Refused):
    """No other stream is given it any more."""


@dataclass(frozen=True)
class RolledBack(Refused):
    """All streams go back to the last good snapshot."""


@dataclass(frozen=True)
class Proven(Event):
    """The group's new snapshot was accepted: it is the last good one now."""


@dataclass(frozen=True)
class RolloutStaged(Event):
    """The group's new snapshot goes to a share of the streams."""


@dataclass(frozen=True)
class RolloutSoaking(Event):
    """These have accepted it; the others wait."""


@dataclass(frozen=True)
class RolloutOpen(Event):
    """The others are given it, too."""


@dataclass(frozen=True)
class LoadReport(Event):
    """A client reported its load. Numbers are what it says: nothing vouches for them."""

    clusters: tuple[LoadCluster, ...]


@dataclass(frozen=True)
class Wanted(Event):
    """A client asked for a name that its group's snapshot has not, and waits: see ``answer`` of ``Cache``."""

    type_url: str
    name: str


@dataclass(frozen=True)
class Requested(Event):
    """A client sent a request; what that leads to comes behind it. Told if asked for (``kinds`` of a server)."""

    type_url: str
    bytes: int
    """Size of the message."""


@dataclass(frozen=True)
class Responded(Event):
    """A response, or a heartbeat, was made for a client. Told if asked for."""

    type_url: str
    version: str
    bytes: int
    """Size of the message."""


@dataclass(frozen=True)
class Subscribed(Event):
    """What a client wants of a type changed; ``Server.status`` says to what. Told if asked for."""

    type_url: str


@dataclass(frozen=True)
class Lost(Event):
    """So many events before this one were dropped, because nobody took them. Always told."""

    count: int


_KINDS: dict[type[Event], int] = {
    Connected: lowlevel.EGRESS_EVENT_CONNECTED,
    Disconnected: lowlevel.EGRESS_EVENT_DISCONNECTED,
    Acked: lowlevel.EGRESS_EVENT_ACKED,
    Nacked: lowlevel.EGRESS_EVENT_NACKED,
    Rejected: lowlevel.EGRESS_EVENT_REJECTED,
    Held: lowlevel.EGRESS_EVENT_HELD,
    RolledBack: lowlevel.EGRESS_EVENT_ROLLED_BACK,
    Proven: lowlevel.EGRESS_EVENT_PROVEN,
    RolloutStaged: lowlevel.EGRESS_EVENT_ROLLOUT_STAGED,
    RolloutSoaking: lowlevel.EGRESS_EVENT_ROLLOUT_SOAKING,
    RolloutOpen: lowlevel.EGRESS_EVENT_ROLLOUT_OPEN,
    Requested: lowlevel.EGRESS_EVENT_REQUEST,
    Responded: lowlevel.EGRESS_EVENT_RESPONSE,
    Subscribed: lowlevel.EGRESS_EVENT_SUBSCRIPTION,
    Lost: lowlevel.EGRESS_EVENT_LOST,
    LoadReport: lowlevel.EGRESS_EVENT_LOAD_REPORT,
    Wanted: lowlevel.EGRESS_EVENT_WANTED,
}


def mask_of(kinds: Iterable[type[Event]]) -> int:
    """The kinds and what is derived from them, as the C library wants them; 0, its usual choice, for none."""
    return sum(1 << bit for kind, bit in _KINDS.items() if issubclass(kind, tuple(kinds)))


_REFUSED = {lowlevel.EGRESS_EVENT_HELD: Held, lowlevel.EGRESS_EVENT_ROLLED_BACK: RolledBack}
_PLAIN = {
    lowlevel.EGRESS_EVENT_CONNECTED: Connected,
    lowlevel.EGRESS_EVENT_PROVEN: Proven,
    lowlevel.EGRESS_EVENT_ROLLOUT_STAGED: RolloutStaged,
    lowlevel.EGRESS_EVENT_ROLLOUT_SOAKING: RolloutSoaking,
    lowlevel.EGRESS_EVENT_ROLLOUT_OPEN: RolloutOpen,
}


def from_tuple(raw: "lowlevel._EventTuple") -> Event:
    """The event that the C library described."""
    kind, stream_id, node_id, group, peer, type_url, version, message, resource, status, elapsed_ms, size, lost, load, since_change_ms = raw
    if kind in _PLAIN:
        return _PLAIN[kind](stream_id, node_id, group, peer)
    if kind in _REFUSED:
        return _REFUSED[kind](stream_id, node_id, group, peer, type_url, version, message, resource, status)
    if kind == lowlevel.EGRESS_EVENT_DISCONNECTED:
        return Disconnected(stream_id, node_id, group, peer, message, status)
    if kind == lowlevel.EGRESS_EVENT_ACKED:
        return Acked(stream_id, node_id, group, peer, type_url, version, elapsed_ms, since_change_ms)
    if kind == lowlevel.EGRESS_EVENT_LOAD_REPORT:
        return LoadReport(stream_id, node_id, group, peer, clusters_from_tuple(load))
    if kind == lowlevel.EGRESS_EVENT_NACKED:
        return Nacked(stream_id, node_id, group, peer, type_url, version, message, status, elapsed_ms)
    if kind == lowlevel.EGRESS_EVENT_REQUEST:
        return Requested(stream_id, node_id, group, peer, type_url, size)
    if kind == lowlevel.EGRESS_EVENT_RESPONSE:
        return Responded(stream_id, node_id, group, peer, type_url, version, size)
    if kind == lowlevel.EGRESS_EVENT_SUBSCRIPTION:
        return Subscribed(stream_id, node_id, group, peer, type_url)
    if kind == lowlevel.EGRESS_EVENT_WANTED:
        return Wanted(stream_id, node_id, group, peer, type_url, resource)
    if kind == lowlevel.EGRESS_EVENT_LOST:
        return Lost(stream_id, node_id, group, peer, lost)
    return Rejected(stream_id, node_id, group, peer, type_url, message, status)
