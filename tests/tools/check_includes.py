#!/usr/bin/env python3
"""Arrows between the rooms point one way: a file includes headers of its own room and of rooms before it only.

usage: check_includes.py SOURCE_DIR

Also: public headers lie in include/egress/ and know no others, examples and the Python binding use public headers
only, <nghttp2/...>, <openssl/...> and <uv.h> are for wire alone, every private header is included by its path from
libegress/, and docs/architecture.md has the rooms in this order.
At the end the files without a unit test of their own are listed.
"""

import pathlib
import re
import sys

# The order of the rooms. `snapshot` holds what any compiler makes, so it stands before `compile`.
ROOMS = ["base", "policy", "resource", "snapshot", "compile", "cache", "xds", "file", "wire"]
# Which room keeps the promise of a public header.
PUBLIC = {
    "alloc": "base",
    "diag": "base",
    "document": "base",
    "error": "base",
    "export": "base",
    "log": "base",
    "text": "base",
    "version": "base",
    "policy": "policy",
    "resource": "resource",
    "snapshot": "snapshot",
    "bootstrap": "compile",
    "compile": "compile",
    "cache": "cache",
    "event": "cache",
    "fetch": "xds",
    "load": "xds",
    "message": "wire",
    "peer": "wire",
    "access": "wire",
    "server": "wire",
    "status": "wire",
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path: pathlib.Path) -> list[tuple[str, str]]:
    return INCLUDE.findall(path.read_text())


def room_of(target: str) -> str | None:
    """The room that an included header belongs to; None: not ours."""
    if target.endswith(".pb-c.h"):
        return None  # generated from the Envoy API, which has a folder xds/ too
    top, _, rest = target.partition("/")
    if top == "egress":
        return PUBLIC.get(rest.removesuffix(".h"), "unknown")
    return top if top in ROOMS else None


def check_arrow(room: str, quote: str, target: str) -> str | None:
    found = room_of(target)
    if target == "egress/egress.h":
        return "includes everything: name the headers it needs"
    if found == "unknown":
        return "is a public header that this script does not know: give it a room"
    if found is not None and ROOMS.index(found) > ROOMS.index(room):
        return f"points upwards, from {room} to {found}"
    if quote == '"' and found is None:
        return 'is not a path from libegress/, such as "base/vec.h"'
    if room != "wire" and (target == "uv.h" or target.startswith(("nghttp2/", "openssl/"))):
        return "brings the network into a room other than wire"
    return None


def check_rooms(source: pathlib.Path) -> list[str]:
    faults = []
    for path in sorted((source / "libegress").rglob("*.[ch]")):
        room = path.relative_to(source / "libegress").parts[0]
        if room not in ROOMS:
            faults.append(f"{path}: lies in no known room")
            continue
        for quote, target in includes(path):
            fault = check_arrow(room, quote, target)
            if fault:
                faults.append(f"{path}: <{target}> {fault}")
    return faults


def check_public(source: pathlib.Path) -> list[str]:
    faults = []
    for path in sorted((source / "include").rglob("*.h")):
        room = PUBLIC.get(path.stem)
        if path.parent != source / "include" / "egress":
            faults.append(f"{path}: public headers lie in include/egress/")
        elif path.stem != "egress" and room is None:
            faults.append(f"{path}: has no room in this script")
        for quote, target in includes(path):
            if target.startswith("egress/") and quote == "<":
                fault = check_arrow(room, quote, target) if room else None
            else:
                fault = None if target in ("stddef.h", "stdint.h") else "is neither ours nor plain C"
            if fault:
                faults.append(f"{path}: <{target}> {fault}")
    return faults


def check_users(source: pathlib.Path) -> list[str]:
    faults = []
    for folder in ("examples", "bindings"):
        for path in sorted((source / folder).rglob("*.[chi]")):
            own = {str(other.relative_to(path.parent)) for other in path.parent.rglob("*.h")}
            if folder == "examples":
                own |= {other.name for other in (source / folder / "common").glob("*.h")}
            for quote, target in includes(path):
                ours = (source / "libegress" / target).exists() or target.startswith("..")
                if ours or (quote == '"' and target not in own):
                    faults.append(f'{path}: "{target}" is private to the library')
    return faults


def check_page(source: pathlib.Path) -> list[str]:
    page = source / "docs" / "architecture.md"
    told = re.findall(r"^\| `(\w+)/` \|", page.read_text(), re.MULTILINE)
    return [] if told == ROOMS else [f"{page}: the table of rooms says {told}, this script {ROOMS}"]


def untested(source: pathlib.Path) -> list[str]:
    rooms, tests = source / "libegress", source / "tests" / "unit"
    nouns = (path.relative_to(rooms).with_suffix("") for path in sorted(rooms.rglob("*.c")))
    return [f"{noun}.c" for noun in nouns if not (tests / noun.parent / f"{noun.name}_test.c").exists()]


def main() -> None:
    source = pathlib.Path(sys.argv[1])
    faults = check_rooms(source) + check_public(source) + check_users(source) + check_page(source)
    print("\n".join(faults) or "all arrows point one way")
    missing = untested(source)
    print(f"without a unit test of their own: {', '.join(missing) or 'none'}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
