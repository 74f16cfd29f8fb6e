"""The types that the package ships."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy")

USE = """
from typing import assert_type

import egress

async def main() -> None:
    policy = egress.Policy.load("policy.yaml")
    decision = policy.decide("10.4.0.7", "api.stripe.com", 443)
    assert_type(decision.rule, str | None)
    cache = egress.Cache()
    cache["*"] = policy.compile(explicit="0.0.0.0:3128")
    async with egress.Server(cache, "127.0.0.1:18000") as server:
        async for event in server.events():
            if isinstance(event, egress.Nacked):
                assert_type(event.message, str)
"""


def run(*arguments: str, cwd: pathlib.Path) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_package_and_its_users_are_typed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "use.py").write_text(USE)
    assert "Success" in run("-m", "mypy", "--strict", "-p", "egress", cwd=tmp_path)
    assert "Success" in run("-m", "mypy", "--strict", "--python-version", "3.11", "use.py", cwd=tmp_path)


def test_stub_says_what_swig_made(tmp_path: pathlib.Path) -> None:
    (tmp_path / "allowed").write_text(r"egress\.lowlevel\.egress_\w+\.__init__" + "\n")  # proxies that nobody makes
    run("-m", "mypy.stubtest", "egress.lowlevel", "--ignore-missing-stub", "--allowlist", "allowed", cwd=tmp_path)
