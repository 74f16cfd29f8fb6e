"""Status of streams: who the clients are."""

import pathlib
import subprocess

import grpc
from conftest import Client

import egress
from egress import CLUSTER, Cache, Server, Snapshot

SPIFFE_ID = "spiffe://example.org/ns/default/sa/envoy"


def make_pair(folder: pathlib.Path, name: str, alternatives: str) -> tuple[pathlib.Path, pathlib.Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [*command.split(), "-addext", f"subjectAltName={alternatives}", *files], check=True, capture_output=True
    )
    return certificate, key


async def test_names_of_a_certificate(tmp_path: pathlib.Path) -> None:
    certificate, key = make_pair(tmp_path, "localhost", "DNS:localhost")
    own, own_key = make_pair(tmp_path, "envoy-7", f"URI:{SPIFFE_ID},DNS:envoy-7.example,DNS:*.envoys.example")
    cache = Cache()
    cache["*"] = Snapshot.build([])
    async with Server(cache, "127.0.0.1:0", tls=egress.TLS.load(certificate, key, own)) as server:
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes(), own_key.read_bytes(), own.read_bytes())
        async with grpc.aio.secure_channel(f"localhost:{server.port}", credentials) as channel:
            client = Client(channel, "envoy-7", "edge")
            await client.ask(CLUSTER)
            await client.answer()
            (stream,) = server.status()
    assert (stream.transport, stream.spiffe_id, stream.common_name) == ("mutual-tls", SPIFFE_ID, "envoy-7")
    assert stream.uris == (SPIFFE_ID,)
    assert stream.dns_names == ("envoy-7.example", "*.envoys.example")
