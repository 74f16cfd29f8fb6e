"""What passes on a server's streams."""

from dataclasses import dataclass
from enum import IntEnum

from egress import lowlevel


class MessageKind(IntEnum):
    """Which message of discovery it is."""

    OPENED = lowlevel.EGRESS_MESSAGE_OPENED
    """None yet: a client opened the stream. Its end is an event."""
    REQUEST = lowlevel.EGRESS_MESSAGE_REQUEST
    """A ``DiscoveryRequest`` came."""
    DELTA_REQUEST = lowlevel.EGRESS_MESSAGE_DELTA_REQUEST
    """A ``DeltaDiscoveryRequest`` came."""
    RESPONSE = lowlevel.EGRESS_MESSAGE_RESPONSE
    """A ``DiscoveryResponse`` was begun to be sent."""
    DELTA_RESPONSE = lowlevel.EGRESS_MESSAGE_DELTA_RESPONSE
    """A ``DeltaDiscoveryResponse`` was begun to be sent."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is on the wire."""

    kind: MessageKind
    stream_id: int
    """As in events."""
    peer: str
    """Address of the client, such as ``"ipv4:127.0.0.1:51234"``."""
    type_url: str
    """Of a service for one type, whose requests need not say it; ``""``: aggregated discovery."""
    data: bytes
    """Packed. Requests are shown before they are read: they may be anything that a client sent."""
