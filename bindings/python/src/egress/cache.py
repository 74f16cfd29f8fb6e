"""Which snapshot each group of Envoys has."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from egress import lowlevel
from egress.errors import ArgumentError, Code, ServerError, check
from egress.snapshot import Snapshot


class OnNack(Enum):
    """What becomes of a group's new snapshot when a client refuses it."""

    NOTHING = lowlevel.EGRESS_ON_NACK_NOTHING
    """It goes to everybody."""
    HOLD = lowlevel.EGRESS_ON_NACK_HOLD
    """Streams that have it keep it; no others get it."""
    ROLLBACK = lowlevel.EGRESS_ON_NACK_ROLLBACK
    """All streams go back to the last good snapshot."""


class Trial(Enum):
    """Where the trial of a group's snapshot stands."""

    NONE = lowlevel.EGRESS_TRIAL_NONE
    """There is none."""
    STAGED = lowlevel.EGRESS_TRIAL_STAGED
    """Some streams are given it; the others have the last good one."""
    SOAKING = lowlevel.EGRESS_TRIAL_SOAKING
    """These have accepted it."""
    OPEN = lowlevel.EGRESS_TRIAL_OPEN
    """All are given it."""
    GOOD = lowlevel.EGRESS_TRIAL_GOOD
    """It was accepted: this is the last good one now."""
    REFUSED = lowlevel.EGRESS_TRIAL_REFUSED
    """It was refused: new streams get the last good one."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a client says of itself: nothing vouches for it."""

    id: str
    cluster: str
    region: str = ""
    """Of its ``locality``, like ``zone`` and ``sub_zone``."""
    zone: str = ""
    sub_zone: str = ""
    user_agent_name: str = ""
    """Such as ``"envoy"``."""


def _asked(group: Callable[[Node], str | None]) -> Callable[[tuple[str, ...]], str | None]:
    def ask(raw: tuple[str, ...]) -> str | None:
        return group(Node(*raw))

    return ask


class Cache:
    """Group to snapshot, as a mapping. A node's group is its ``node.cluster``, or its ``node.id`` if that is empty;
    or what the function ``group`` says.

    The group ``"*"`` stands for every group that has no snapshot of its own. Setting a group sends its Envoys what
    differs; deleting it sends them nothing. Any thread may set and delete groups; everything else belongs to the thread
    of the servers' loop.
    """

    __slots__ = ("__weakref__", "_group", "_raw")

    def __init__(
        self,
        *,
        answer: float | None = None,
        globs: bool = False,
        group: Callable[[Node], str | None] | None = None,
    ) -> None:
        """``group`` is asked for the group of each node that comes: 1 to 255 bytes of UTF-8; None refuses the node.

        If it raises, or returns what is no group, the node is refused, too; ``sys.unraisablehook`` is told what it
        raised.

        With ``answer``, a client that asks for a name that is not there waits for so many seconds.

        A ``Wanted`` event tells of the name; the answer is a snapshot that has it, or ``absent``.

        With ``globs``, a name that ends in ``/*`` stands for all that begins so, to clients that speak delta.
        """
        answer_ms = 0 if answer is None else round(answer * 1000)
        if answer is not None and not 1 <= answer_ms < 1 << 32:
            raise ValueError(f"an answer takes 0.001 to 4294967 seconds, not {answer}")
        self._group = None if group is None else _asked(group)  # C borrows it: who uses the raw cache keeps this one
        code, raw = lowlevel.egress_cache_new((answer_ms, int(globs), self._group))
        check(code, ServerError)
        self._raw = raw

    def __setitem__(self, group: str, snapshot: Snapshot) -> None:
        _check(lowlevel.egress_cache_set(self._raw, group, snapshot._raw), group)

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

    def absent(self, group: str, type_url: str, name: str) -> bool:
        """Answers a ``Wanted`` event: there is nothing of that name. False: nobody waits for that any more."""
        code = lowlevel.egress_cache_absent(self._raw, group, type_url, name)
        if code == lowlevel.EGRESS_ENOENT:
            return False
        _check(code, group)
        return True

    def __contains__(self, group: object) -> bool:
        return isinstance(group, str) and self.get(group) is not None

    def get(self, group: str) -> Snapshot | None:
        """The group's own snapshot, if it has one."""
        raw = lowlevel.egress_cache_get(self._raw, group)
        return None if raw is None else Snapshot._own(raw)

    def set_trial(
        self,
        group: str,
        on_nack: OnNack,
        *,
        good_percent: int = 0,
        rollout_percent: int = 0,
        soak_ms: int = 0,
    ) -> None:
        """How new snapshots of a group are tried; ``"*"``: of every group for which nothing else is said.

        Percent of the streams; 0 means all. A snapshot is good when ``good_percent`` have accepted it. A new one goes
        to ``rollout_percent`` first, and to the others ``soak_ms`` after these have accepted it.
        """
        if max(good_percent, rollout_percent) > 100 or (rollout_percent and on_nack is OnNack.NOTHING):
            raise ArgumentError(Code.EINVAL, "at most 100 percent, and a rollout needs HOLD or ROLLBACK")
        options = (on_nack.value, good_percent, rollout_percent, soak_ms)
        self._set_trial(group, options)

    def clear_trial(self, group: str) -> None:
        """Nothing is said any more of how a group's snapshots are tried."""
        self._set_trial(group, None)

    def _set_trial(self, group: str, options: tuple[int, int, int, int] | None) -> None:
        _check(lowlevel.egress_cache_set_trial(self._raw, group, options), group)

    def trial(self, group: str) -> Trial:
        """Where the trial of the group's own snapshot stands."""
        return Trial(lowlevel.egress_cache_trial(self._raw, group))

    def good(self, group: str) -> Snapshot | None:
        """The last of the group's own snapshots that was good; None where they are not tried."""
        raw = lowlevel.egress_cache_good(self._raw, group)
        return None if raw is None else Snapshot._own(raw)


def _check(code: int, group: str) -> None:
    if code == lowlevel.EGRESS_EINVAL:
        raise ArgumentError(Code.EINVAL, f"group {group!r}: a group is 1 to 255 bytes of UTF-8")
    check(code, ServerError, about=f"group {group!r}")
