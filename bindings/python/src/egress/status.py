"""Who is connected, what they want, and what they said to what they were sent."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from egress import lowlevel

CLIENT_STATUS = lowlevel.EGRESS_TYPE_CLIENT_STATUS
"""What ``authorise`` is asked for a client of the client status discovery service (CSDS), and what its events have."""


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """A type of resource on a stream. Times are the last of their kind; None: never."""

    wildcard: bool
    """The client wants everything; the names are beside that."""
    names: frozenset[str]
    """What it wants by name."""
    sent: str | None
    """Version of the last response, as clients are told it."""
    acked: str | None
    """Version that the client accepted last."""
    nacked: str | None
    """Version that it refused last; what it accepted may be newer."""
    message: str | None
    """What it said then."""
    code: int
    """The ``google.rpc.Code`` that it refused with; 0 when it never refused."""
    in_flight: bool
    """A response is not answered yet."""
    requested_at: datetime | None
    sent_at: datetime | None
    acked_at: datetime | None
    nacked_at: datetime | None


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """An open stream."""

    stream_id: int
    """As in events."""
    node_id: str
    node_cluster: str
    group: str
    peer: str
    """Address of the client, such as ``"ipv4:127.0.0.1:51234"``."""
    transport: str
    """``"plaintext"``, ``"unix"``, ``"tls"`` or ``"mutual-tls"``."""
    spiffe_id: str | None
    """Of the client's certificate, as are the next three; None, or empty, where it has none."""
    common_name: str | None
    uris: tuple[str, ...]
    """Alternative names that are URIs, a SPIFFE ID among them."""
    dns_names: tuple[str, ...]
    variant: str
    """``"sotw"`` or ``"delta"``."""
    type_url: str
    """Of a service for one type; ``""``: aggregated discovery."""
    opened_at: datetime
    types: dict[str, TypeStatus]
    """By type URL."""


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _type(raw: dict[str, Any]) -> TypeStatus:
    return TypeStatus(
        wildcard=raw["wildcard"],
        names=frozenset(raw["names"]),
        sent=raw.get("sent"),
        acked=raw.get("acked"),
        nacked=raw.get("nacked"),
        message=raw.get("why"),
        code=raw.get("code", 0),
        in_flight=raw["inFlight"],
        requested_at=_time(raw.get("requestedAt")),
        sent_at=_time(raw.get("sentAt")),
        acked_at=_time(raw.get("ackedAt")),
        nacked_at=_time(raw.get("nackedAt")),
    )


def from_json(text: str) -> list[StreamStatus]:
    """What the C library described."""
    return [
        StreamStatus(
            stream_id=raw["stream"],
            node_id=raw["node"],
            node_cluster=raw["cluster"],
            group=raw["group"],
            peer=raw["peer"],
            transport=raw["transport"],
            spiffe_id=raw.get("spiffeId"),
            common_name=raw.get("commonName"),
            uris=tuple(raw.get("uris", ())),
            dns_names=tuple(raw.get("dnsNames", ())),
            variant=raw["variant"],
            type_url=raw["typeUrl"],
            opened_at=datetime.fromisoformat(raw["openedAt"]),
            types={type_url: _type(one) for type_url, one in raw["types"].items()},
        )
        for raw in json.loads(text)
    ]
