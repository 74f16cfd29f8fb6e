"""Fixtures: one world for the run; one Envoy under one egressd for each xDS variant."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import policies  # noqa: E402
from harness.proxy import Proxy  # noqa: E402
from harness.world import World  # noqa: E402

VARIANTS = ("sotw", "delta")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def proxy(variant: str, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Shared by the tests that only ask; each puts its own policy in force first."""
    made = Proxy(tmp_path_factory.mktemp(variant), world, variant, policies.empty())
    yield made
    made.close()


@pytest.fixture
def fresh_proxy(variant: str, world: World, tmp_path: Path) -> Iterator[Proxy]:
    """For tests that end processes, or count what was sent."""
    made = Proxy(tmp_path, world, variant, policies.empty())
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """A failure shows the end of Envoy's log and of egressd's events."""
    report = (yield).get_result()
    if report.when != "call" or not report.failed:
        return
    for name in ("proxy", "fresh_proxy"):
        stack = getattr(item, "funcargs", {}).get(name)
        if stack is not None:
            report.sections.append(("Envoy log", "\n".join(stack.envoy.log().splitlines()[-15:])))
            report.sections.append(("egressd", "\n".join(stack.egressd.child.text().splitlines()[-15:])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests recorded as ``printed``, also those that ran in another process."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "printed" and report.when == "call":
                    terminalreporter.write_line(f"{report.nodeid}: {value}")
