"""Exceptions and the diagnostics in them."""

import pathlib
import pickle

import pytest

import egress
from egress import Code, lowlevel


def test_every_code_of_the_library_has_its_name() -> None:
    for code in Code:
        assert lowlevel.egress_code_name(code) == f"EGRESS_{code.name}"
    assert {code.value for code in Code} == set(range(min(Code), 1))
    assert lowlevel.egress_code_name(min(Code) - 1) == "EGRESS_EUNKNOWN"


def test_policy_error_has_every_fault() -> None:
    text = "version: egress/v1\nrules:\n  - {name: a, to: [bad..name]}\n  - {name: b, to: [10.0.0.1/8], ports: [0]}\n"
    with pytest.raises(egress.PolicyError) as caught:
        egress.Policy(text, "broken.yaml")
    error = caught.value
    assert error.code is Code.EPOLICY
    assert {(found.file, found.line, found.severity) for found in error.diagnostics} >= {
        ("broken.yaml", 3, "error"),
        ("broken.yaml", 4, "error"),
    }
    assert len(error.diagnostics) >= 3
    assert str(error).splitlines() == [str(found) for found in error.diagnostics]
    assert all(found.column > 0 and found.message for found in error.diagnostics)


def test_syntax_error_has_its_place() -> None:
    with pytest.raises(egress.PolicyError) as caught:
        egress.Policy(b"version: [\n")
    assert caught.value.code is Code.ESYNTAX
    assert caught.value.diagnostics[0].file == "policy"
    assert caught.value.diagnostics[0].line > 0


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(egress.PolicyError):
        egress.Policy(b"version: egress/v1\n# \xff\nrules: []\n")


def test_too_large_a_policy() -> None:
    with pytest.raises(egress.PolicyError) as caught:
        egress.Policy("#" * (16 * 1024 * 1024 + 1))
    assert caught.value.code is Code.ELIMIT


def test_missing_file_is_an_os_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OSError) as caught:
        egress.Policy.load(tmp_path / "none.yaml")
    error = caught.value
    assert isinstance(error, egress.FileError) and isinstance(error, egress.Error)
    assert error.code is Code.EIO
    assert "none.yaml" in str(error)


def test_path_with_a_nul_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        egress.Policy.load("a\0b")


def test_lone_surrogate_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        egress.Policy("# \udcff")


def test_compile_without_listener_is_a_value_error(policy: egress.Policy) -> None:
    with pytest.raises(egress.ArgumentError) as caught:
        policy.compile()
    assert caught.value.code is Code.EINVAL
    assert isinstance(caught.value, ValueError)
    assert caught.value.diagnostics
    with pytest.raises(egress.ArgumentError, match="not-an-address"):
        policy.compile(explicit="not-an-address")


def test_errors_survive_pickling(tmp_path: pathlib.Path) -> None:
    errors = []
    for attempt in (lambda: egress.Policy("version: egress/v2\n"), lambda: egress.Policy.load(tmp_path / "none.yaml")):
        with pytest.raises(egress.Error) as caught:
            attempt()
        errors.append(caught.value)
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), again.code, again.diagnostics) == (str(error), error.code, error.diagnostics)


def test_diagnostic_is_printed_as_the_library_prints_it() -> None:
    found = egress.Diagnostic("warning", Code.EPOLICY, "p.yaml", 3, 7, "odd")
    assert str(found) == "p.yaml:3:7: warning: odd"
    assert str(egress.Diagnostic("error", Code.EINVAL, "", 0, 0, "no listener")) == "error: no listener"
