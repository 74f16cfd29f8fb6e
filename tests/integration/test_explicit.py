"""The explicit forward proxy: absolute-form HTTP, and CONNECT over HTTP/1.1 and HTTP/2."""

from pathlib import Path

import pytest
from harness import client, policies
from harness.proxy import MODES, Proxy
from harness.world import MAIN, REAL, SECOND, World

A, B = "127.1.0.1", "127.2.0.1"
EXPLICIT = MODES[1:]
TUNNELS = ("connect", "connect_h2")


@pytest.fixture(autouse=True)
def house(proxy: Proxy) -> None:
    proxy.use(policies.house(proxy.world.port, proxy.world.other_port))


@pytest.mark.parametrize("mode", EXPLICIT)
@pytest.mark.parametrize(
    ("source", "name", "rule"),
    [
        (A, "a.example.com", "a-example"),
        (A, "A.Example.COM", "a-example"),
        (A, "static.example.org", "shared"),
        (B, "static.example.org", "shared"),
        ("127.3.0.1", "static.example.org", "shared"),
    ],
)
def test_allowed(proxy: Proxy, mode: str, source: str, name: str, rule: str) -> None:
    outcome = proxy.ask(mode, name, source)
    assert outcome.reached
    assert proxy.rule(outcome) == rule


@pytest.mark.parametrize("mode", EXPLICIT)
@pytest.mark.parametrize(
    ("source", "name"),
    [
        (B, "explicit-b.example.com"),
        ("127.2.0.2", "explicit-c.example.com"),
        (A, "example.com"),
        (A, "a.b.example.com"),
        (A, "nobody.listed.test"),
        (A, "second.example.com"),
        (B, "second.example.com"),
    ],
)
def test_denied_without_a_question_to_dns(proxy: Proxy, mode: str, source: str, name: str) -> None:
    with proxy.no_question():
        outcome = proxy.ask(mode, name, source)
    assert (outcome.refused, outcome.status) == (True, 403)


def refusals(proxy: Proxy, mode: str) -> list[str]:
    """The bodies for a name that no rule has, one that a deny entry has, and one that leads to a guarded address."""
    names = ("nobody.listed.test", "second.example.com", "trap.example.com")
    outcomes = [proxy.ask(mode, name, A) for name in names]
    assert [outcome.status for outcome in outcomes] == [403, 403, 403]
    return [outcome.body for outcome in outcomes]


@pytest.mark.parametrize("mode", EXPLICIT)
def test_a_refusal_says_why_but_names_no_rule(proxy: Proxy, mode: str) -> None:
    unlisted, denied, guarded = refusals(proxy, mode)
    for body in (unlisted, denied, guarded):
        assert body.startswith("egress: ") and body.endswith("\n")
        assert "a-example" not in body and "no-second" not in body and "RBAC" not in body
    assert f"nobody.listed.test:{proxy.world.port}" in unlisted and A in unlisted and "no rule" in unlisted
    assert f"second.example.com:{proxy.world.port}" in denied and "denies" in denied
    assert f"trap.example.com:{proxy.world.port}" in guarded and "allow_private" in guarded


def test_a_refusal_names_the_rule_where_an_option_says_so(world: World, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path, world, "sotw", policies.empty(), ("--name-rules",))
    try:
        proxy.use(policies.house(world.port, world.other_port))
        unlisted, denied, _guarded = refusals(proxy, "http")
        assert "no-second" in denied
        assert "no-second" not in unlisted
    finally:
        proxy.close()


@pytest.mark.parametrize("mode", EXPLICIT)
def test_deny_entry_is_named_in_the_log(proxy: Proxy, mode: str) -> None:
    assert proxy.rule(proxy.ask(mode, "second.example.com", A)) == "no-second"
    assert proxy.rule(proxy.ask(mode, "nobody.listed.test", A)) is None


@pytest.mark.parametrize("mode", EXPLICIT)
def test_ports_are_exact(proxy: Proxy, mode: str) -> None:
    port, other = proxy.world.port, proxy.world.other_port
    assert proxy.ask(mode, "odd.example.org", B, other).reached
    for source, name, asked in [
        (B, "odd.example.org", port),
        (B, "odd.example.org", 443),
        (A, "odd.example.org", other),
        (A, "a.example.com", other),
        (A, "a.example.com", 80),
        (A, "a.example.com", 443),
        (A, "a.example.com", 1),
        (A, "a.example.com", 65535),
    ]:
        assert proxy.ask(mode, name, source, asked).status == 403, (source, name, asked)


def test_default_ports(proxy: Proxy) -> None:
    """A rule without ports means 443 for TLS and 80 for HTTP; nothing listens there, so 503 is the proxy's yes."""
    proxy.use(policies.policy("  - {name: plain, to: [plain.example.com]}"))
    explicit = proxy.explicit_port.port
    assert client.connect(explicit, "plain.example.com:443", A).status == 503
    assert client.connect_h2(explicit, "plain.example.com:443", A).status == 503
    assert client.get(explicit, "http://plain.example.com/", A).status == 503
    assert client.get(explicit, "http://plain.example.com:80/", A).status == 503
    assert client.connect(explicit, "plain.example.com:80", A).status == 403
    assert client.get(explicit, "http://plain.example.com:443/", A).status == 403


@pytest.mark.parametrize("mode", TUNNELS)
def test_connect_to_an_address(proxy: Proxy, mode: str) -> None:
    assert proxy.rule(proxy.ask(mode, MAIN, B)) == "b-address"
    assert proxy.ask(mode, MAIN, B).reached
    assert proxy.ask(mode, MAIN, A).status == 403
    assert proxy.ask(mode, MAIN, B, proxy.world.other_port).status == 403
    assert proxy.ask(mode, SECOND, B).status == 403
    assert proxy.ask(mode, "127.8.0.1", B).status == 403
    assert proxy.ask(mode, "127.0.0.1", B).status == 403


@pytest.mark.parametrize("mode", EXPLICIT)
def test_a_deny_that_is_called_as_envoy_calls_nothing(proxy: Proxy, mode: str) -> None:
    """Its refusals say that it denies, and those that no rule allows that none does."""
    port = proxy.world.port
    proxy.use(
        policies.policy(
            f"""\
  - {{name: names, to: ["**.example.com"], ports: [{port}]}}
  - {{name: ranges, from: [tenant-b], to: [127.0.0.0/8], ports: [{port}]}}
""",
            f"  - {{name: none, to: [denied.example.com, {SECOND}/32]}}\n",
        )
    )
    for name in ("denied.example.com", "second-address.example.com", SECOND):
        outcome = proxy.ask(mode, name, B)
        assert "the egress policy denies" in outcome.body, name
        assert proxy.rule(outcome) == "none", name
    for name, source in [("nobody.listed.test", B), (MAIN, A)]:
        outcome = proxy.ask(mode, name, source)
        assert "no rule" in outcome.body, name
        assert proxy.rule(outcome) is None, name
    assert proxy.rule(proxy.ask(mode, MAIN, B)) == "ranges"


@pytest.mark.parametrize("mode", EXPLICIT)
@pytest.mark.parametrize(
    "name", ["127.1", "0x7f.9.0.1", "2130706433", "017700000001", "127.9.0.1.", "[::ffff:127.9.0.1]"]
)
def test_other_spellings_of_an_address(proxy: Proxy, mode: str, name: str) -> None:
    """Only the plain dotted form is an address; what resolvers might take for one is not a name either."""
    with proxy.no_question():
        assert proxy.ask(mode, name, B).refused


@pytest.mark.parametrize("mode", EXPLICIT)
def test_trailing_dot_is_refused(proxy: Proxy, mode: str) -> None:
    with proxy.no_question():
        assert proxy.ask(mode, "static.example.org.", A).refused


def test_the_request_target_decides_not_the_host_header(proxy: Proxy) -> None:
    port, explicit = proxy.world.port, proxy.explicit_port.port
    allowed, denied = f"static.example.org:{port}", f"nobody.listed.test:{port}"
    assert client.get(explicit, f"http://{allowed}/", A, host=denied).reached
    assert client.get(explicit, f"http://{denied}/", A, host=allowed).status == 403


def test_each_request_of_a_connection_is_judged(proxy: Proxy) -> None:
    port = proxy.world.port
    with client.Connection(proxy.explicit_port.port, A) as connection:
        for name, status in [("a.example.com", 200), ("nobody.listed.test", 403), ("a.example.com", 200)]:
            where = f"{name}:{port}"
            connection.send(f"GET http://{where}/ HTTP/1.1\r\nhost: {where}\r\n\r\n".encode())
            assert connection.response()[0] == status


@pytest.mark.parametrize("authority", ["static.example.org", "static.example.org:", "static.example.org:0", ":443", ""])
def test_connect_needs_a_name_and_a_port(proxy: Proxy, authority: str) -> None:
    """Without a port Envoy would take one that nobody judged."""
    with proxy.no_question():
        assert client.connect(proxy.explicit_port.port, authority, A).refused
        assert client.connect_h2(proxy.explicit_port.port, authority, A).refused


def test_userinfo_of_a_url_is_not_the_name(proxy: Proxy) -> None:
    """http://USER@HOST/ asks for HOST, by whatever user; it must not lead to an address that stands before the @."""
    port, explicit = proxy.world.port, proxy.explicit_port.port
    outcome = client.get(explicit, f"http://127.8.0.1:{port}@static.example.org:{port}/", A, host="static.example.org")
    assert outcome.body == f"egress-backend http {MAIN} static.example.org:{port}\n"
    assert client.get(explicit, f"http://static.example.org:{port}@nobody.listed.test:{port}/", A).status == 403


def test_forwarded_for_is_not_believed(proxy: Proxy) -> None:
    port, explicit = proxy.world.port, proxy.explicit_port.port
    target = f"http://a.example.com:{port}/"
    for header in ("x-forwarded-for", "x-envoy-external-address", "forwarded"):
        assert client.get(explicit, target, B, headers={header: A}).status == 403
        assert client.get(explicit, target, A, headers={header: B}).reached


def plain_headers(proxy: Proxy, mode: str) -> dict[str, str]:
    """What the backend is told by the proxy, of a request that says nothing but its host."""
    backend = proxy.world.main
    seen = len(backend.heads)
    assert proxy.ask(mode, "a.example.com", A).reached
    (head,) = backend.heads[seen:]
    lines = head.rstrip().split("\r\n")
    assert lines[0] == "GET / HTTP/1.1"
    return dict(line.lower().split(": ", 1) for line in lines[1:])


@pytest.mark.parametrize("mode", ["http", "host", "get_h2"])
def test_the_destination_is_told_nothing_of_the_client(proxy: Proxy, mode: str) -> None:
    assert plain_headers(proxy, mode) == {"host": f"a.example.com:{proxy.world.port}"}


@pytest.mark.parametrize("upgrade", ["connect", "CONNECT", "websocket", "other"])
def test_plain_http_is_never_made_a_tunnel(proxy: Proxy, upgrade: str) -> None:
    """Whatever protocol a request asks to go on with: neither the backend nor a raw byte gets through."""
    port, explicit, backend = proxy.world.port, proxy.explicit_port.port, proxy.world.main
    proxy.use(
        policies.policy(
            f"  - {{name: plain, to: [a.example.com, {MAIN}/32], ports: [{port}], protocol: http}}\n"
            f"  - {{name: tunnel, to: [real.example.com], ports: [{port}], protocol: tls}}\n"
        )
    )
    seen = len(backend.heads)
    for name in ("a.example.com", MAIN):
        with client.Connection(explicit, A) as connection:
            target = f"http://{name}:{port}/"
            connection.send(
                f"GET {target} HTTP/1.1\r\nhost: {name}:{port}\r\nconnection: upgrade\r\nupgrade: {upgrade}\r\n\r\n"
                "raw bytes\n".encode()
            )
            answers = [connection.response(), client.upgrade_h2(explicit, f"{name}:{port}", upgrade, A)]
        for status, body in answers:
            assert status == 403, name
            assert body.startswith(b"egress: ") and b"CONNECT host:port" in body, name
    assert len(backend.heads) == seen
    for tunnel in TUNNELS:
        assert proxy.ask(tunnel, "a.example.com", A).status == 403
    assert proxy.ask("http", "a.example.com", A).reached


def test_real_handshake_through_a_tunnel(proxy: Proxy) -> None:
    with client.Connection(proxy.explicit_port.port, A) as connection:
        where = f"real.example.com:{proxy.world.port}"
        connection.send(f"CONNECT {where} HTTP/1.1\r\nhost: {where}\r\n\r\n".encode())
        assert connection.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        answer = client.handshake(connection, "real.example.com")
    assert answer == f"egress-backend http {REAL} real.example.com\n"
