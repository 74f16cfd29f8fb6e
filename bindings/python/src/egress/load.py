"""What clients report of their load."""

from dataclasses import dataclass

from egress import lowlevel

LOAD_STATS = lowlevel.EGRESS_TYPE_LOAD_STATS
"""The type that ``authorise`` is asked for by a client that wants to report."""


@dataclass(frozen=True, slots=True)
class LoadMetric:
    """A measure that the endpoints of a locality told of themselves."""

    name: str
    requests: int
    """Requests that ended with it."""
    total: float
    """Sum of what they told."""


@dataclass(frozen=True, slots=True)
class LoadDrops:
    """Requests that the client itself dropped, for one reason."""

    category: str
    count: int


@dataclass(frozen=True, slots=True)
class LoadLocality:
    """Requests to the endpoints of a cluster that are in one place and of one priority."""

    region: str
    zone: str
    sub_zone: str
    priority: int
    succeeded: int
    failed: int
    issued: int
    """Requests that were begun."""
    in_progress: int
    """Requests under way when the report was made."""
    metrics: tuple[LoadMetric, ...]


@dataclass(frozen=True, slots=True)
class LoadCluster:
    """What a client sent to one cluster since it reported last."""

    name: str
    service_name: str
    """That of its EDS configuration; ``""``: none."""
    interval_ms: int
    """The time that the numbers are about."""
    dropped: int
    """Requests dropped, for whatever reason."""
    localities: tuple[LoadLocality, ...]
    drops: tuple[LoadDrops, ...]
    """Of those dropped, the ones whose reason has a category."""


def _locality(raw: "lowlevel._LocalityTuple") -> LoadLocality:
    return LoadLocality(*raw[:-1], tuple(LoadMetric(*metric) for metric in raw[-1]))


def clusters_from_tuple(raw: "tuple[lowlevel._ClusterTuple, ...]") -> tuple[LoadCluster, ...]:
    """What the C library read of a report."""
    return tuple(
        LoadCluster(
            name,
            service_name,
            interval_ms,
            dropped,
            tuple(_locality(locality) for locality in localities),
            tuple(LoadDrops(*each) for each in drops),
        )
        for name, service_name, interval_ms, dropped, localities, drops in raw
    )
