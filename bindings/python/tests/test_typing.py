"""The types that the package ships."""

import os
import pathlib
import subprocess
import sys

import pytest

if "EGRESS_BUILD" not in os.environ:  # tests/run.sh installed it: there its absence is a failure
    pytest.importorskip("mypy")

USE = """
import logging
from typing import assert_type

import egress

def choose(node: egress.Node, type_url: str) -> egress.Cache | None:
    return None

def show(message: egress.Message) -> None:
    assert_type(message.data, bytes)

async def serve() -> None:
    rules = egress.Policy.load("policy.yaml")
    assert_type(rules.decide("10.20.3.7", "cards.payments.example").rule, str | None)
    groups = egress.Cache(group=lambda node: assert_type(node.id, str) or None)
    groups["*"] = rules.compile(explicit="0.0.0.0:3128")
    log = logging.getLogger().log
    async with egress.Server(groups, "127.0.0.1:0", choose=choose, on_message=show, log=log) as xds:
        async for happened in xds.events():
            if isinstance(happened, egress.Nacked):
                assert_type(happened.message, str)
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
