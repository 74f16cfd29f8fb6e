"""
The table of compare.sh: ``table.py [--check] FOLDER VARIANT...`` reads FOLDER/VARIANT-SERVER.json. With ``--check`` it
also says which of the limits for as many streams and clusters hold; the exit status is 1 when one does not, or was not
measured.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OURS = "libegress"
SERVERS = ("gcp-snapshot", "gcp-linear", OURS, "floor")
# Heading, key in a report, digits, whether its ratio to ours is shown.
COLUMNS = (
    ("start ms", "start_ms", 0, True),
    ("p50 ms", "push_p50_ms", 1, False),
    ("p99 ms", "push_p99_ms", 1, True),
    ("CPU ms/push", "push_cpu_ms", 1, True),
    ("KB/stream", "stream_start_kb", 1, False),
    ("after pushes", "stream_end_kb", 1, False),
    ("peak MB", "peak_kb", 0, False),
)
# Streams, clusters, variant, key in a report, server, and how many times ours that server takes at least.
LIMITS = (
    (1000, 1000, "sotw", "push_cpu_ms", "gcp-snapshot", 18),
    (1000, 1000, "sotw", "push_cpu_ms", "gcp-linear", 4),
    (1000, 1000, "sotw", "push_cpu_ms", "floor", 1 / 2.3),
    (1000, 1000, "delta", "push_cpu_ms", "gcp-snapshot", 15),
    (1000, 1000, "delta", "push_cpu_ms", "gcp-linear", 8),
    (1000, 1000, "sotw", "push_p99_ms", "gcp-snapshot", 8),
    (1000, 1000, "delta", "push_p99_ms", "gcp-snapshot", 8),
    (1000, 1000, "sotw", "start_ms", "gcp-snapshot", 6),
    (1000, 1000, "delta", "start_ms", "gcp-snapshot", 6),
    (5000, 1000, "sotw", "push_cpu_ms", "gcp-snapshot", 25),
    (5000, 1000, "delta", "push_cpu_ms", "gcp-snapshot", 15),
    (100, 10000, "sotw", "push_cpu_ms", "floor", 1 / 2.3),
    (100, 10000, "delta", "push_cpu_ms", "gcp-snapshot", 20),
)
FAULTS = ("misses", "wrong", "extra", "errors")

Report = dict[str, Any]


def read(folder: Path, variant: str, server: str) -> Report | None:
    path = folder / f"{variant}-{server}.json"
    text = path.read_text() if path.exists() else ""
    return json.loads(text) if text else None


def cell(report: Report, key: str, digits: int) -> str:
    if key not in report:
        return ""
    return f"{report[key] / (1024 if key == 'peak_kb' else 1):,.{digits}f}"


def ratio(report: Report, ours: Report, key: str) -> float | None:
    return report[key] / ours[key] if key in report and ours.get(key) else None


def times(found: float | None) -> str:
    return "" if found is None else f"{found:.1f} x"


def rows(folder: Path, variants: list[str]) -> list[list[str]]:
    compared = [column for column in COLUMNS if column[3]]
    found = [["variant", "server", *(column[0] for column in COLUMNS)]]
    found[0] += [f"{name.split()[0]} : ours" for name, *_ in compared] + ["faults"]
    for variant in variants:
        ours = read(folder, variant, OURS) or {}
        for server in SERVERS:
            report = read(folder, variant, server)
            if report is None:
                continue
            row = [variant, server, *(cell(report, key, digits) for _, key, digits, _ in COLUMNS)]
            row += [times(ratio(report, ours, key)) for _, key, *_ in compared]
            found.append([*row, str(sum(report.get(fault, 0) for fault in FAULTS))])
    return found


def checks(folder: Path, variants: list[str]) -> Iterator[tuple[bool, str]]:
    """For each limit of what was measured whether it holds, and a line about it."""
    for variant in variants:
        ours = read(folder, variant, OURS) or {}
        for *size, key, server, least in LIMITS:
            if size == [ours.get("streams"), ours.get("clusters"), variant]:
                found = ratio(read(folder, variant, server) or {}, ours, key)
                said = "was not measured" if found is None else f"is {found:.2f} x ours"
                holds = found is not None and found >= least
                yield holds, f"{variant}, {key}: {server} {said}, at least {least:.2f} x"


def check(folder: Path, variants: list[str]) -> int:
    found = list(checks(folder, variants))
    for holds, line in found:
        print(f"{'holds' if holds else 'FAILS'}: {line}")
    if not found:
        print("FAILS: no limit is known for as many streams and clusters")
    return 0 if found and all(holds for holds, _ in found) else 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("folder", type=Path)
    parser.add_argument("variants", nargs="+")
    told = parser.parse_args()
    table = rows(told.folder, told.variants)
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        texts = [text.ljust(width) if i < 2 else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths))]
        print("  ".join(texts).rstrip())
    return check(told.folder, told.variants) if told.check else 0


if __name__ == "__main__":
    sys.exit(main())
