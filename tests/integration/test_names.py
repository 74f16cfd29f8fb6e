"""Names that are none, under a rule that allows everything below a domain."""

import pytest
from harness import client, policies
from harness.proxy import MODES, Proxy

A = "127.1.0.1"


@pytest.fixture(autouse=True)
def deep(proxy: Proxy) -> None:
    proxy.use(policies.policy(f'  - {{name: deep, to: ["**.example.com"], ports: [{proxy.world.port}, 80]}}'))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["a.example.com", "a.b.c.example.com", "-.example.com", f"{'l' * 63}.example.com"])
def test_good_names_pass(proxy: Proxy, mode: str, name: str) -> None:
    outcome = proxy.ask(mode, name, A)
    assert outcome.reached
    assert proxy.rule(outcome) == "deep"


def test_underscore(proxy: Proxy) -> None:
    """A valid name, but Envoy's HTTP/1 parser takes none in a URL or a CONNECT: narrower than the policy, not wider."""
    for mode in ("sni", "host", "get_h2", "connect_h2"):
        assert proxy.ask(mode, "_x.example.com", A).reached
    for mode in ("http", "connect"):
        assert proxy.ask(mode, "_x.example.com", A).status == 400


MALFORMED = [
    b"a..example.com",
    b".example.com",
    b"..example.com",
    b"x y.example.com",
    b"x\t.example.com",
    b"x%.example.com",
    b"x/.example.com",
    b"a,b.example.com",
    b"\x80.example.com",
    b"\xffx.example.com",
    b"b\xc3\xbccher.example.com",
    b"evil.test\x00.example.com",
    b"*.example.com",
    b"l" * 64 + b".example.com",
    b".".join([b"l" * 60] * 5) + b".example.com",
]


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_server_names(proxy: Proxy, name: bytes) -> None:
    """Refused by the listener itself: that no resolver would take such a name is not what the policy relies on."""
    before = proxy.envoy.stat("listener.egress_sni.no_filter_chain_match")
    with proxy.no_question():
        outcome = proxy.ask("sni", name, A)
    assert outcome.refused
    assert proxy.rule(outcome) is None
    assert proxy.envoy.stat("listener.egress_sni.no_filter_chain_match") == before + 1


AUTHORITIES = [name for name in MALFORMED if not any(byte in name for byte in (b" ", b"\t", b"/", b"\x00"))]


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("name", [*AUTHORITIES, b"127.0.0.1%00.example.com", b"a.example.com#.example.com"])
def test_malformed_authorities(proxy: Proxy, mode: str, name: bytes) -> None:
    with proxy.no_question():
        outcome = proxy.ask(mode, name, A)
    assert outcome.refused


@pytest.mark.parametrize("mode", ["host", "get_h2", "connect", "connect_h2"])
@pytest.mark.parametrize(
    "name", ["127.0.0.1:80@a.example.com", "user@a.example.com", "a.example.com:80", "a.example.com:80:"]
)
def test_authorities_with_something_around_the_name(proxy: Proxy, mode: str, name: str) -> None:
    with proxy.no_question():
        assert proxy.ask(mode, name, A).refused


@pytest.mark.parametrize(
    "host", ["x y.example.com", "a.example.com:", "a.example.com:0", "a.example.com:99999", ":80", ""]
)
def test_malformed_host_headers(proxy: Proxy, host: str) -> None:
    """The Host of a request in origin form; no malformed one leads anywhere."""
    with proxy.no_question():
        assert client.get(proxy.explicit_port.port, "/", A, host=host).refused
