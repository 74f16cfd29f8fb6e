#!/usr/bin/env python3
"""Each public header must compile alone, as C99 and as C++, twice in a row, without a warning.

usage: check_headers.py INCLUDE_DIR CC CXX

-Wpadded because options structs are padded by hand: a stray byte would look like a newer field. Each ``_INIT`` macro
is used once, so that a missing member is a warning too.
"""

import pathlib
import re
import subprocess
import sys

FLAGS = ["-pedantic", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-fsyntax-only"]
INIT = re.compile(r"^#define (EGRESS_(\w+)_INIT)\b", re.MULTILINE)


def source(header: pathlib.Path, include: pathlib.Path) -> str:
    line = f"#include <{header.relative_to(include)}>\n"
    uses = [
        f"extern egress_{noun.lower()} one_{noun.lower()};\negress_{noun.lower()} one_{noun.lower()} = {macro};\n"
        for macro, noun in INIT.findall(header.read_text())
    ]
    return line + line + "".join(uses) + "extern int not_empty;\n"


def main() -> None:
    include = pathlib.Path(sys.argv[1])
    compilers = [[sys.argv[2], "-x", "c", "-std=c99"], [sys.argv[3], "-x", "c++", "-std=c++11"]]
    headers = sorted(include.rglob("*.h"))
    failed = 0
    for header in headers:
        for compiler in compilers:
            command = [*compiler, *FLAGS, "-I", str(include), "-"]
            if subprocess.run(command, input=source(header, include), text=True).returncode != 0:
                print(f"{header}: does not compile alone with {' '.join(compiler)}")
                failed += 1
    print(f"{len(headers)} headers, {failed} failures")
    sys.exit(failed > 0 or not headers)


if __name__ == "__main__":
    main()
