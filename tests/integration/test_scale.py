"""
The server with many streams, many resources and many changes; what a stream costs, and what is left when it is gone.

``EGRESS_LONG=1`` measures the figures that are promised; without it, small ones show that the checks work. Figures of
memory are those of a build without sanitizers, so ``tests/run.sh`` runs this with ``build/dev`` only. The load client
itself sees that every stream is sent exactly what changed (``load`` raises).
"""

import os
import re
import subprocess
from pathlib import Path
import pytest

from harness.build import compiler_flags, program
from harness.load import load

LONG = os.environ.get("EGRESS_LONG") == "1"
# What the first stream of all makes a server take: code and buffers. A thousand streams do not notice.
ONCE_KB = 1000
# What the same makes it allocate for good: tables of libraries, and what glibc keeps of blocks that were freed, seven of
# each of 64 sizes, 236 KB in all.
ONCE_USED_KB = 350

pytestmark = pytest.mark.skipif(bool(compiler_flags()), reason="sanitizers take memory of their own")
each_variant = pytest.mark.parametrize("variant", ("sotw", "delta"))


def stream_kb(kb: float, streams: int) -> float:
    return kb if LONG else kb + ONCE_KB / streams


@each_variant
def test_many_streams(variant: str, tmp_path: Path) -> None:
    """A connection each; a stream is sent the second push only after the server has its answer to the first."""
    streams, clusters = (15000, 1000) if LONG else (500, 100)
    load(tmp_path, variant, streams=streams, clusters=clusters, k=2)


@pytest.mark.parametrize(
    ("streams", "clusters"), [(1000, 1000), (1000, 10000), (100, 10000)] if LONG else [(200, 100), (200, 1000), (50, 5000)]
)
@each_variant
def test_memory_of_a_stream_at_first(variant: str, streams: int, clusters: int, tmp_path: Path) -> None:
    """Of many clusters the response that all share is far larger than a stream; it goes when all were sent it."""
    bound = stream_kb(38, streams)
    report = load(tmp_path, variant, streams=streams, clusters=clusters, k=0)
    assert report["stream_start_kb"] <= bound, report


@pytest.mark.parametrize("many_clusters", (False, True))
@each_variant
def test_memory_of_a_stream_after_many_pushes(variant: str, many_clusters: bool, tmp_path: Path) -> None:
    """State of the world is all clusters in every push, so there are fewer of them, or of streams."""
    pushes = 1000 if LONG else 100
    if many_clusters:
        streams, clusters = (100, 10000) if LONG else (20, 5000)
    else:
        streams = 500 if LONG else 100
        clusters = (1000 if variant == "delta" else 300) if LONG else 30
    bound = stream_kb(48, streams)
    report = load(tmp_path, variant, streams=streams, clusters=clusters, k=pushes, settle=0)
    assert report["stream_end_kb"] <= bound, report
    assert report["stream_end_kb"] <= stream_kb(1.1 * report["stream_start_kb"], streams), report


@each_variant
def test_memory_after_all_came_and_went(variant: str, tmp_path: Path) -> None:
    """
    What is allocated is no more than before any stream came, but for what is there once, however many come. Of the
    memory of the process the start is that after the first round: pages of code that were never used before are in it,
    and those that the allocator cannot give back, because something that stays lies in them.
    """
    streams, rounds = (5000, 10) if LONG else (200, 3)
    report = load(tmp_path, variant, streams=streams, clusters=100, rounds=rounds, k=1)
    first, last = report["closed_kb"][0], report["closed_kb"][-1]
    assert last <= 1.1 * first, report
    assert last < min(report["open_kb"]), report
    assert report["closed_used_kb"][-1] <= report["idle_used_kb"] + ONCE_USED_KB, report


@each_variant
def test_client_that_refuses_everything(variant: str, tmp_path: Path) -> None:
    """Each push is sent once to each stream, and a refusal is answered by nothing."""
    streams, pushes = (500, 50) if LONG else (50, 5)
    load(tmp_path, variant, streams=streams, clusters=100, k=pushes, nack=1)


@each_variant
def test_clients_that_do_not_read(variant: str, tmp_path: Path) -> None:
    """
    However many pushes they let pass, they are sent two responses when they read again: the one that was on its way, and
    the newest. All others were sent each push meanwhile; the server kept no more than the one for each. It is patient,
    because on a slow machine the pushes take longer than the 80 seconds after which a silent client is lost.
    """
    streams, stalled, pushes = (1000, 300, 100) if LONG else (60, 20, 10)
    patience_ms = 60 * 60 * 1000
    report = load(
        tmp_path, variant, streams=streams, clusters=2000, stall=stalled, k=pushes, settle=50, patience_ms=patience_ms
    )
    assert report["stalled_responses_most"] == 2, report
    response_kb = report["push_bytes"] / 1024
    assert report["open_kb"][0] - report["start_kb"] <= stalled * response_kb + ONCE_KB, report


# ---- one of many ----


def figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])


def test_change_of_one_of_many(tmp_path: Path) -> None:
    """It costs what has changed, not what is there; delta streams are sent only that."""
    command = [program("tests/bench/snapshot_bench"), "100000"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert figure(r"build and set with one changed: .* ([\d.]+) us median", text) <= 1000
    assert figure(r"packed for delta streams: ([\d.]+) bytes", text) < 1000  # one resource has 300
    load(tmp_path, "delta", streams=10, clusters=100000 if LONG else 20000, k=5, settle=50)
