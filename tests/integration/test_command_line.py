"""egressd's command line: what each subcommand prints, what it ends with, and what it says of a mistake."""

import functools
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
        (["server"], "'server' is no command; there are serve, bootstrap,"),
        (["--sni"], "'--sni' is no command"),
        (["--version", "x"], "'x' is one argument too many"),
        (["--help", "serve"], "'serve' is one argument too many"),
        (["lint"], "needs FILE"),
        (["lint", "a", "b"], "b: one argument too many"),
        (["lint", "a", "b\nc"], "b?c: one argument too many"),
        (["lint", "a", "\u009b2J\u202e\u2066\u00fc"], "?2J??\u00fc: one argument too many"),
        (["lint", ""], "an argument is empty"),
        (["bootstrap", "a"], "a: one argument too many"),
        (["check", "policy.yaml", "10.0.0.1"], "needs FILE SOURCE HOST:PORT"),
        (["dump", "p", "--colour"], "--colour: no such option"),
        (["dump", "p", "-x"], "-x: no such option"),
        (["dump", "p", "--listen", "127.0.0.1:0"], "--listen: no such option"),
        (["dump", "p", "--sni"], "--sni: needs a value"),
        (["dump", "p", "--sni-port", "0"], "--sni-port: '0' is not a number from 1 to 65535"),
        (["dump", "p", "--sni-port", "65536"], "--sni-port: '65536' is not"),
        (["dump", "p", "--sni-port", "99999999999999999999"], "--sni-port: '99999999999999999999' is not"),
        (["dump", "p", "--sni-port", "-1"], "--sni-port: '-1' is not"),
        (["dump", "p", "--sni-port", "4e2"], "--sni-port: '4e2' is not"),
        (["dump", "p", "--sni-port= 443"], "--sni-port: ' 443' is not"),
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


@functools.cache
def options_of(command: str) -> list[tuple[str, bool]]:
    """Name of each option in the help, and whether it takes a value."""
    found = re.findall(r"^  --([a-z-]+)( .*)?$", run(command, "--help").stdout, re.MULTILINE)
    return [(name, value != "") for name, value in found if name != "help"]


# A value that each option takes, where that is not any text.
GOOD = {
    "listen": "127.0.0.1:1", "explicit": "127.0.0.1:1", "sni": "127.0.0.1:1", "dns": "127.0.0.1:1", "admin": "[::1]:1",
    "control-plane": "a.example:1", "log-format": "text", "xds": "sotw", "protocol": "tcp",
    "sni-port": "1", "keepalive-ms": "1000", "drain-time-s": "1",
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command(command: str) -> None:
    """What is the same for all: no value, an empty one, a value too many, the option twice, a bad switch."""
    arguments = {"serve": ["p"], "lint": ["p"], "dump": ["p"], "check": ["p", "10.0.0.1", "a:1"]}.get(command, [])
    options = options_of(command)
    assert len(options) == {"serve": 15, "bootstrap": 11, "lint": 0, "check": 1, "dump": 7}[command]
    for name, takes_value in options:
        option, variable = f"--{name}", "EGRESSD_" + name.upper().replace("-", "_")
        if takes_value:
            good = GOOD.get(name, "x")
            refusals = [
                (run(command, *arguments, option), f"{option}: needs a value"),
                (run(command, *arguments, option, "--help-me"), f"{option}: needs a value before '--help-me'"),
                (run(command, *arguments, f"{option}="), f"{option}: the value is empty"),
                (run(command, *arguments, option, ""), f"{option}: the value is empty"),
                (run(command, *arguments, option, good, f"{option}={good}"), f"{option}: given twice"),
            ]
        else:
            bad = with_environment([command, *arguments], **{variable: "2"})
            refusals = [
                (run(command, *arguments, f"{option}=1"), f"{option}: takes no value"),
                (run(command, *arguments, option, option), f"{option}: given twice"),
                (bad, f"{variable}: '2' is neither 1 nor 0"),
            ]
        for done, says in refusals:
            assert (done.returncode, done.stdout) == (2, ""), says
            assert done.stderr.startswith(f"egressd {command}: {says}"), done.stderr
            assert done.stderr.count("\n") == 2


PORT = "does not end with a port from 1 to 65535; write ADDRESS:PORT"
HOST = "does not begin with an address; write ADDRESS:PORT"
NO_PORT = "has no port; write ADDRESS:PORT"
BRACKETS = "has an IPv6 address without brackets; write ADDRESS:PORT"
BAD_ADDRESSES = {
    "somewhere": NO_PORT,
    "127.0.0.1": NO_PORT,
    "[::1]": NO_PORT,
    "127.0.0.1:": PORT,
    "127.0.0.1:http": PORT,
    "127.0.0.1:65536": PORT,
    "127.0.0.1:999999999999999999999": PORT,
    "127.0.0.1:-1": PORT,
    "127.0.0.1:80 ": PORT,
    "[::1]:": PORT,
    "::1": BRACKETS,
    "::1:3128": BRACKETS,
    "2001:db8:1:2:3:4:5:6:3128": BRACKETS,
    "[::1": HOST,
    "[::1]3128": HOST,
    "[127.0.0.1]:3128": HOST,
    "127.0.0.1:80:90": HOST,
    "127.0.0.256:3128": HOST,
    "localhost:3128": HOST,
    ":3128": HOST,
    " 127.0.0.1:3128": HOST,
}
LONG = "n" * 256
# What one option does not take, and what is said of it; beside what test_every_option_of_a_command tries.
BAD_VALUES = [
    *(("explicit", value, says) for value, says in BAD_ADDRESSES.items()),
    *(("listen", value, says.replace("from 1", "from 0")) for value, says in BAD_ADDRESSES.items()),
    *((option, "127.0.0.1", NO_PORT) for option in ("sni", "dns", "admin", "control-plane")),
    *((option, "::1:3128", BRACKETS) for option in ("sni", "dns", "admin", "control-plane")),
    *((option, "localhost:53", HOST) for option in ("sni", "dns", "admin")),
    *((option, "127.0.0.1:0", PORT) for option in ("explicit", "sni", "dns", "control-plane")),
    *((option, "127.0.0.1:65536", PORT) for option in ("sni", "dns", "control-plane")),
    *((option, "unix:/run/e.sock", PORT) for option in ("explicit", "sni", "dns")),
    ("admin", "unix:/run/e.sock", PORT.replace("from 1", "from 0")),
    *((option, "unix:e.sock", "has no path from the root; write") for option in ("listen", "control-plane")),
    *((option, "unix:/" + "d" * 107, "has a path of 108 bytes") for option in ("listen", "control-plane")),
    ("control-plane", "a..example.com:18000", ": the name is not one of a host"),
    ("control-plane", "a b:18000", ": the name is not one of a host"),
    *((option, LONG, "has 256 bytes; at most 255 are allowed") for option in ("group", "node-id", "node-cluster")),
    *(
        (option, "caf\udce9", "is not UTF-8")
        for option in (
            "group", "access-log", "node-id", "node-cluster", "tls-ca", "tls-name", "client-cert", "client-key",
        )  # fmt: skip
    ),
    *(("sni-port", value, "is not a number from 1 to 65535") for value in ("0", "65536", "-1", "443x", "0x1bb")),
    *(("keepalive-ms", value, "is not a number from 1000 to 3600000") for value in ("999", "3600001", "1e3")),
    *(("drain-time-s", value, "is not a number from 1 to 86400") for value in ("0", "86401", "99999999999")),
    *(("log-format", value, "is none of json|text") for value in ("xml", "js", "json|text", "JSON")),
    *(("xds", value, "is none of sotw|delta") for value in ("grpc", "|")),
    ("protocol", "udp", "is none of tls|http|tcp"),
    # What is good alone.
    ("listen", "0.0.0.0:0", ": other machines can reach that address"),
    ("listen", "[::]:0", ": other machines can reach that address"),
    ("admin", "0.0.0.0:9901", ": not on loopback"),
    ("admin", "[::]:9901", ": not on loopback"),
    ("tls-cert", "c.pem", ": needs --tls-key, too"),
    ("tls-key", "k.pem", ": needs --tls-cert, too"),
    ("tls-client-ca", "ca.pem", ": needs --tls-cert and --tls-key, too"),
    ("tls-name", "e.example", ": needs --tls-ca, too"),
    ("client-cert", "c.pem", ": needs --client-key, too"),
    ("client-key", "k.pem", ": needs --client-cert, too"),
]


def shown(value: str) -> str:
    """As messages show it: of long values the begin, of strange bytes that there is one."""
    return value.replace("\udce9", "?") if len(value) < 77 else value[:76] + "..."


@pytest.mark.parametrize(("option", "value", "says"), BAD_VALUES)
def test_a_bad_value_is_a_bad_command_line(policy: str, option: str, value: str, says: str) -> None:
    """Wherever the option is known, and also from the environment: before the policy is read."""
    needed = {"bootstrap": ["--node-id=e"], "check": [policy, "10.0.0.1", "a:1"]}
    known = [command for command in COMMANDS if option in dict(options_of(command))]
    assert known
    for command in known:
        arguments = [command, *needed.get(command, [policy])]
        if option == "node-id":
            arguments.remove("--node-id=e")
        variable = "EGRESSD_" + option.upper().replace("-", "_")
        for origin, done in (
            (f"--{option}", run(*arguments, f"--{option}={value}")),
            (variable, with_environment(arguments, **{variable: value})),
        ):
            assert (done.returncode, done.stdout) == (2, "")
            line, hint = done.stderr.splitlines()
            assert line.startswith(f"egressd {command}: {origin}: '{shown(value)}'"), line
            assert says in line
            assert hint == f"Try 'egressd {command} --help'."


@pytest.mark.parametrize(
    ("explicit", "sni"), [("127.0.0.1:3128", "127.0.0.1:3128"), ("[::1]:3128", "[0:0:0::1]:03128")]
)
def test_two_listeners_on_one_address(policy: str, explicit: str, sni: str) -> None:
    for command in ("serve", "dump"):
        done = run(command, policy, "--explicit", explicit, "--sni", sni)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"--sni: '{sni}': that is the address of --explicit, too" in done.stderr


def test_options_that_do_not_go_together(policy: str, tmp_path: Path) -> None:
    tls = ("--tls-cert", "c.pem", "--tls-key", "k.pem")
    done = run("serve", policy, "--listen", f"unix:{tmp_path}/s", *tls)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--tls-cert: 'c.pem': a unix socket is served in plaintext" in done.stderr
    done = run(*BOOTSTRAP, "--client-cert", "c.pem", "--client-key", "k.pem")
    assert done.returncode == 2
    assert "--client-cert: 'c.pem': needs --tls-ca, too" in done.stderr


def test_environment(policy: str) -> None:
    done = with_environment(["dump", policy], EGRESSD_SNI="127.0.0.1:8443", EGRESSD_SNI_PORT="70000")
    assert done.returncode == 2
    assert "EGRESSD_SNI_PORT: '70000' is not a number from 1 to 65535" in done.stderr
    done = with_environment(["dump", policy], EGRESSD_NAME_RULES="yes")
    assert done.returncode == 2
    assert "EGRESSD_NAME_RULES: 'yes' is neither 1 nor 0" in done.stderr
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


def test_lint_does_not_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "version: egress/v1\n"
        'rules: [{name: a, to: ["\\u009b2J.com", "\\u202egro.example", "z\\u00fc rich"]}]\n'
    )
    done = run("lint", str(path))
    assert done.returncode == 1
    assert "`\\xc2\\x9b2J.com`" in done.stdout and "`\\xe2\\x80\\xaegro.example`" in done.stdout
    assert "`z\u00fc rich`" in done.stdout
    assert "\u009b" not in done.stdout and "\u202e" not in done.stdout


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
        ([*BOOTSTRAP, "--client-cert", "cert.pem"], "--client-key"),
        ([*BOOTSTRAP, "--keepalive-ms", "5"], "--keepalive-ms: '5' is not a number from 1000 to 3600000"),
    ],
)
def test_bootstrap_refuses(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
