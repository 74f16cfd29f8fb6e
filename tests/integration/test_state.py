"""`egressd serve --state`: what a daemon knows of the one before it."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.control import Egressd, run

WIDE = "version: egress/v1\nrules:\n  - {name: a, to: [x.example.com, y.example.com]}\n"
NARROW = "version: egress/v1\nrules:\n  - {name: a, to: [x.example.com]}\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def daemon(tmp_path: Path, state: Path) -> Iterator[Egressd]:
    made = Egressd(tmp_path, WIDE, "127.0.0.1:0", ("--sni", "127.0.0.1:8443", "--state", str(state)))
    yield made
    made.close()


def version(daemon: Egressd) -> str:
    """Of the listener in force: it changes with the name of a chain."""
    return str(daemon.of_kind("policy")[-1]["version"])


def restart(daemon: Egressd) -> None:
    assert daemon.close() == 0
    daemon.start()


def test_an_unchanged_policy_has_the_same_version_after_a_restart(daemon: Egressd, state: Path) -> None:
    plain = version(daemon)
    daemon.offer(NARROW)
    narrowed = version(daemon)
    restart(daemon)
    assert version(daemon) == narrowed
    daemon.close()
    state.unlink()
    daemon.start()
    assert version(daemon) not in (plain, narrowed)  # the chain has its plain name again


def test_a_policy_narrowed_while_the_daemon_was_down(daemon: Egressd, tmp_path: Path) -> None:
    daemon.close()
    daemon.policy.write_text(NARROW)
    daemon.start()
    known = version(daemon)
    daemon.offer(WIDE)
    daemon.offer(NARROW)  # narrowed twice: another name than after once
    assert version(daemon) != known
    unknown = Egressd(tmp_path / "other", NARROW, "127.0.0.1:0", ("--sni", "127.0.0.1:8443"))
    try:
        assert version(unknown) != known
    finally:
        unknown.close()


def test_the_state_is_for_the_owner_only(daemon: Egressd, state: Path) -> None:
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_a_state_that_is_none_stops_the_start(tmp_path: Path) -> None:
    policy, state = tmp_path / "policy.yaml", tmp_path / "state"
    policy.write_text(WIDE)
    state.write_text("egress-history 1\nsomething else\n")
    done = run("serve", str(policy), "--listen", "127.0.0.1:0", "--state", str(state))
    assert done.returncode == 1
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events if event["level"] == "error"] == ["state_damaged"]
    assert events[0]["path"] == str(state)
    assert events[0]["cause"] == "there is no policy in it"
    assert "remove its file to start without" in events[0]["message"]
    assert "listening" not in done.stdout and str(policy) not in done.stdout
    assert state.read_text() == "egress-history 1\nsomething else\n"
    done = run("serve", str(policy), "--listen", "127.0.0.1:0", "--state", str(tmp_path))
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr


def test_a_daemon_without_an_address_leaves_the_state_of_the_one_that_has_it(
    daemon: Egressd, state: Path, tmp_path: Path
) -> None:
    before, file = state.read_bytes(), state.stat().st_ino
    other = tmp_path / "other.yaml"
    other.write_text(NARROW)
    done = run("serve", str(other), "--listen", daemon.listen, "--sni", "127.0.0.1:8443", "--state", str(state))
    assert done.returncode == 1
    assert "another program listens on" in done.stderr
    assert (state.read_bytes(), state.stat().st_ino) == (before, file)
    assert '"event":"policy"' not in done.stdout


def test_a_state_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    lost = tmp_path / "no" / "such" / "folder"
    daemon = Egressd(tmp_path, WIDE, "127.0.0.1:0", ("--state", str(lost)))
    try:
        assert daemon.of_kind("state_not_written")[0]["path"] == str(lost)
        assert daemon.of_kind("policy")
    finally:
        daemon.close()
