"""A configuration with one resource of each type that an Envoy takes over xDS, and an Envoy that is told where from."""

import http.client
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

from .envoy import Envoy
from .ports import ReservedPort

NODE = "envoy-1"
API = "type.googleapis.com/envoy."
CLUSTER = API + "config.cluster.v3.Cluster"
ENDPOINT = API + "config.endpoint.v3.ClusterLoadAssignment"
LISTENER = API + "config.listener.v3.Listener"
ROUTE = API + "config.route.v3.RouteConfiguration"
SECRET = API + "extensions.transport_sockets.tls.v3.Secret"
RUNTIME = API + "service.runtime.v3.Runtime"
EXTENSION = API + "config.core.v3.TypedExtensionConfig"
TYPES = {CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET, RUNTIME, EXTENSION}

MANAGER = API + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
MUTATION = API + "extensions.filters.http.header_mutation.v3.HeaderMutation"
ROUTER = {"name": "router", "typed_config": {"@type": API + "extensions.filters.http.router.v3.Router"}}


class Certificate:
    """A key, and a certificate whose common name is ``name``."""

    def __init__(self, folder: Path, name: str) -> None:
        key, chain = folder / f"{name}.key", folder / f"{name}.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(chain)],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        self.key, self.chain = key.read_text(), chain.read_text()


def socket_address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def saying(text: str, name: str = "saying") -> dict[str, Any]:
    """Routes where every request is answered with ``text``."""
    answer = {"status": 200, "body": {"inline_string": text}}
    hosts = [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": answer}]}]
    return {"name": name, "virtual_hosts": hosts}


class Whole:
    """
    The parts of the configuration, each with a setting that a client sees. A listener ``main`` whose routes come by RDS
    and lead to a cluster by CDS with endpoints by EDS; its filter comes by ECDS. A listener ``tls`` whose certificate
    comes by SDS. A runtime layer by RTDS. The endpoints are static listeners of the same Envoy.
    """

    def __init__(self, folder: Path, xds_port: int, delta: bool, aggregated: bool) -> None:
        self.folder = folder
        self.xds_port, self.delta, self.aggregated = xds_port, delta, aggregated
        self.ports = {name: ReservedPort() for name in ("main", "tls", "one", "two")}
        self.certificates = {name: Certificate(folder, name) for name in ("one", "two")}
        self.envoy = Envoy(folder, self.bootstrap(), live=False)  # it waits for its first configuration

    def close(self) -> None:
        self.envoy.close()
        for port in self.ports.values():
            port.release()

    # ---- what Envoy starts with ----

    def _service(self) -> dict[str, Any]:
        back_off = {"retry_back_off": {"base_interval": "0.05s", "max_interval": "0.1s"}}
        return {
            "api_type": "DELTA_GRPC" if self.delta else "GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{"envoy_grpc": {"cluster_name": "snapshotd", "retry_policy": back_off}}],
        }

    def source(self) -> dict[str, Any]:
        where = {"ads": {}} if self.aggregated else {"api_config_source": self._service()}
        return {"resource_api_version": "V3", **where}

    def bootstrap(self) -> dict[str, Any]:
        http2 = API + "extensions.upstreams.http.v3.HttpProtocolOptions"
        snapshotd = {
            "name": "snapshotd",
            "connect_timeout": "1s",
            "load_assignment": self._assignment("snapshotd", self.xds_port),
            "typed_extension_protocol_options": {
                http2.partition("/")[2]: {"@type": http2, "explicit_http_config": {"http2_protocol_options": {}}}
            },
        }
        dynamic: dict[str, Any] = {"lds_config": self.source(), "cds_config": self.source()}
        if self.aggregated:
            dynamic["ads_config"] = self._service()
        runtime = {"name": "rtds", "rtds_layer": {"name": "runtime", "rtds_config": self.source()}}
        return {
            "node": {"id": NODE, "cluster": "test"},
            "dynamic_resources": dynamic,
            "layered_runtime": {"layers": [runtime]},
            "static_resources": {
                "clusters": [snapshotd],
                "listeners": [self._listener(name, {"route_config": saying(name)}) for name in ("one", "two")],
            },
        }

    @staticmethod
    def _assignment(name: str, port: int) -> dict[str, Any]:
        endpoint = {"endpoint": {"address": socket_address(port)}}
        return {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}

    def _listener(
        self, name: str, routes: dict[str, Any], filters: tuple[Any, ...] = (), socket: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        manager = {"@type": MANAGER, "stat_prefix": name, "http_filters": [*filters, ROUTER], **routes}
        chain: dict[str, Any] = {"filters": [{"name": "http", "typed_config": manager}]}
        if socket is not None:
            chain["transport_socket"] = {"name": "tls", "typed_config": socket}
        return {"name": name, "address": socket_address(self.ports[name].port), "filter_chains": [chain]}

    # ---- what it is given, each part with what a client sees of it ----

    def cluster(self, name: str = "backend", seconds: int = 1) -> dict[str, Any]:
        eds = {"eds_config": self.source()}
        timeout = f"{seconds}s"
        return {"@type": CLUSTER, "name": name, "type": "EDS", "connect_timeout": timeout, "eds_cluster_config": eds}

    def endpoints(self, to: str, name: str = "backend") -> dict[str, Any]:
        return {"@type": ENDPOINT, **self._assignment(name, self.ports[to].port)}

    def main_listener(self, server: str) -> dict[str, Any]:
        rds = {"rds": {"route_config_name": "routes", "config_source": self.source()}}
        mutation = {"name": "mutation", "config_discovery": {"config_source": self.source(), "type_urls": [MUTATION]}}
        return {"@type": LISTENER, **self._listener("main", {"server_name": server, **rds}, (mutation,))}

    def tls_listener(self) -> dict[str, Any]:
        certificate = {"name": "certificate", "sds_config": self.source()}
        tls = {
            "@type": API + "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {"tls_certificate_sds_secret_configs": [certificate]},
        }
        return {"@type": LISTENER, **self._listener("tls", {"route_config": saying("tls")}, (), tls)}

    def routes(self, said: str) -> dict[str, Any]:
        say = {"match": {"path": "/said"}, "direct_response": {"status": 200, "body": {"inline_string": said}}}
        go = {"match": {"prefix": "/"}, "route": {"cluster": "backend"}}
        hosts = [{"name": "all", "domains": ["*"], "routes": [say, go]}]
        return {"@type": ROUTE, "name": "routes", "virtual_hosts": hosts}

    def extension(self, header: str) -> dict[str, Any]:
        append = {"append": {"header": {"key": "x-extension", "value": header}}}
        mutation = {"@type": MUTATION, "mutations": {"response_mutations": [append]}}
        return {"@type": EXTENSION, "name": "mutation", "typed_config": mutation}

    def secret(self, name: str) -> dict[str, Any]:
        held = self.certificates[name]
        chain, key = {"inline_string": held.chain}, {"inline_string": held.key}
        return {
            "@type": SECRET,
            "name": "certificate",
            "tls_certificate": {"certificate_chain": chain, "private_key": key},
        }

    def runtime(self, value: str) -> dict[str, Any]:
        return {"@type": RUNTIME, "name": "runtime", "layer": {"whole": value}}

    def resources(self, mark: str, **instead: str) -> list[Any]:
        """All of them; ``mark`` is what a client sees of each, but of those in ``instead``."""

        def of(part: str) -> str:
            return instead.get(part, mark)

        return [
            self.cluster(seconds=1 if of("cluster") == "one" else 2),
            self.endpoints(of("endpoints")),
            self.main_listener(of("listener")),
            self.tls_listener(),
            self.routes(of("routes")),
            self.extension(of("extension")),
            self.secret(of("secret")),
            self.runtime(of("runtime")),
        ]

    def bad(self, part: str) -> dict[str, Any]:
        """One of them as Envoy refuses it."""
        if part == "cluster":
            made = self.cluster()
            del made["eds_cluster_config"]  # it is of type EDS
        elif part == "endpoints":
            made = self.endpoints("two")
            made["endpoints"][0]["priority"] = 129  # 128 is the last
        elif part == "listener":
            made = self.main_listener("two")
            made["filter_chains"][0]["filters"][0]["typed_config"]["stat_prefix"] = ""
        elif part == "routes":
            made = self.routes("two")
            made["virtual_hosts"] += [{**made["virtual_hosts"][0], "name": "the same domain"}]
        elif part == "extension":
            made = self.extension("two")
            made["typed_config"]["mutations"]["response_mutations"][0]["append"]["header"]["key"] = ""
        elif part == "secret":
            made = self.secret("two")
            made["tls_certificate"]["certificate_chain"]["inline_string"] = "no certificate"
        else:
            made = {**self.runtime("two"), "layer": {"whole": ["a list"]}}
        return made

    # ---- what a client sees ----

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers; status 0: nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["main"].port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode(), dict(response.getheaders())
        except (ConnectionError, http.client.HTTPException):
            return 0, "", {}
        finally:
            connection.close()

    def served_certificate(self) -> str:
        """The name of the certificate that the TLS listener shows; "": none."""
        try:
            shown = ssl.get_server_certificate(("127.0.0.1", self.ports["tls"].port), timeout=10)
        except OSError:
            return ""
        return next((name for name, held in self.certificates.items() if held.chain.strip() == shown.strip()), "")

    def seen(self) -> dict[str, str]:
        """The mark of each part."""
        _, said, told = self.get("/said")
        _, backend, _ = self.get("/")
        entries = json.loads(self.envoy.get("/runtime"))["entries"]
        clusters = [entry["cluster"] for entry in self.envoy.config_dump("dynamic_active_clusters")]
        timeout = next((found["connect_timeout"] for found in clusters if found["name"] == "backend"), "")
        return {
            "cluster": {"1s": "one", "2s": "two"}.get(timeout, ""),
            "endpoints": backend,
            "routes": said,
            "listener": told.get("server", ""),
            "extension": told.get("x-extension", ""),
            "secret": self.served_certificate(),
            "runtime": entries.get("whole", {}).get("final_value", ""),
        }


class Asking(Whole):
    """An Envoy that asks over REST for everything, 20 times a second."""

    def _service(self) -> dict[str, Any]:
        return {
            "api_type": "REST",
            "transport_api_version": "V3",
            "cluster_names": ["snapshotd"],
            "refresh_delay": "0.05s",
            "request_timeout": "5s",
        }

    def bootstrap(self) -> dict[str, Any]:
        made = super().bootstrap()
        del made["static_resources"]["clusters"][0]["typed_extension_protocol_options"]  # plain HTTP/1
        return made
