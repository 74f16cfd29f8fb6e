"""What can go wrong: one exception a family of calls, all of them ``egress.Error``."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

from egress import lowlevel


class Code(IntEnum):
    """What a call of the C library answered; ``Error.code`` and ``Diagnostic.code`` hold one."""

    OK = lowlevel.EGRESS_OK
    ENOMEM = lowlevel.EGRESS_ENOMEM
    EINVAL = lowlevel.EGRESS_EINVAL
    EABI = lowlevel.EGRESS_EABI
    ESYNTAX = lowlevel.EGRESS_ESYNTAX
    EPOLICY = lowlevel.EGRESS_EPOLICY
    EIO = lowlevel.EGRESS_EIO
    ELIMIT = lowlevel.EGRESS_ELIMIT
    EWIRE = lowlevel.EGRESS_EWIRE
    EPROTO = lowlevel.EGRESS_EPROTO
    EADDR = lowlevel.EGRESS_EADDR
    EADDRINUSE = lowlevel.EGRESS_EADDRINUSE
    ETLS = lowlevel.EGRESS_ETLS
    EUNSUPPORTED = lowlevel.EGRESS_EUNSUPPORTED
    ENOENT = lowlevel.EGRESS_ENOENT
    ESTATE = lowlevel.EGRESS_ESTATE
    ERESOURCE = lowlevel.EGRESS_ERESOURCE
    EDENIED = lowlevel.EGRESS_EDENIED
    ECLASH = lowlevel.EGRESS_ECLASH


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong with some input, or worth a look, and where it stands."""

    severity: Literal["error", "warning"]
    code: Code
    file: str
    """As the caller named it; ``""``: it is about no file."""
    line: int
    """From 1; 0: it has no place."""
    column: int
    """In characters, from 1; 0: it has no place."""
    message: str

    def __str__(self) -> str:
        place = [self.file, str(self.line or ""), str(self.column or "")]
        where = ":".join(part for part in place if part)
        return f"{where}: {self.severity}: {self.message}" if where else f"{self.severity}: {self.message}"


class Error(Exception):
    """Whatever libegress refuses. ``str()`` says all of it, a line a diagnostic."""

    code: Code
    diagnostics: tuple[Diagnostic, ...]
    """Every fault found, not only the first; empty where the code says it all."""

    def __init__(self, code: Code, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.diagnostics = diagnostics

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, str(self), self.diagnostics)


class PolicyError(Error):
    """A policy is not valid, too large, or says what a listener cannot express."""


class ResourceError(Error):
    """Bytes or text are not the message that they should be, or there is no such resource or type."""


class ServerError(Error):
    """An address, a certificate or the order of calls does not suit a server."""


class ArgumentError(Error, ValueError):
    """An argument makes no sense."""


class FileError(Error, OSError):
    """A file cannot be read."""


class OutOfMemoryError(Error, MemoryError):
    """There is no memory left; nothing changed."""


# Codes that mean the same whatever was called; every other one is an error of the family that the call belongs to.
_EVERYWHERE: dict[int, type[Error]] = {
    Code.ENOMEM: OutOfMemoryError,
    Code.EINVAL: ArgumentError,
    Code.EIO: FileError,
}


def diagnostics(diag: lowlevel.egress_diag) -> tuple[Diagnostic, ...]:
    """The items of a C diagnostic list."""
    return tuple(
        Diagnostic(
            "error" if lowlevel.egress_diag_severity(diag, index) == lowlevel.EGRESS_ERROR else "warning",
            Code(lowlevel.egress_diag_code(diag, index)),
            lowlevel.egress_diag_file(diag, index),
            lowlevel.egress_diag_line(diag, index),
            lowlevel.egress_diag_column(diag, index),
            lowlevel.egress_diag_message(diag, index),
        )
        for index in range(lowlevel.egress_diag_count(diag))
    )


def check(code: int, family: type[Error], diag: lowlevel.egress_diag | None = None, about: str = "") -> None:
    """Raise what a negative ``code`` stands for; ``about`` is for calls that take no diagnostic list."""
    if code >= 0:
        return
    text = lowlevel.egress_diag_text(diag).rstrip("\n") if diag is not None else ""
    if not text:
        text = f"{about}: {lowlevel.egress_strerror(code)}" if about else lowlevel.egress_strerror(code)
    raise _EVERYWHERE.get(code, family)(Code(code), text, diagnostics(diag) if diag is not None else ())


def new_diag() -> lowlevel.egress_diag:
    """An empty C diagnostic list."""
    diag = lowlevel.egress_diag_new()
    if diag is None:
        raise MemoryError
    return diag
