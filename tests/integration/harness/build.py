"""Where the programs under test are: the build folder is ``$EGRESS_BUILD``, by default ``build/dev`` in the project."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]


def folder() -> Path:
    return Path(os.environ.get("EGRESS_BUILD", PROJECT / "build" / "dev"))


def program(path: str) -> str:
    """The full path of a program of the build: ``examples/egressd/egressd``."""
    found = folder() / path
    if not found.exists():
        raise RuntimeError(f"{found} is not built; set EGRESS_BUILD to the build folder")
    return str(found)


def compiler_flags() -> list[str]:
    """A library built with sanitizers is for programs built with them."""
    cache = Path(program("CMakeCache.txt")).read_text()
    chosen = [line.partition("=")[2] for line in cache.splitlines() if line.startswith("EGRESS_SANITIZE:")]
    return [f"-fsanitize={chosen[0]}"] if chosen and chosen[0] else []


def egressd() -> str:
    return program("examples/egressd/egressd")


def decide() -> str:
    return program("tests/decide")


def snapshotd() -> str:
    return program("examples/snapshotd/snapshotd")
