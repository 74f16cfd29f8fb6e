"""Resources and the sets of them that a group of Envoys gets."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from egress import lowlevel
from egress.errors import Diagnostic, ResourceError, check, new_diag

LISTENER: str = lowlevel.EGRESS_TYPE_LISTENER
CLUSTER: str = lowlevel.EGRESS_TYPE_CLUSTER
ROUTE: str = lowlevel.EGRESS_TYPE_ROUTE
ENDPOINT: str = lowlevel.EGRESS_TYPE_ENDPOINT

_Reader = Callable[
    [bytes, tuple[str | None, str | None], lowlevel.egress_diag], tuple[int, lowlevel.egress_resource]
]


class Resource:
    """One xDS resource: a type URL, a name and the packed message. It never changes; any thread may use it."""

    __slots__ = ("_raw",)

    _raw: lowlevel.egress_resource

    def __init__(self, type_url: str, name: str, data: bytes) -> None:
        """``data`` is the packed protobuf message, such as ``message.SerializeToString()``."""
        code, raw = lowlevel.egress_resource_new(type_url, name, bytes(memoryview(data)))
        check(code, ResourceError, about=f"resource {name!r} of type {type_url!r}")
        self._raw = raw

    @classmethod
    def _own(cls, raw: lowlevel.egress_resource) -> "Resource":
        resource = cls.__new__(cls)
        resource._raw = raw
        return resource

    @classmethod
    def failed(cls, type_url: str, name: str, code: int, text: str) -> "Resource":
        """An error in the place of a resource: clients are told once why they do not get it.

        ``code`` is a ``google.rpc.Code``, 1 to 16; ``text`` is for people.
        """
        rv, raw = lowlevel.egress_resource_new_error(type_url, name, code, text)
        check(rv, ResourceError, about=f"error {name!r} of type {type_url!r}")
        return cls._own(raw)

    @classmethod
    def from_json(cls, text: str | bytes, *, name: str | None = None, file: str | None = None) -> "Resource":
        """Read proto3 JSON: an object whose ``@type`` names any message of the Envoy v3 API.

        ``name`` is for messages that have none of their own; ``file`` is how faults call the text. Raises
        ResourceError, whose diagnostics are all faults found.
        """
        return cls._read(lowlevel.egress_resource_from_json, text, name, file)

    @classmethod
    def from_yaml(cls, text: str | bytes, *, name: str | None = None, file: str | None = None) -> "Resource":
        """Read YAML, as ``from_json``; anchors, aliases and tags are faults."""
        return cls._read(lowlevel.egress_resource_from_yaml, text, name, file)

    @classmethod
    def _read(cls, read: _Reader, text: str | bytes, name: str | None, file: str | None) -> "Resource":
        diag = new_diag()
        code, raw = read(text.encode(errors="surrogatepass") if isinstance(text, str) else text, (name, file), diag)
        check(code, ResourceError, diag)
        return cls._own(raw)

    @property
    def type_url(self) -> str:
        """Such as ``egress.CLUSTER``."""
        return lowlevel.egress_resource_type_url(self._raw)

    @property
    def name(self) -> str:
        """Unique within its type."""
        return lowlevel.egress_resource_name(self._raw)

    @property
    def version(self) -> str:
        """Hash of type, name, aliases, bytes and time to live, 32 hexadecimal digits."""
        return lowlevel.egress_resource_version(self._raw)

    @property
    def error(self) -> tuple[int, str] | None:
        """Code and text of an error that stands in the place of a resource."""
        code = lowlevel.egress_resource_error(self._raw)
        return (code, lowlevel.egress_resource_error_text(self._raw)) if code else None

    @property
    def ttl(self) -> float | None:
        """Time to live in seconds."""
        return lowlevel.egress_resource_ttl_ms(self._raw) / 1000 or None

    def with_ttl(self, seconds: float | None) -> "Resource":
        """The same with a time to live of at least a second, or with none.

        A client that is told of it drops the resource when it hears nothing of the server for so long; while it is
        connected, heartbeats see to that.
        """
        ttl_ms = 0 if seconds is None else round(seconds * 1000)
        if seconds is not None and not 1000 <= ttl_ms < 1 << 32:
            raise ValueError(f"a time to live has 1 to 4294967 seconds, not {seconds}")
        code, raw = lowlevel.egress_resource_with_ttl(self._raw, ttl_ms)
        check(code, ResourceError)
        return self._own(raw)

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names by which clients of delta may ask for it."""
        count = lowlevel.egress_resource_alias_count(self._raw)
        return tuple(lowlevel.egress_resource_alias(self._raw, index) for index in range(count))

    def with_aliases(self, aliases: Iterable[str]) -> "Resource":
        """The same with these aliases instead of those that it has.

        Envoy asks for a virtual host on demand as ``ROUTE_CONFIGURATION/HOST``, and takes only what has that for its
        name or as an alias.
        """
        code, raw = lowlevel.egress_resource_with_aliases(self._raw, tuple(aliases))
        check(code, ResourceError, about=f"aliases of {self.name!r}")
        return self._own(raw)

    @property
    def data(self) -> bytes:
        """The packed message."""
        return lowlevel.egress_resource_bytes(self._raw)

    def json(self) -> str:
        """The message as proto3 JSON text, ``@type`` first. Raises ResourceError for a type not in Envoy's API."""
        code, text = lowlevel.egress_resource_json(self._raw)
        check(code, ResourceError, about=f"resource {self.name!r} of type {self.type_url!r}")
        return text

    def __repr__(self) -> str:
        return f"<Resource {self.name!r} of {self.type_url}, version {self.version}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and self.version == other.version

    def __hash__(self) -> int:
        return hash(self.version)


@dataclass(frozen=True, slots=True)
class Dangling:
    """A reference to what is not there."""

    resource: Resource
    """Which refers to it."""
    type_url: str
    """Of what is missing, as is the name."""
    name: str

    @classmethod
    def _of(cls, report: lowlevel.egress_dangling, index: int) -> "Dangling":
        resource = Resource._own(lowlevel.egress_dangling_resource(report, index))
        type_url = lowlevel.egress_dangling_type_url(report, index)
        return cls(resource, type_url, lowlevel.egress_dangling_name(report, index))


class Snapshot:
    """All resources that a group of Envoys is to have. It never changes; any thread may use it.

    Made by ``Policy.compile`` or ``Snapshot.build``. Iteration goes over the resources, by type URL and name.
    """

    __slots__ = ("_diagnostics", "_raw")

    _raw: lowlevel.egress_snapshot
    _diagnostics: tuple[Diagnostic, ...]

    def __init__(self) -> None:
        raise TypeError("use Policy.compile or Snapshot.build")

    @classmethod
    def _own(cls, raw: lowlevel.egress_snapshot, met: tuple[Diagnostic, ...] = ()) -> "Snapshot":
        snapshot = cls.__new__(cls)
        snapshot._raw, snapshot._diagnostics = raw, met
        return snapshot

    @classmethod
    def build(
        cls,
        resources: Iterable[Resource] = (),
        *,
        base: "Snapshot | None" = None,
        remove: Iterable[tuple[str, str]] = (),
        label: str | None = None,
        labels: Mapping[str, str | None] | None = None,
    ) -> "Snapshot":
        """Put a snapshot together: what ``base`` has, without ``remove`` (type URL and name), with ``resources``.

        A resource takes the place of the one with its type and name. Raises ResourceError for a removal of nothing, and
        when two of one type go by the same name or alias. With a base it costs what changes;
        ``cache[group] = Snapshot.build(..., base=cache.get(group))`` is a transaction.

        ``label`` is the text that clients are told as the version of every type, ``labels`` of single ones by type URL
        (None: the version by content). Without them a type keeps the label it has in ``base`` until its content
        changes.
        """
        code, builder = lowlevel.egress_snapshot_builder_new(None if base is None else base._raw)
        check(code, ResourceError)
        for type_url, name in remove:
            code = lowlevel.egress_snapshot_builder_remove(builder, type_url, name)
            check(code, ResourceError, about=f"resource {name!r} of type {type_url!r}")
        for resource in resources:
            check(lowlevel.egress_snapshot_builder_put(builder, resource._raw), ResourceError)
        given: list[tuple[str | None, str | None]] = [*(labels or {}).items()]
        if label is not None:
            given.append((None, label))
        for of, text in given:
            code = lowlevel.egress_snapshot_builder_set_label(builder, of, text)
            check(code, ResourceError, about=f"label {text!r} of type {of!r}")
        code, raw = lowlevel.egress_snapshot_builder_build(builder)
        check(code, ResourceError, about=lowlevel.egress_snapshot_builder_clash(builder))
        return cls._own(raw)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings met while it was compiled."""
        return self._diagnostics

    @property
    def versions(self) -> dict[str, str]:
        """Type URL to version by content, for every type that has a resource."""
        count = lowlevel.egress_snapshot_type_count(self._raw)
        urls = (lowlevel.egress_snapshot_type_url(self._raw, index) for index in range(count))
        return {url: lowlevel.egress_snapshot_type_version(self._raw, url) for url in urls}

    @property
    def labels(self) -> dict[str, str]:
        """Type URL to what clients are told as its version: the label given, else the version by content."""
        return {url: lowlevel.egress_snapshot_type_label(self._raw, url) for url in self.versions}

    def of_type(self, type_url: str) -> tuple[Resource, ...]:
        """The resources of one type, by name."""
        count = lowlevel.egress_snapshot_count(self._raw, type_url)
        return tuple(
            Resource._own(lowlevel.egress_snapshot_at(self._raw, type_url, index)) for index in range(count)
        )

    def find(self, type_url: str, name: str) -> Resource | None:
        """The resource of that type and name, if there is one."""
        raw = lowlevel.egress_snapshot_find(self._raw, type_url, name)
        return None if raw is None else Resource._own(raw)

    def dangling(self) -> tuple[Dangling, ...]:
        """References to what the snapshot does not have, by type URL and name of the resource that refers.

        Nothing refuses them: Envoy's own bootstrap may have what is missing.
        """
        code, raw = lowlevel.egress_snapshot_dangling(self._raw)
        check(code, ResourceError)
        return tuple(Dangling._of(raw, index) for index in range(lowlevel.egress_dangling_count(raw)))

    def unused(self) -> "Snapshot":
        """Clusters, endpoints, route configurations and secrets that no other resource refers to."""
        code, raw = lowlevel.egress_snapshot_unused(self._raw)
        check(code, ResourceError)
        return Snapshot._own(raw)

    def json(self) -> str:
        """All resources as JSON text: an array of what ``Resource.json`` gives."""
        return "[" + ",\n".join(resource.json() for resource in self) + "]"

    def history(self) -> str:
        """What a later process has to know to compile the next policy against this compiled snapshot."""
        code, text = lowlevel.egress_compile_history(self._raw)
        check(code, ResourceError, about="a snapshot that Policy.compile did not make")
        return text

    def __iter__(self) -> Iterator[Resource]:
        for type_url in self.versions:
            yield from self.of_type(type_url)

    def __len__(self) -> int:
        return sum(lowlevel.egress_snapshot_count(self._raw, type_url) for type_url in self.versions)

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self)} resources>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and self.versions == other.versions

    def __hash__(self) -> int:
        return hash(tuple(self.versions.items()))
