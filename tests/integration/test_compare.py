"""The limits of ``compare.sh -c``: what ``tests/bench/table.py`` says of reports, without measuring anything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.build import PROJECT

# Each limit of 1,000 streams and 1,000 clusters in delta is just kept.
OURS = {"streams": 1000, "clusters": 1000, "push_cpu_ms": 10, "push_p99_ms": 20, "start_ms": 100}
SNAPSHOT = {"push_cpu_ms": 150, "push_p99_ms": 160, "start_ms": 600}
LINEAR = {"push_cpu_ms": 80, "push_p99_ms": 100, "start_ms": 100}


def table(folder: Path, reports: dict[str, dict[str, float]], *options: str) -> tuple[int, str]:
    for server, report in reports.items():
        (folder / f"delta-{server}.json").write_text(json.dumps(report))
    command = [sys.executable, str(PROJECT / "tests" / "bench" / "table.py"), *options, str(folder), "delta"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def all_of(**instead: dict[str, float]) -> dict[str, dict[str, float]]:
    return {"libegress": OURS, "gcp-snapshot": SNAPSHOT, "gcp-linear": LINEAR, **instead}


def test_all_limits_hold(tmp_path: Path) -> None:
    status, text = table(tmp_path, all_of(), "--check")
    assert status == 0 and text.count("holds: ") == 4 and "FAILS" not in text


@pytest.mark.parametrize("key", SNAPSHOT)
def test_one_limit_does_not_hold(tmp_path: Path, key: str) -> None:
    reports = all_of(**{"gcp-snapshot": {**SNAPSHOT, key: SNAPSHOT[key] - 1}})
    status, text = table(tmp_path, reports, "--check")
    assert status == 1 and text.count("holds: ") == 3
    assert f"FAILS: delta, {key}: gcp-snapshot" in text
    assert table(tmp_path, reports)[0] == 0  # nobody asked


def test_what_was_not_measured_does_not_hold(tmp_path: Path) -> None:
    status, text = table(tmp_path, {"libegress": OURS, "gcp-snapshot": SNAPSHOT}, "--check")
    assert status == 1 and "FAILS: delta, push_cpu_ms: gcp-linear was not measured" in text


def test_a_size_without_limits_shows_nothing(tmp_path: Path) -> None:
    status, text = table(tmp_path, all_of(libegress={**OURS, "streams": 999}), "--check")
    assert status == 1 and "FAILS: no limit is known" in text and "holds" not in text
