"""examples/demo.sh, interrupted: it ends all that it started, however stuck that is, and its status says so."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import build
from harness.child import Child
from harness.envoy import envoy_binary
from harness.waiting import wait_for

# What demo.sh prints before its first request, and with two connections held open.
BEGUN = "examples/policy.yaml is in force"
CHANGED = "a host is added to builds-packages"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Child]:
    """Runs in a process group of its own, as a terminal would have it; ``env``: no matter what this run ignores."""
    script = str(build.PROJECT / "examples" / "demo.sh")
    environment = {
        "EGRESS_BUILD": str(build.folder()),
        "EGRESS_PYTHON": sys.executable,
        "EGRESS_ENVOY": envoy_binary(),
    }
    child = Child(["env", "--default-signal=INT,TERM", script], tmp_path / "demo.out", environment)
    yield child
    child.kill()
    for number in members(child):
        os.kill(number, signal.SIGKILL)


def members(child: Child) -> dict[int, str]:
    """What runs in the process group, apart from what has ended and only waits to be asked for its status."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        state, _, group = rest.split()[:3]
        if int(group) == child.process.pid and state != "Z":
            found[int(entry.name)] = name
    return found


def wait_printed(child: Child, text: str) -> None:
    def look() -> bool:
        child.check()
        return text in child.text()

    wait_for(f"demo.sh prints {text!r}", look, 60)


@pytest.mark.parametrize(
    ("at", "number", "status"),
    [(BEGUN, signal.SIGINT, 130), (CHANGED, signal.SIGINT, 130), (BEGUN, signal.SIGTERM, 143)],
)
def test_an_interrupt_ends_everything(demo: Child, at: str, number: int, status: int) -> None:
    wait_printed(demo, at)
    assert {"egressd", "envoy"} <= set(members(demo).values())
    os.killpg(demo.process.pid, number)
    assert demo.wait(20) == status
    assert members(demo) == {}


def test_what_does_not_end_is_killed(demo: Child) -> None:
    """And a second Ctrl-C in the meantime does not leave it running."""
    wait_printed(demo, BEGUN)
    stuck = next(number for number, name in members(demo).items() if name == "envoy")
    os.kill(stuck, signal.SIGSTOP)
    os.killpg(demo.process.pid, signal.SIGINT)
    wait_for("the end of egressd", lambda: "egressd" not in members(demo).values())
    assert stuck in members(demo)
    os.killpg(demo.process.pid, signal.SIGINT)
    assert demo.wait(20) == 130
    assert members(demo) == {}
