"""Adds up what the runners of tests/run.sh left in a folder, and prints `N passed, N failed, N skipped`.

JUnit files come from ctest and pytest; notes.tsv holds the steps that are one check each. A Criterion program counts as
the tests it ran; a program that ran none, or a runner without a test, has failed. Status 0: nothing failed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SYNTHESIS = re.compile(r"Tested: \D*(\d+)\D* \| Passing: \D*(\d+)\D* \| Failing: \D*(\d+)\D* \| Crashing: \D*(\d+)")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m|&#x1b;\[[0-9;]*m|#x1B\[[0-9;]*m")


class Result(NamedTuple):
    runner: str
    outcome: str  # passed, failed or skipped
    name: str
    reason: str = ""
    count: int = 1


def of_case(runner: str, case: ElementTree.Element) -> Iterator[Result]:
    name = ".".join(part for part in (case.get("classname"), case.get("name")) if part)
    fault = next((child for kind in ("failure", "error") for child in case.findall(kind)), None)
    skipped = case.find("skipped")
    if skipped is not None:
        yield Result(runner, "skipped", name, skipped.get("message") or "no reason given")
        return
    ran = SYNTHESIS.search(ESCAPES.sub("", case.findtext("system-out") or ""))
    if ran is None:
        outcome = "passed" if fault is None else "failed"
        yield Result(runner, outcome, name, "" if fault is None else fault.get("message", "").split("\n")[0])
        return
    tested, passing, failing, crashing = map(int, ran.groups())
    bad = failing + crashing
    if passing:
        yield Result(runner, "passed", name, count=passing)
    if bad or tested == 0 or fault is not None:
        yield Result(runner, "failed", name, "" if tested else "the program has no test", max(bad, 1))


def of_junit(path: Path) -> Iterator[Result]:
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    if not cases:
        yield Result(path.stem, "failed", path.stem, "no test ran")
    for case in cases:
        yield from of_case(path.stem, case)


def of_folder(folder: Path) -> Iterator[Result]:
    notes = folder / "notes.tsv"
    for line in notes.read_text().splitlines() if notes.exists() else ():
        runner, outcome, name, reason = line.split("\t")
        yield Result(runner, outcome, name, reason)
    for path in sorted(folder.glob("*.xml")):
        try:
            yield from of_junit(path)
        except ElementTree.ParseError as error:
            yield Result(path.stem, "failed", path.name, f"not readable: {error}")


def total(results: list[Result], outcome: str) -> int:
    return sum(result.count for result in results if result.outcome == outcome)


def line(results: list[Result]) -> str:
    return ", ".join(f"{total(results, outcome)} {outcome}" for outcome in ("passed", "failed", "skipped"))


def main(folder: Path) -> int:
    results = list(of_folder(folder))
    print()
    for runner in dict.fromkeys(result.runner for result in results):
        print(f"{runner:20} {line([result for result in results if result.runner == runner])}")
    for outcome in ("skipped", "failed"):
        for result in results:
            if result.outcome == outcome:
                print(f"{outcome.upper()}: {result.runner}: {result.name}: {result.reason}")
    print(line(results))
    return 0 if total(results, "failed") == 0 and total(results, "passed") > 0 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
