"""`egressd serve`: which changes of the policy file it sees, what it does with a bad one, how it starts and ends."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from harness import build
from harness.child import Child
from harness.control import Egressd, run, write_atomically
from harness.waiting import wait_for
from harness.xds import Client


def policy(*hosts: str) -> str:
    listed = "".join(f"  - {{name: rule-{n}, to: [{host}]}}\n" for n, host in enumerate(hosts))
    return f"version: egress/v1\nrules:\n{listed}"


OPTIONS = ("--sni", "127.0.0.1:8443")
ONE, TWO = policy("one.example.com"), policy("one.example.com", "two.example.com")
BAD = "version: egress/v1\nrules:\n  - {name: a, to: [a.example.com], ports: [70000]}\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Egressd]:
    made = Egressd(tmp_path, ONE, "127.0.0.1:0", OPTIONS)
    yield made
    made.close()


def holds(client: Client, host: bytes) -> bool:
    return any(host in resource for resource in client.resources.values())


def verdict(daemon: Egressd, since: int, *kinds: str) -> dict:
    return daemon.wait_event("verdict", lambda event: event["event"] in (kinds or ("policy",)), since)


def test_a_client_gets_the_policy_and_its_changes(daemon: Egressd) -> None:
    with Client(daemon.listen) as client:
        client.next()
        assert holds(client, b"one.example.com")
        assert not holds(client, b"two.example.com")
        daemon.offer(TWO)
        client.next()
        assert holds(client, b"two.example.com")
    kinds = [event["event"] for event in daemon.refresh()]
    assert kinds[:2] == ["policy", "listening"]
    assert {"connected", "acked"} <= set(kinds)


def test_events_say_who_and_what(daemon: Egressd) -> None:
    with Client(daemon.listen, cluster="blue") as client:
        client.next(refuse='line one\nsaid "no" \x1b[31m \x9b2J \u202e')
        nacked = daemon.wait_event("refusal", lambda event: event["event"] == "nacked", 0)
    assert nacked["node"] == "client-1"
    assert nacked["group"] == "blue"
    assert nacked["level"] == "error"
    assert nacked["type"].endswith(".Listener")
    assert nacked["message"] == 'line one\nsaid "no" \x1b[31m \x9b2J \u202e'
    assert not re.search("[\x80-\x9f\u202e]", daemon.child.text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", nacked["time"])
    daemon.wait_event("end of the stream", lambda event: event["event"] == "disconnected", 0)


def written_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def replaced_by_rename(path: Path, text: str) -> None:
    write_atomically(path, text)


def removed_and_made_again(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


@pytest.mark.parametrize("change", [written_in_place, replaced_by_rename, removed_and_made_again])
def test_a_changed_file_is_in_force(daemon: Egressd, change: Callable[[Path, str], None]) -> None:
    since = len(daemon.refresh())
    change(daemon.policy, TWO)
    event = daemon.wait_event(
        "new policy", lambda event: event["event"] == "policy" and event["rules"] == 2, since
    )
    assert event["changed"] >= 1
    with Client(daemon.listen) as client:
        client.next()
        assert holds(client, b"two.example.com")


def config_map(folder: Path, version: int, text: str) -> None:
    """Puts a version in place as a kubelet does: a new folder, then the link ``..data`` swapped to it."""
    data = folder / f"..2026_{version}"
    data.mkdir()
    (data / "policy.yaml").write_text(text)
    fresh = folder / "..data_tmp"
    fresh.symlink_to(data.name)
    os.replace(fresh, folder / "..data")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[Path], Child]]:
    """Starts `egressd serve` on a path."""
    children = []

    def start(path: Path, *options: str) -> Child:
        command = [build.egressd(), "serve", str(path), "--listen", "127.0.0.1:0", *OPTIONS, *options]
        children.append(Child(command, tmp_path / f"started.{len(children)}.log"))
        return children[-1]

    yield start
    for child in children:
        child.end()


def wait_line(child: Child, *parts: str) -> str:
    def look() -> str | None:
        found = next((line for line in child.text().splitlines() if all(part in line for part in parts)), None)
        if found is None:
            child.check()
        return found

    return wait_for(f"a line with {parts}", look)


def test_a_config_map_is_followed(tmp_path: Path, started: Callable[[Path], Child]) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    config_map(folder, 1, ONE)
    (folder / "policy.yaml").symlink_to("..data/policy.yaml")
    child = started(folder / "policy.yaml")
    wait_line(child, '"event":"policy"', '"rules":1')
    wait_line(child, '"event":"listening"')
    config_map(folder, 2, TWO)
    wait_line(child, '"event":"policy"', '"rules":2')


def test_a_change_behind_a_link_is_followed(tmp_path: Path, started: Callable[[Path], Child]) -> None:
    """Nothing happens in the watched folder: only the look at the file now and then sees it."""
    real, folder = tmp_path / "real", tmp_path / "folder"
    real.mkdir()
    folder.mkdir()
    (real / "policy.yaml").write_text(ONE)
    (folder / "policy.yaml").symlink_to(real / "policy.yaml")
    child = started(folder / "policy.yaml")
    wait_line(child, '"event":"listening"')
    write_atomically(real / "policy.yaml", TWO)
    wait_line(child, '"event":"policy"', '"rules":2')


def test_other_files_of_the_folder_change_nothing(daemon: Egressd) -> None:
    for n in range(50):
        (daemon.folder / f"other.{n}").write_text("x")
    event = daemon.offer(TWO)
    assert event["rules"] == 2
    assert len(daemon.of_kind("policy")) == 2


def test_a_bad_policy_is_refused_and_the_last_good_one_stays(daemon: Egressd) -> None:
    refused = daemon.offer(BAD)
    assert refused["event"] == "policy_refused"
    assert refused["code"] == "EGRESS_EPOLICY"
    assert refused["errors"] == 1
    assert refused["in_force"] == "the last good policy"
    fault = daemon.of_kind("diagnostic")[0]
    assert (fault["file"], fault["line"]) == (str(daemon.policy), 3)
    assert "70000" in fault["message"]
    with Client(daemon.listen) as client:
        client.next()
        assert holds(client, b"one.example.com")
    assert daemon.offer(TWO)["event"] == "policy"


def test_a_missing_policy_is_refused_and_the_last_good_one_stays(daemon: Egressd) -> None:
    since = len(daemon.refresh())
    daemon.policy.unlink()
    assert verdict(daemon, since, "policy_refused")["code"] == "EGRESS_EIO"
    with Client(daemon.listen) as client:
        client.next()
        assert holds(client, b"one.example.com")
    assert daemon.offer(TWO)["event"] == "policy"


def test_sighup_reads_the_file_again(daemon: Egressd) -> None:
    since = len(daemon.refresh())
    daemon.child.signal(signal.SIGHUP)
    event = verdict(daemon, since)
    assert (event["changed"], event["removed"]) == (0, 0)


def test_many_edits_end_with_the_last_one(daemon: Egressd) -> None:
    for n in range(100):
        write_atomically(daemon.policy, policy(*(f"h{n}-{k}.example.com" for k in range(3))))
    daemon.wait_event("the last policy", lambda event: event["event"] == "policy" and event["rules"] == 3, 0)
    with Client(daemon.listen) as client:
        client.next()
        while not holds(client, b"h99-0.example.com"):
            client.next()
    assert daemon.of_kind("policy_refused") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_gracefully(daemon: Egressd, number: int) -> None:
    with Client(daemon.listen) as client:
        client.next()
        daemon.child.signal(number)
        with pytest.raises(grpc.RpcError) as ended:
            list(client.rest())
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
    assert daemon.child.wait(10) == 0
    assert [event["event"] for event in daemon.refresh()][-1] == "closed"


def serve_fails(*arguments: str, status: int = 1) -> subprocess.CompletedProcess[str]:
    done = run("serve", *arguments)
    assert done.returncode == status
    return done


def test_no_start_without_a_good_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(BAD)
    done = serve_fails(str(path), "--listen", "127.0.0.1:0")
    assert '"in_force":"none"' in done.stdout
    assert "listening" not in done.stdout
    assert '"EGRESS_EIO"' in serve_fails(str(tmp_path / "absent.yaml")).stdout


def test_no_start_where_it_may_not_listen(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(ONE)
    assert "insecure" in serve_fails(str(path), "--listen", "0.0.0.0:0", status=2).stderr
    assert "nowhere" in serve_fails(str(path), "--listen", "nowhere", status=2).stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "another" in serve_fails(str(path), "--listen", address).stderr


def test_insecure_allows_plaintext_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(ONE)
    command = [build.egressd(), "serve", str(path), "--listen", "0.0.0.0:0", "--insecure"]
    child = Child(command, tmp_path / "insecure.log")
    try:
        wait_line(child, '"event":"listening"')
    finally:
        assert child.end() == 0


def test_text_events(tmp_path: Path, started: Callable[..., Child]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(ONE)
    child = started(path, "--log-format", "text")
    line = wait_line(child, " listening ")
    assert re.fullmatch(r"\S+Z info  listening address=127\.0\.0\.1:0 port=\d+ pid=\d+ program=\S+ library=\S+", line)


def test_a_group_of_its_own(tmp_path: Path) -> None:
    daemon = Egressd(tmp_path, ONE, "127.0.0.1:0", [*OPTIONS, "--group", "blue"])
    try:
        with Client(daemon.listen, cluster="red") as red, Client(daemon.listen, cluster="blue") as blue:
            blue.next()
            assert holds(blue, b"one.example.com")
            assert red.resources == {}
    finally:
        daemon.close()


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}.test",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


def test_mutual_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "egressd")
    client_certificate, client_key = make_certificate(tmp_path, "envoy")
    tls = ["--tls-cert", str(certificate), "--tls-key", str(key), "--tls-client-ca", str(client_certificate)]
    daemon = Egressd(tmp_path, ONE, "0.0.0.0:0", [*OPTIONS, *tls])
    try:
        target = daemon.listen.replace("0.0.0.0", "127.0.0.1")
        mine = (client_key.read_bytes(), client_certificate.read_bytes())
        with Client(target, credentials=grpc.ssl_channel_credentials(certificate.read_bytes(), *mine)) as client:
            client.next()
            assert holds(client, b"one.example.com")
        with Client(target, credentials=grpc.ssl_channel_credentials(certificate.read_bytes())) as stranger:
            with pytest.raises(grpc.RpcError) as refused:
                stranger.next()
            assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    finally:
        daemon.close()


CHANGED = ("certificates", "certificates_refused")


def replace_pair(of: tuple[Path, Path], by: tuple[Path, Path]) -> None:
    for old, new in zip(of, by, strict=True):
        write_atomically(old, new.read_text())


def test_certificates_are_read_again(tmp_path: Path) -> None:
    mine, client_pair = make_certificate(tmp_path, "egressd"), make_certificate(tmp_path, "envoy")
    (tmp_path / "next").mkdir()
    next_pair, next_client = make_certificate(tmp_path / "next", "egressd"), make_certificate(tmp_path, "next-envoy")
    old_pem, old_client_pem = mine[0].read_bytes(), client_pair[0].read_bytes()
    tls = ["--tls-cert", str(mine[0]), "--tls-key", str(mine[1]), "--tls-client-ca", str(client_pair[0])]

    def served(root: bytes, pair: tuple[Path, Path], own: bytes) -> Client:
        return Client(daemon.listen, credentials=grpc.ssl_channel_credentials(root, pair[1].read_bytes(), own))

    def is_refused(root: bytes, pair: tuple[Path, Path], own: bytes) -> bool:
        with served(root, pair, own) as stranger:
            with pytest.raises(grpc.RpcError) as refused:
                stranger.next()
            return refused.value.code() == grpc.StatusCode.UNAVAILABLE

    daemon = Egressd(tmp_path, ONE, "127.0.0.1:0", [*OPTIONS, *tls])
    try:
        with served(old_pem, client_pair, old_client_pem) as old:
            old.next()
            since = len(daemon.refresh())
            replace_pair(mine, next_pair)
            assert verdict(daemon, since, "certificates")["level"] == "info"
            with served(next_pair[0].read_bytes(), client_pair, old_client_pem) as new:
                new.next()
                assert holds(new, b"one.example.com")
            assert is_refused(old_pem, client_pair, old_client_pem)
            since = len(daemon.refresh())
            write_atomically(client_pair[0], next_client[0].read_text())
            verdict(daemon, since, "certificates")
            with served(next_pair[0].read_bytes(), next_client, next_client[0].read_bytes()) as new:
                new.next()
            assert is_refused(next_pair[0].read_bytes(), client_pair, old_client_pem)
            daemon.offer(TWO)
            old.next()
            assert holds(old, b"two.example.com"), "the stream from before lives"
    finally:
        daemon.close()


def test_bad_certificates_do_not_replace_good_ones(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "egressd")
    _, other_key = make_certificate(tmp_path, "other")
    good, good_key = certificate.read_text(), key.read_text()
    tls = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    daemon = Egressd(tmp_path, ONE, "127.0.0.1:0", [*OPTIONS, *tls])

    def changed(path: Path, text: str) -> dict:
        since = len(daemon.refresh())
        write_atomically(path, text)
        return verdict(daemon, since, *CHANGED)

    def is_served() -> bool:
        with Client(daemon.listen, credentials=grpc.ssl_channel_credentials(good.encode())) as client:
            client.next()
            return holds(client, b"one.example.com")

    try:
        refused = changed(certificate, "-----BEGIN CERTIFICATE-----\nnonsense\n")
        assert (refused["event"], refused["level"]) == ("certificates_refused", "error")
        assert "(tls_cert)" in refused["message"] and refused["in_force"] == "the last good certificates"
        assert is_served()
        assert changed(certificate, good)["event"] == "certificates"
        refused = changed(key, other_key.read_text())
        assert "does not belong to the certificate" in refused["message"]
        assert is_served()
        refused = changed(key, "")
        assert (refused["path"], refused["message"]) == (str(key), "is empty")
        assert is_served()
        assert changed(key, good_key)["event"] == "certificates"
        since = len(daemon.refresh())
        daemon.child.signal(signal.SIGHUP)
        verdict(daemon, since, "policy")
        assert changed(certificate, "")["message"] == "is empty"
        seen = [event for event in daemon.refresh()[since:] if event["event"] in CHANGED]
        assert len(seen) == 1, "the signal found nothing changed"
    finally:
        daemon.close()


def takes(port: int, host: str) -> bool:
    try:
        socket.create_connection((host, port), 10).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("listen", "secure", "families"),
    [
        ("0.0.0.0:0", True, {"127.0.0.1"}),
        ("[::]:0", True, {"::1"}),
        ("0.0.0.0:0", False, {"127.0.0.1"}),
        ("[::]:0", False, {"::1"}),
        ("127.0.0.1:0", True, {"127.0.0.1"}),
    ],
)
def test_which_families_an_address_takes(tmp_path: Path, listen: str, secure: bool, families: set[str]) -> None:
    certificate, key = make_certificate(tmp_path, "egressd")
    how = ["--tls-cert", str(certificate), "--tls-key", str(key)] if secure else ["--insecure"]
    taken: set[str] = set()
    for _ in range(3):  # the kernel may have given somebody else the same port of the other family
        daemon = Egressd(tmp_path, ONE, listen, [*OPTIONS, *how])
        try:
            port = int(daemon.listen.rpartition(":")[2])
            taken = {host for host in ("127.0.0.1", "::1") if takes(port, host)}
        finally:
            daemon.close()
        if taken == families:
            break
    assert taken == families


def test_bad_certificates(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(ONE)
    certificate, key = (str(part) for part in make_certificate(tmp_path, "egressd"))
    _, other_key = make_certificate(tmp_path, "other")
    listen = ("--listen", "127.0.0.1:0")
    absent = str(tmp_path / "absent.pem")
    assert f"{absent}: No such file" in serve_fails(str(path), *listen, "--tls-cert", absent, "--tls-key", key).stderr
    assert "--tls-key" in serve_fails(str(path), *listen, "--tls-cert", certificate, status=2).stderr
    foreign = serve_fails(str(path), *listen, "--tls-cert", certificate, "--tls-key", str(other_key)).stderr
    assert "(tls_key) does not belong to the certificate (tls_cert)" in foreign
    assert "(tls_cert) is not PEM" in serve_fails(str(path), *listen, "--tls-cert", str(path), "--tls-key", key).stderr


def test_a_pipe_in_the_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    path, pipe = tmp_path / "policy.yaml", tmp_path / "pipe"
    path.write_text(ONE)
    os.mkfifo(pipe)
    listen = ("--listen", "127.0.0.1:0")
    shown = str(pipe)[:60]  # long values are cut
    assert shown in serve_fails(str(path), *listen, "--tls-cert", str(pipe), "--tls-key", str(pipe)).stderr
    assert shown in serve_fails(str(path), *listen, "--state", str(pipe)).stderr


def test_a_client_may_ping_every_second(daemon: Egressd) -> None:
    """As often as a bootstrap may ask for. gRPC cuts a client off at its third ping too many."""
    options = [("grpc.keepalive_time_ms", 1000), ("grpc.http2.max_pings_without_data", 0)]
    with Client(daemon.listen, options=options, seconds=6) as client:
        client.next()
        with pytest.raises(grpc.RpcError) as ended:
            list(client.rest())
        assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED  # its own, after six seconds
