"""Answers to clients that ask again and again instead of holding a stream: xDS over REST."""

from egress import lowlevel
from egress.cache import Cache
from egress.errors import ResourceError, ServerError, check, new_diag


class Fetch:
    """What an HTTP side needs to serve Envoys with ``api_type: REST`` from a cache, on the thread of the cache.

    ``secrets`` serves secrets, too: only where nobody but the client can read the answer.
    """

    __slots__ = ("_cache", "_raw")

    def __init__(self, cache: Cache, *, identifier: str | None = None, secrets: bool = False) -> None:
        code, raw = lowlevel.egress_fetch_new(cache._raw, (identifier, int(secrets)))
        check(code, ServerError, about=f"identifier {identifier!r}")
        self._cache = cache
        self._raw = raw

    def answer(self, type_url: str, request: str | bytes) -> str | None:
        """The answer to a ``DiscoveryRequest``, both in JSON.

        None: what the client has is current, which HTTP says as 304 without a body. A request without an answer is a
        ``ResourceError``; its ``code`` says why: ``Code.ENOENT`` where the node's group has no snapshot,
        ``Code.EDENIED`` where it may not have these.
        """
        data = request.encode(errors="surrogatepass") if isinstance(request, str) else request
        diag = new_diag()
        code, text = lowlevel.egress_fetch_answer(self._raw, type_url, data, diag)
        check(code, ResourceError, diag)
        return text or None


def fetch_type_url(http_path: str) -> str | None:
    """The type that Envoy asks for by a ``POST`` to this path, such as ``/v3/discovery:clusters``; None: of none."""
    return lowlevel.egress_fetch_type_url(http_path)
