"""The names, addresses and ports of the tests: one network for the whole run."""

import subprocess
from pathlib import Path

from .network import Backend, Network, TlsBackend

MAIN = "127.9.0.1"  # where names lead unless the table says otherwise
SECOND = "127.9.0.2"  # a backend too, for policies that deny this address
TRAP = "127.8.0.1"  # a backend in a special-use range: reached only where the address guard fails
REAL = "127.9.0.9"  # speaks real TLS on the main port

# A hole in the guard must show as a reached backend, hence TRAP; the others are what an attacker would use.
NAMES: dict[str, list[str] | None] = {
    "second-address.example.com": [SECOND],
    "trap.example.com": [TRAP],
    "private.example.com": ["10.1.2.3"],
    "loopback.example.com": ["127.0.0.1"],
    "metadata.example.com": ["169.254.169.254"],
    "mapped.example.com": ["::ffff:127.9.0.1"],
    "real.example.com": [REAL],
}


def lookup(name: str) -> list[str] | None:
    """What the resolver answers. In the zone ``test``, the first letter of a name says where it leads."""
    if name in NAMES:
        return NAMES[name]
    if name.endswith(".nowhere"):
        return None
    if name.endswith(".test"):
        return [{"t": TRAP, "s": SECOND}.get(name[0], MAIN)]
    return [MAIN]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "backend.pem", folder / "backend.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=backend", "-keyout", str(key), "-out", str(certificate),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


class World:
    """Backends and resolver. Both ports have a backend on every address; REAL has one on the main port only."""

    def __init__(self, folder: Path) -> None:
        self.main, self.second, self.trap = Backend(MAIN), Backend(SECOND), Backend(TRAP)
        self.real = TlsBackend(REAL, *make_certificate(folder))
        self.network = Network(lookup)
        self.port = self.network.listen([self.main, self.second, self.trap, self.real])
        self.other_port = self.network.listen([self.main, self.second, self.trap])

    @property
    def queries(self) -> list[str]:
        """Every name that the resolver was asked for, in order."""
        return self.network.resolver.queries

    def close(self) -> None:
        self.network.close()
