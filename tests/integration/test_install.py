"""What `cmake --install` leaves behind: a consumer outside the tree finds it by pkg-config and by find_package."""

import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess

import pytest
from harness import build

CONSUMER = """
#include <egress/egress.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  egress_diag *diag = egress_diag_new(NULL);
  egress_policy *policy = NULL;
  const char *text = "version: egress/v1\\nrules:\\n  - {name: one, to: [a.example.com]}\\n";
  if (egress_policy_parse(&policy, text, strlen(text), NULL, NULL, diag) != 0)
    return 1;
  printf("%s %s\\n", egress_version(), egress_policy_rule_name(policy, 0));
  egress_policy_unref(policy);
  egress_diag_free(diag);
  return strcmp(egress_version(), EGRESS_VERSION) != 0;
}
"""

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(egress 0.1 CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
add_executable(consumer consumer.c)
target_link_libraries(consumer PRIVATE egress::egress)
add_executable(hello hello.c)
target_link_libraries(hello PRIVATE egress::egress PkgConfig::UV)
"""

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def run(*command: str | pathlib.Path, **options: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """An installation that was moved after it was made."""
    first = tmp_path_factory.mktemp("install") / "first"
    run("cmake", "--install", os.environ["EGRESS_BUILD"], "--prefix", first)
    return first.rename(first.parent / "moved here")


@pytest.fixture
def consumer(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "consumer.c").write_text(CONSUMER)
    shutil.copy(SOURCE / "examples" / "hello.c", tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    return tmp_path


def library_folder(prefix: pathlib.Path) -> pathlib.Path:
    (found,) = prefix.rglob("libegress.so")
    return found.parent


def test_pkg_config(prefix: pathlib.Path, consumer: pathlib.Path) -> None:
    libraries = library_folder(prefix)
    environment = os.environ | {"PKG_CONFIG_PATH": str(libraries / "pkgconfig"), "LD_LIBRARY_PATH": str(libraries)}
    assert run("pkg-config", "--modversion", "libegress", env=environment) == "0.1.0\n"
    found = shlex.split(run("pkg-config", "--cflags", "--libs", "libegress", env=environment))
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", *build.compiler_flags()]
    run("cc", *flags, "consumer.c", "-o", "consumer", *found, cwd=consumer)
    assert run(consumer / "consumer", env=environment) == "0.1.0 one\n"


def test_find_package(prefix: pathlib.Path, consumer: pathlib.Path) -> None:
    chosen = (f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_FLAGS={' '.join(build.compiler_flags())}")
    run("cmake", "-G", "Ninja", "-S", consumer, "-B", consumer / "build", *chosen)
    run("cmake", "--build", consumer / "build")
    assert run(consumer / "build" / "consumer") == "0.1.0 one\n"
    refused = subprocess.run([consumer / "build" / "hello", "none.yaml"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and "none.yaml" in refused.stderr


def test_soname_is_that_of_the_minor_version(prefix: pathlib.Path) -> None:
    dynamic = run("readelf", "-d", library_folder(prefix) / "libegress.so")
    assert "[libegress.so.0.1]" in dynamic


def test_installed_daemon_finds_its_library(prefix: pathlib.Path) -> None:
    assert "serve" in run(prefix / "bin" / "egressd", "--help")


def test_nothing_installed_names_the_build_machine(prefix: pathlib.Path) -> None:
    for path in prefix.rglob("*"):
        if path.suffix in (".pc", ".cmake", ".h"):
            assert str(SOURCE) not in path.read_text() and os.environ["EGRESS_BUILD"] not in path.read_text(), path


def test_hello_serves_until_interrupted(tmp_path: pathlib.Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: egress/v1\nrules:\n  - {name: one, to: [a.example.com]}\n")
    program = pathlib.Path(os.environ["EGRESS_BUILD"]) / "examples" / "hello"
    with subprocess.Popen([program, policy, "127.0.0.1:0"], stdout=subprocess.PIPE, text=True) as hello:
        try:
            assert hello.stdout is not None
            line = hello.stdout.readline()  # ends with the line, or with the program
            assert line.startswith("serving ") and line.rstrip().split()[-1].isdigit(), line
            socket.create_connection(("127.0.0.1", int(line.split()[-1])), 10).close()
            hello.send_signal(signal.SIGINT)
            assert hello.wait(30) == 0
        finally:
            hello.kill()
