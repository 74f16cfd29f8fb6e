"""Which snapshot each group of Envoys has."""

from typing import TYPE_CHECKING
from weakref import WeakSet

from egress import lowlevel
from egress.errors import ArgumentError, Code, ServerError, check
from egress.snapshot import Snapshot

if TYPE_CHECKING:
    from egress.server import Server


class Cache:
    """Group to snapshot, as a mapping. A node's group is its ``node.cluster``, or its ``node.id`` if that is empty.

    The group ``"*"`` stands for every group that has no snapshot of its own. Setting a group sends its Envoys what
    differs; deleting it sends them nothing. Any thread may set and delete groups; everything else belongs to the thread
    of the servers' loop.
    """

    __slots__ = ("__weakref__", "_raw", "_servers")

    def __init__(self) -> None:
        code, raw = lowlevel.egress_cache_new()
        check(code, ServerError)
        self._raw = raw
        self._servers: WeakSet[Server] = WeakSet()

    def __setitem__(self, group: str, snapshot: Snapshot) -> None:
        _check(lowlevel.egress_cache_set(self._raw, group, snapshot._raw), group)
        for server in self._servers:
            server._wake()

    def __getitem__(self, group: str) -> Snapshot:
        snapshot = self.get(group)
        if snapshot is None:
            raise KeyError(group)
        return snapshot

    def __delitem__(self, group: str) -> None:
        code = lowlevel.egress_cache_clear(self._raw, group)
        if code == lowlevel.EGRESS_ENOENT:
            raise KeyError(group)
        _check(code, group)
        for server in self._servers:
            server._wake()

    def __contains__(self, group: object) -> bool:
        return isinstance(group, str) and self.get(group) is not None

    def get(self, group: str) -> Snapshot | None:
        """The group's own snapshot, if it has one."""
        raw = lowlevel.egress_cache_get(self._raw, group)
        return None if raw is None else Snapshot._own(raw)


def _check(code: int, group: str) -> None:
    if code == lowlevel.EGRESS_EINVAL:
        raise ArgumentError(Code.EINVAL, f"group {group!r}: a group is 1 to 255 bytes of UTF-8")
    check(code, ServerError, about=f"group {group!r}")
