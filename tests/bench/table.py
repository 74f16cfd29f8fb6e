"""The table of compare.sh: ``table.py FOLDER VARIANT...`` reads FOLDER/VARIANT-SERVER.json."""

import json
import sys
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


def ratio(report: Report, ours: Report, key: str) -> str:
    return f"{report[key] / ours[key]:.1f} x" if key in report and ours.get(key) else ""


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
            row += [ratio(report, ours, key) for _, key, *_ in compared]
            found.append([*row, str(sum(report.get(fault, 0) for fault in FAULTS))])
    return found


def main() -> None:
    table = rows(Path(sys.argv[1]), sys.argv[2:])
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        texts = [text.ljust(width) if i < 2 else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths))]
        print("  ".join(texts).rstrip())


if __name__ == "__main__":
    main()
