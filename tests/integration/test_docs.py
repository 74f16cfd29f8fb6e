"""The documentation is true: its policies are valid, its commands print what it shows, its programs run."""

import os
import queue
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from envoy.service.cluster.v3 import cds_pb2_grpc
from envoy.service.discovery.v3 import discovery_pb2
from harness import build
from harness.child import Child
from harness.ports import ReservedPort
from harness.waiting import wait_for
from harness.xds import Client

README = build.PROJECT / "README.md"
PYTHON_README = build.PROJECT / "bindings" / "python" / "README.md"
PAGES = sorted([*build.PROJECT.glob("docs/*.md"), README, PYTHON_README, build.PROJECT / "CONTRIBUTING.md"])
FENCE = re.compile(r"^```(\w+)( refused)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """A policy, and the commands that are shown after it, each with what it prints."""

    place: str
    policy: str
    refused: bool
    commands: list[tuple[str, str]] = field(default_factory=list)


def fences(page: Path) -> list[tuple[str, str, bool, str]]:
    """Place, language, marked as refused, text."""
    whole = page.read_text()
    return [
        (f"{page.name}:{whole[: found.start()].count(chr(10)) + 1}", found[1], bool(found[2]), found[3])
        for found in FENCE.finditer(whole)
    ]


def examples() -> list[Example]:
    found: list[Example] = []
    for page in PAGES:
        for place, language, refused, text in fences(page):
            if language == "yaml":
                found.append(Example(place, text, refused))
            elif language == "console":
                for part in text.split("$ ")[1:]:
                    command, _, output = part.partition("\n")
                    found[-1].commands.append((command, output))
    return found


EXAMPLES = examples()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5
    assert sum(len(example.commands) for example in EXAMPLES) >= 10


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_a_policy_and_what_is_said_of_it(example: Example, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(example.policy)

    def egressd(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [build.egressd(), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert egressd("lint", "policy.yaml").returncode == (1 if example.refused else 0)
    for command, output in example.commands:
        name, *arguments = command.split()
        assert name == "egressd"
        assert egressd(*arguments).stdout == output


def test_the_example_policy_is_valid() -> None:
    done = subprocess.run(
        [build.egressd(), "lint", str(build.PROJECT / "examples" / "policy.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(" 0 warnings\n")


def program(page: Path, language: str) -> str:
    found = [text for _, kind, _, text in fences(page) if kind == language]
    assert len(found) == 1
    return found[0]


def serves(folder: Path, command: list[str], port: ReservedPort, env: dict[str, str] | None = None) -> bool:
    """Whether the program gives a client the policy of the README."""
    child = Child(command, folder / "program.log", env)
    try:

        def answer() -> bool:
            child.check()
            try:
                with Client(str(port)) as client:
                    client.next()
                    return "egress_explicit" in client.resources
            except Exception:  # not listening yet
                return False

        return wait_for("the program's policy", answer)
    finally:
        child.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds README's policy."""
    (tmp_path / "policy.yaml").write_text(next(example.policy for example in EXAMPLES if "README" in example.place))
    return tmp_path


@pytest.fixture
def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def at_free_port(text: str) -> tuple[str, ReservedPort]:
    port = ReservedPort()
    port.release()
    assert "127.0.0.1:18000" in text
    return text.replace("127.0.0.1:18000", str(port)), port


def compiled(text: str, folder: Path) -> str:
    """A C program of the documentation, built as a reader would."""
    (folder / "shown.c").write_text(text)
    library = Path(build.program("libegress/libegress.so")).parent
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libuv"], capture_output=True, text=True, check=True)
    subprocess.run(
        [
            "cc", "-Wall", "-Wextra", "-Werror", "-o", "shown", "shown.c", *build.compiler_flags(),
            f"-I{build.PROJECT / 'include'}", f"-L{library}", f"-Wl,-rpath,{library}", "-legress",
            *flags.stdout.split(),
        ],
        cwd=folder,
        check=True,
    )  # fmt: skip
    return str(folder / "shown")


def test_the_c_program_of_the_readme(in_folder: Path) -> None:
    text, port = at_free_port(program(README, "c"))
    assert len([line for line in text.splitlines() if line]) <= 20
    assert serves(in_folder, [compiled(text, in_folder)], port)


@pytest.mark.parametrize("name", ["snapshots", "security", "rollback", "status", "on-demand"])
def test_the_program_of_a_page(tmp_path: Path, name: str) -> None:
    page = build.PROJECT / "docs" / f"{name}.md"
    shown = compiled(program(page, "c"), tmp_path)
    done = subprocess.run([shown], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == program(page, "text")


@pytest.mark.parametrize(("page", "lines"), [(README, 10), (PYTHON_README, 20)], ids=["README", "bindings/python"])
def test_the_python_program_of_a_readme(in_folder: Path, page: Path, lines: int) -> None:
    pytest.importorskip("egress", reason="the Python package egress is not installed: pip install ./bindings/python")
    text, port = at_free_port(program(page, "python"))
    assert len([line for line in text.splitlines() if line]) <= lines
    (in_folder / "readme.py").write_text(text)
    assert serves(in_folder, [sys.executable, str(in_folder / "readme.py")], port)


def test_the_python_fragment_about_caches() -> None:
    egress = pytest.importorskip("egress", reason="the Python package is not installed: pip install ./bindings/python")
    made = {"egress": egress}
    exec(program(build.PROJECT / "docs" / "snapshots.md", "python"), made)
    assert isinstance(made["server"], egress.Server)


def test_the_program_about_resources(tmp_path: Path) -> None:
    pytest.importorskip("egress", reason="the Python package egress is not installed: pip install ./bindings/python")
    [program, printed] = [text for _, kind, _, text in fences(build.PROJECT / "docs" / "resources.md") if kind]
    (tmp_path / "resources.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "resources.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == printed, done.stderr


ANSWERS = """
import asyncio
import egress

def find(type_url, name):
    found = {{"tenant-7": egress.Resource.from_json('{{"@type": "%s", "name": "tenant-7"}}' % egress.CLUSTER)}}
    return found.get(name)

async def main():
{}
asyncio.run(main())
"""


def test_the_python_program_about_answers(tmp_path: Path) -> None:
    """Before time ends the questions: it is set to be longer than this test waits."""
    pytest.importorskip("egress", reason="the Python package egress is not installed: pip install ./bindings/python")
    text, port = at_free_port(program(build.PROJECT / "docs" / "on-demand.md", "python"))
    assert "answer=2.0" in text
    (tmp_path / "shown.py").write_text(ANSWERS.format(textwrap.indent(text.replace("answer=2.0", "answer=600"), "    ")))
    child = Child([sys.executable, str(tmp_path / "shown.py")], tmp_path / "program.log")
    try:
        assert told_of_clusters(port, {"tenant-7", "tenant-8"}) == ({"tenant-7"}, {"tenant-8"})
    finally:
        child.kill()


def told_of_clusters(port: ReservedPort, names: set[str]) -> tuple[set[str], set[str]]:
    """Which of the names there are, and which there are not, as a client of the group ``prod`` is told."""
    requests: queue.SimpleQueue[discovery_pb2.DeltaDiscoveryRequest | None] = queue.SimpleQueue()
    node = {"id": "n", "cluster": "prod"}
    requests.put(discovery_pb2.DeltaDiscoveryRequest(node=node, resource_names_subscribe=sorted(names)))
    there: set[str] = set()
    missing: set[str] = set()
    with grpc.insecure_channel(str(port)) as channel:
        stub = cds_pb2_grpc.ClusterDiscoveryServiceStub(channel)
        responses = stub.DeltaClusters(iter(requests.get, None), timeout=30, wait_for_ready=True)
        while there | missing != names:
            response = next(responses)
            there.update(resource.name for resource in response.resources)
            missing.update(response.removed_resources)
            requests.put(discovery_pb2.DeltaDiscoveryRequest(response_nonce=response.nonce))
        requests.put(None)
    return there, missing


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            assert os.path.exists(page.parent / target), f"{page.name}: {target}"


def test_the_packages_to_build_with_are_those_that_are_installed() -> None:
    script = (build.PROJECT / "tests" / "prepare.sh").read_text()
    guide = (build.PROJECT / "docs" / "quick-guide.md").read_text()
    (installed,) = re.findall(r"^packages=\((.*?)\)", script, re.MULTILINE | re.DOTALL)
    (needed,) = re.findall(r"Needed from Debian: `(.*?)`", guide, re.DOTALL)
    # Beside those: what is on every machine with a compiler, or serves to run the demonstration.
    others = {"libc6-dev", "python3", "python3-venv", "ca-certificates", "curl", "openssl"}
    assert set(needed.split()) == set(installed.split()) - others


def test_every_code_is_explained() -> None:
    header = (build.PROJECT / "include" / "egress" / "error.h").read_text()
    codes = re.findall(r"^  (EGRESS_\w+) = (-?\d+)", header, re.MULTILINE)
    page = (build.PROJECT / "docs" / "errors.md").read_text()
    assert len(codes) > 10
    for name, number in codes:
        assert f"| `{name}` | {number} |" in page


XDS_ROW = re.compile(r"^\| ([\d, ]+) \| .* \| (.*) \|$", re.MULTILINE)


def numbers_tested(place: str) -> set[int]:
    """The numbers of docs/xds.md in the names of tests: ``c37_…``, also twice in a name."""
    tests, binding = build.PROJECT / "tests", build.PROJECT / "bindings" / "python" / "tests"
    source = tests / "unit" / f"{place}_test.c" if "/" in place else tests / "integration" / f"{place}.py"
    source = source if source.exists() else binding / f"{place}.py"
    return {int(number) for number in re.findall(r"(?:\b|_)c(\d+)(?=_)", source.read_text())}


def test_every_number_of_the_xds_page_is_that_of_a_test() -> None:
    rows = XDS_ROW.findall((build.PROJECT / "docs" / "xds.md").read_text())
    assert len(rows) > 30
    for numbers, places in rows:
        wanted = {int(number) for number in numbers.split(",")}
        found = {place: wanted & numbers_tested(place) for place in re.findall("`([^`]+)`", places)}
        assert all(found.values()), f"{numbers}: not in all of {found}"
        assert set().union(*found.values()) == wanted, f"{numbers}: only {found}"
