"""egressd's command line: what each subcommand prints, what it ends with, and what it says of a mistake."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from harness import build
from harness.control import run

POLICY = """\
version: egress/v1
defaults: {allow_private: [10.9.0.0/16]}
sources:
  billing: {cidrs: [10.4.0.0/16]}
deny:
  - {name: no-pastes, to: ["paste.example.com"], reason: leaks}
rules:
  - name: payments
    from: [billing]
    to: [api.example.org]
    ports: [443]
  - name: mirror
    to: ["**.example.com"]
    ports: [443, 8443]
  - name: database
    to: [203.0.113.20/32, "2001:db8::20/128"]
    ports: [5432]
"""
COMMANDS = ("serve", "bootstrap", "lint", "check", "dump")
BOOTSTRAP = ("bootstrap", "--node-id", "envoy-1")


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return str(path)


def with_environment(arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["env", *(f"{name}={value}" for name, value in variables.items()), build.egressd(), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: egressd {command} [options]")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stderr == ""


def test_help_of_serve_says_what_a_narrowing_does_not_end() -> None:
    text = " ".join(run("serve", "--help").stdout.split())
    assert "An established CONNECT tunnel through --explicit is not ended yet" in text
    assert "EGRESSD_SNI_PORT" in text


def test_version() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"egressd \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "needs a command"),
        (["server"], "no command 'server'"),
        (["lint"], "needs FILE"),
        (["lint", "a", "b"], "b: one argument too many"),
        (["check", "policy.yaml", "10.0.0.1"], "needs FILE SOURCE HOST:PORT"),
        (["dump", "p", "--colour"], "--colour: no such option"),
        (["dump", "p", "-x"], "-x: no such option"),
        (["dump", "p", "--listen", "127.0.0.1:0"], "--listen: no such option"),
        (["dump", "p", "--sni"], "--sni: needs a value"),
        (["dump", "p", "--sni="], "--sni: the value is empty"),
        (["dump", "p", "--sni-port", "0"], "--sni-port: '0' is not a number from 1 to 65535"),
        (["dump", "p", "--sni-port", "65536"], "--sni-port: '65536' is not"),
        (["dump", "p", "--sni-port", "99999999999999999999"], "--sni-port: '99999999999999999999' is not"),
        (["dump", "p", "--sni-port", "-1"], "--sni-port: '-1' is not"),
        (["dump", "p", "--sni-port", "4e2"], "--sni-port: '4e2' is not"),
        (["dump", "p", "--sni-port= 443"], "--sni-port: ' 443' is not"),
        (["dump", "p", "--sni-port=1", "--sni-port=2"], "--sni-port: given twice"),
        (["dump", "p", "--name-rules=yes"], "--name-rules: takes no value"),
        (["serve", "p", "--log-format", "xml"], "--log-format: 'xml' is none of json|text"),
        (["serve", "p", "--log-format", "js"], "--log-format: 'js' is none of json|text"),
        (["check", "p", "10.0.0.1", "a:1", "--protocol", "udp"], "--protocol: 'udp' is none of tls|http|tcp"),
    ],
)
def test_a_bad_command_line_says_what_is_wrong(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "--help'" in done.stderr
    assert done.stdout == ""


def test_environment(policy: str) -> None:
    done = with_environment(["dump", policy], EGRESSD_SNI="127.0.0.1:8443", EGRESSD_SNI_PORT="70000")
    assert done.returncode == 2
    assert "EGRESSD_SNI_PORT: '70000' is not a number from 1 to 65535" in done.stderr
    done = with_environment(["dump", policy], EGRESSD_NAME_RULES="yes")
    assert done.returncode == 2
    assert "EGRESSD_NAME_RULES: must be 0 or 1" in done.stderr
    named = with_environment(["dump", policy], EGRESSD_NAME_RULES="1").stdout
    assert named == run("dump", policy, "--name-rules").stdout
    assert named != run("dump", policy).stdout
    off = with_environment(["dump", policy], EGRESSD_NAME_RULES="0", EGRESSD_EXPLICIT="")
    assert off.stdout == run("dump", policy).stdout


def test_the_command_line_wins_over_the_environment(policy: str) -> None:
    done = with_environment(["dump", policy, "--explicit=127.0.0.1:1234"], EGRESSD_EXPLICIT="127.0.0.1:4321")
    assert '"portValue": 1234' in done.stdout
    assert "4321" not in done.stdout


def test_two_dashes_end_the_options(tmp_path: Path) -> None:
    (tmp_path / "--sni").write_text(POLICY)
    done = subprocess.run(
        [build.egressd(), "lint", "--", "--sni"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_full_disk_is_an_error(policy: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [build.egressd(), "dump", policy], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert "standard output" in done.stderr


def test_lint_accepts(policy: str) -> None:
    done = run("lint", policy)
    assert done.returncode == 0
    assert done.stdout == f"{policy}: valid: 4 rules, 5 destinations, 0 warnings\n"


def test_lint_prints_warnings_and_accepts(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_text('version: egress/v1\nrules:\n  - {name: all, to: ["**"]}\n')
    done = run("lint", str(path))
    assert done.returncode == 0
    assert re.search(rf"^{path}:3:\d+: warning: ", done.stdout)
    assert done.stdout.endswith(f"{path}: valid: 1 rule, 1 destination, 1 warning\n")


def test_lint_prints_every_fault(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "version: egress/v1\n"
        "rules:\n"
        "  - {name: a, to: [10.0.0.1/8], ports: [443]}\n"
        "  - {name: b, to: [b.example.com], ports: [0]}\n"
        "  - {name: b, too: [c.example.com]}\n"
    )
    done = run("lint", str(path))
    assert done.returncode == 1
    lines = {int(line) for line in re.findall(rf"^{path}:(\d+):\d+: error: ", done.stdout, re.MULTILINE)}
    assert lines == {3, 4, 5}
    assert re.search(rf"^{path}: refused: \d+ errors$", done.stdout, re.MULTILINE)


def test_lint_of_no_file(tmp_path: Path) -> None:
    done = run("lint", str(tmp_path / "absent.yaml"))
    assert done.returncode == 2
    assert "absent.yaml" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["10.4.0.7", "api.example.org:443"], 0, "payments"),
        (["10.5.0.7", "api.example.org:443"], 1, "denied"),
        (["10.4.0.7", "api.example.org:8443"], 1, "payments"),  # what comes nearest
        (["10.5.0.7", "a.b.example.com:8443"], 0, "mirror"),
        (["10.5.0.7", "paste.example.com:443"], 1, "no-pastes"),
        (["10.5.0.7", "203.0.113.20:5432"], 0, "database"),
        (["2001:db8::1", "[2001:db8::20]:5432"], 0, "database"),
        (["10.5.0.7", "203.0.113.21:5432"], 1, "denied"),
        (["10.5.0.7", "a..example.com:443"], 1, "denied"),
        (["10.5.0.7", "a.example.com:8443", "--protocol", "http"], 0, "mirror"),
    ],
)
def test_check(policy: str, arguments: list[str], status: int, says: str) -> None:
    done = run("check", policy, *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert says in done.stdout
    assert done.stdout.startswith("denied" if status else "allowed")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("source", "destination", "says"),
    [
        ("10.4.0", "api.example.org:443", "SOURCE '10.4.0' is not"),
        ("10.4.0.7/32", "api.example.org:443", "SOURCE"),
        ("10.4.0.7", "api.example.org", "is not HOST:PORT"),
        ("10.4.0.7", "api.example.org:0", "is not HOST:PORT"),
        ("10.4.0.7", "api.example.org:65536", "is not HOST:PORT"),
        ("10.4.0.7", "api.example.org:443x", "is not HOST:PORT"),
        ("10.4.0.7", ":443", "is not HOST:PORT"),
        ("10.4.0.7", "2001:db8::20:5432", "is not HOST:PORT"),
        ("10.4.0.7", "[api.example.org]:443", "is not HOST:PORT"),
    ],
)
def test_check_of_a_question_that_cannot_be_read(policy: str, source: str, destination: str, says: str) -> None:
    done = run("check", policy, source, destination)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_check_with_a_bad_policy(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("version: egress/v1\nrules: 7\n")
    done = run("check", str(path), "10.0.0.1", "a.example.com:443")
    assert done.returncode == 2
    assert f"{path}:2:" in done.stderr


def names(dump: str) -> set[str]:
    return {resource["@type"].rsplit(".", 1)[1] + " " + resource["name"] for resource in json.loads(dump)}


def test_dump(policy: str) -> None:
    explicit = run("dump", policy)
    assert explicit.returncode == 0, explicit.stderr
    assert "Listener egress_explicit" in names(explicit.stdout)
    assert "Listener egress_sni" not in names(explicit.stdout)
    assert '"portValue": 3128' in explicit.stdout
    both = run("dump", policy, "--sni", "127.0.0.1:8443", "--explicit", "[::1]:3128", "--access-log", "/tmp/access")
    assert names(both.stdout) > names(explicit.stdout)
    assert "Listener egress_sni" in names(both.stdout)
    assert "/tmp/access" in both.stdout


def test_dump_of_what_a_listener_cannot_express(policy: str) -> None:
    """The SNI proxy sees no addresses and dials one port."""
    refused = run("dump", policy, "--sni", "127.0.0.1:8443")
    assert refused.returncode == 1
    assert f"{policy}:15:5: error: " in refused.stderr
    skipped = run("dump", policy, "--sni", "127.0.0.1:8443", "--skip-unsupported")
    assert skipped.returncode == 0
    assert f"{policy}:15:5: warning: " in skipped.stderr
    assert "Listener egress_sni" in names(skipped.stdout)
    assert "Listener egress_explicit" not in names(skipped.stdout)


def test_dump_is_the_same_each_time(policy: str) -> None:
    first, second = run("dump", policy), run("dump", policy)
    assert first.returncode == 0
    assert first.stdout == second.stdout


def test_dump_refuses(policy: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: egress/v2\n")
    done = run("dump", str(bad))
    assert done.returncode == 1
    assert f"{bad}:1:" in done.stderr
    assert done.stdout == ""
    assert run("dump", str(tmp_path / "absent")).returncode == 2
    done = run("dump", policy, "--explicit", "somewhere")
    assert done.returncode == 2
    assert "somewhere" in done.stderr


def test_bootstrap() -> None:
    done = run(*BOOTSTRAP, "--control-plane", "127.0.0.1:4711", "--admin", "127.0.0.1:0", "--drain-time-s", "7")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)
    assert written["node"] == {"id": "envoy-1", "cluster": "egress"}
    assert written["admin"]["address"]["socketAddress"] == {"address": "127.0.0.1", "portValue": 0}
    assert "4711" in done.stdout
    assert "--drain-time-s 7 " in done.stderr
    assert "within 7 s" in done.stderr


def test_bootstrap_variants_differ() -> None:
    delta = json.loads(run(*BOOTSTRAP, "--xds", "delta").stdout)
    sotw = json.loads(run(*BOOTSTRAP, "--xds", "sotw").stdout)
    assert delta["dynamicResources"]["adsConfig"]["apiType"] == "DELTA_GRPC"
    assert sotw["dynamicResources"]["adsConfig"]["apiType"] == "GRPC"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bootstrap"], "--node-id"),
        ([*BOOTSTRAP, "--control-plane", "nowhere"], "nowhere"),
        ([*BOOTSTRAP, "--admin", "0.0.0.0:9901"], "0.0.0.0:9901"),
        ([*BOOTSTRAP, "--client-cert", "/tmp/cert.pem"], "key"),
        ([*BOOTSTRAP, "--keepalive-ms", "5"], "--keepalive-ms: '5' is not a number from 1000 to 3600000"),
    ],
)
def test_bootstrap_refuses(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
