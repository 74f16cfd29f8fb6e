"""The SNI proxy: who reaches what, by server name alone."""

import pytest
from harness import client, hello, policies
from harness.proxy import Proxy
from harness.world import REAL

A, B = "127.1.0.1", "127.2.0.1"


@pytest.fixture(autouse=True)
def house(proxy: Proxy) -> None:
    proxy.use(policies.house(proxy.world.port, proxy.world.other_port))


@pytest.mark.parametrize(
    ("source", "name", "rule"),
    [
        (A, "a.example.com", "a-example"),
        (A, "A.EXAMPLE.Com", "a-example"),
        (A, "x_y.example.com", "a-example"),
        (A, "xn--bcher-kva.example.com", "a-example"),
        (A, "static.example.org", "shared"),
        (B, "static.example.org", "shared"),
        ("127.1.255.254", "a.example.com", "a-example"),
        ("127.3.0.1", "static.example.org", "shared"),
    ],
)
def test_allowed(proxy: Proxy, source: str, name: str, rule: str) -> None:
    outcome = proxy.ask("sni", name, source)
    assert outcome.reached
    assert name.encode().hex() in outcome.body, "the backend did not get the ClientHello as it was sent"
    assert proxy.rule(outcome) == rule


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (B, "sni-b.example.com"),  # another tenant's rule
        ("127.2.0.2", "sni-c.example.com"),  # no tenant
        ("127.0.0.1", "sni-d.example.com"),
        (A, "example.com"),  # the apex is not in *.example.com
        (A, "a.b.example.com"),  # nor are two labels
        (A, "static.example.org.evil.test"),
        (A, "xstatic.example.org"),
        (A, "nobody.listed.test"),
        (B, "odd.example.org"),  # allowed on another port, which this listener does not dial
    ],
)
def test_unlisted_is_closed_and_counted(proxy: Proxy, source: str, name: str) -> None:
    before = proxy.envoy.stat("listener.egress_sni.no_filter_chain_match")
    with proxy.no_question():
        outcome = proxy.ask("sni", name, source)
    assert outcome.refused
    assert proxy.envoy.stat("listener.egress_sni.no_filter_chain_match") == before + 1
    assert proxy.rule(outcome) is None


def test_deny_entry_wins_and_is_named(proxy: Proxy) -> None:
    before = proxy.envoy.stat("listener.egress_sni.no_filter_chain_match")
    with proxy.no_question():
        outcome = proxy.ask("sni", "second.example.com", A)
    assert outcome.refused
    assert proxy.rule(outcome) == "no-second"
    assert proxy.envoy.stat("listener.egress_sni.no_filter_chain_match") == before, "a deny is not an unlisted name"


@pytest.mark.parametrize("name", ["dot.example.com.", "static.example.org."])
def test_trailing_dot_is_refused(proxy: Proxy, name: str) -> None:
    """RFC 6066 has no dot at the end of a server name; such a name is not valid."""
    with proxy.no_question():
        assert proxy.ask("sni", name, A).refused


@pytest.mark.parametrize("name", [None, b"", b"127.9.0.1", b"203.0.113.20", b"::1", b"[::1]", b"*.example.com"])
def test_without_a_usable_name(proxy: Proxy, name: bytes | None) -> None:
    with proxy.no_question():
        assert proxy.ask("sni", name, A).refused
        assert proxy.ask("sni", name, B).refused


def test_plaintext_is_refused(proxy: Proxy) -> None:
    assert client.raw(proxy.sni_port.port, b"GET / HTTP/1.1\r\nhost: static.example.org\r\n\r\n").refused


def test_hello_in_pieces(proxy: Proxy) -> None:
    """The name is judged when it is whole, however it arrives."""
    record = hello.client_hello(b"static.example.org")
    with client.Connection(proxy.sni_port.port) as connection:
        for at in range(0, len(record), 40):
            connection.send(record[at : at + 40])
        assert connection.read_until(b"\n").startswith(b"egress-backend tls")


def test_real_handshake_end_to_end(proxy: Proxy) -> None:
    """The proxy forwards TLS unopened: the handshake is with the backend."""
    with client.Connection(proxy.sni_port.port, A) as connection:
        answer = client.handshake(connection, "real.example.com")
    assert answer == f"egress-backend http {REAL} real.example.com\n"
    assert proxy.world.real.names[-1] == b"real.example.com"
