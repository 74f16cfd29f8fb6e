"""Egress policies for Envoy: read them, ask them, and serve them over xDS.

    rules = egress.Policy.load("policy.yaml")
    groups = egress.Cache()
    groups["*"] = rules.compile(explicit="0.0.0.0:3128")
    async with egress.Server(groups, "127.0.0.1:18000") as xds:
        async for happened in xds.events():
            ...

Policies, resources and snapshots never change, so any thread may use them; a cache and its servers belong to the
thread of one asyncio loop.
"""

from egress.access import Access, Refusal, Transport
from egress.cache import Cache, Node, OnNack, Trial
from egress.envoy import bootstrap
from egress.errors import (
    ArgumentError,
    Code,
    Diagnostic,
    Error,
    FileError,
    OutOfMemoryError,
    PolicyError,
    ResourceError,
    ServerError,
)
from egress.events import (
    Acked,
    Connected,
    Disconnected,
    Event,
    Held,
    LoadReport,
    Lost,
    Nacked,
    Proven,
    Refused,
    Rejected,
    Requested,
    Responded,
    RolledBack,
    RolloutOpen,
    RolloutSoaking,
    RolloutStaged,
    Subscribed,
    Wanted,
)
from egress.fetch import Fetch, fetch_type_url
from egress.load import LOAD_STATS, LoadCluster, LoadDrops, LoadLocality, LoadMetric
from egress.lowlevel import egress_version
from egress.message import Message, MessageKind
from egress.policy import Decision, Flow, Policy, Protocol, Reason, Verdict
from egress.server import TLS, Server
from egress.snapshot import CLUSTER, ENDPOINT, LISTENER, ROUTE, Dangling, Resource, Snapshot
from egress.status import CLIENT_STATUS, StreamStatus, TypeStatus

__version__ = egress_version()

__all__ = [
    "CLIENT_STATUS",
    "CLUSTER",
    "ENDPOINT",
    "LISTENER",
    "LOAD_STATS",
    "ROUTE",
    "TLS",
    "Access",
    "Acked",
    "ArgumentError",
    "Cache",
    "Code",
    "Connected",
    "Dangling",
    "Decision",
    "Diagnostic",
    "Disconnected",
    "Error",
    "Event",
    "Fetch",
    "FileError",
    "Flow",
    "Held",
    "LoadCluster",
    "LoadDrops",
    "LoadLocality",
    "LoadMetric",
    "LoadReport",
    "Lost",
    "Message",
    "MessageKind",
    "Nacked",
    "Node",
    "OnNack",
    "OutOfMemoryError",
    "Policy",
    "PolicyError",
    "Protocol",
    "Proven",
    "Reason",
    "Refusal",
    "Refused",
    "Rejected",
    "Requested",
    "Resource",
    "ResourceError",
    "Responded",
    "RolledBack",
    "RolloutOpen",
    "RolloutSoaking",
    "RolloutStaged",
    "Server",
    "ServerError",
    "Snapshot",
    "StreamStatus",
    "Subscribed",
    "Transport",
    "Trial",
    "TypeStatus",
    "Verdict",
    "Wanted",
    "__version__",
    "bootstrap",
    "fetch_type_url",
]
