#!/usr/bin/env python3
"""The public headers, the version script and the built library must export the same functions.

usage: check_abi.py INCLUDE_DIR EGRESS.MAP LIBEGRESS.SO NM
"""

import pathlib
import re
import subprocess
import sys

DECLARATION = re.compile(r"^EGRESS_API\b[^;{]*?\b(egress_\w+)\s*\(", re.MULTILINE)
MAP_NODE = re.compile(r"^(EGRESS_[\d.]+) \{\n\s*global:(.*?)local:\s*\*;\s*\};$", re.MULTILINE | re.DOTALL)


def declared(include: pathlib.Path) -> set[str]:
    names: list[str] = []
    for header in sorted(include.rglob("*.h")):
        names += DECLARATION.findall(header.read_text())
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        sys.exit(f"declared twice: {', '.join(sorted(twice))}")
    return set(names)


def mapped(version_script: pathlib.Path) -> set[str]:
    """Names with their version, as ``nm -D`` writes them: ``egress_version@@EGRESS_0.1``."""
    names = set()
    for node, block in MAP_NODE.findall(version_script.read_text()):
        listed = [line.strip() for line in block.split(";") if line.strip()]
        if listed != sorted(listed):
            sys.exit(f"{version_script}: the names of {node} are not in byte order")
        names |= {f"{name}@@{node}" for name in listed}
    return names


def exported(library: str, nm: str) -> set[str]:
    output = subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    symbols = [line.split() for line in output.splitlines()]
    # The version node itself is an absolute symbol.
    return {name for _, kind, name in symbols if kind != "A"}


def main() -> None:
    include, version_script, library, nm = sys.argv[1:]
    headers = declared(pathlib.Path(include))
    script = mapped(pathlib.Path(version_script))
    binary = exported(library, nm)
    faults = []
    bare = {name.split("@")[0] for name in script}
    faults += [f"{name}: declared, but not in {version_script}" for name in headers - bare]
    faults += [f"{name}: in {version_script}, but no header declares it" for name in bare - headers]
    faults += [f"{name}: in {version_script}, but the library does not export it" for name in script - binary]
    faults += [f"{name}: exported, but not in {version_script}" for name in binary - script]
    if not headers:
        faults.append(f"{include}: no declaration found")
    print("\n".join(sorted(faults)) or f"{len(headers)} functions: headers, map and library agree")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
