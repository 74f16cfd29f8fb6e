"""
gRPC of Python (grpcio) with xDS, told by lines of JSON what to do: see ``harness/program.py``.
"""

import json
import sys
from concurrent import futures

import grpc
import grpc_csds

WHO, ELSE = "/egress.Test/Who", "/egress.Test/Else"
CALL_S = 5  # how long a call may take before it is an error


class Answers(grpc.GenericRpcHandler):
    """Answers both methods with this program's name."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        known = details.method in (WHO, ELSE)
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"grpcio") if known else None


def listen_for_status() -> tuple[grpc.Server, int]:
    """CSDS: what the xDS client of this process has."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    grpc_csds.add_csds_servicer(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(port: int) -> grpc.Server:
    """A server that takes its configuration over xDS."""
    server = grpc.server(futures.ThreadPoolExecutor(2), [Answers()], xds=True)
    plain = grpc.insecure_server_credentials()
    server.add_secure_port(f"127.0.0.1:{port}", grpc.xds_server_credentials(plain))
    server.start()
    return server


def call(channel: grpc.Channel) -> dict[str, str]:
    try:
        return {"answer": channel.unary_unary(WHO)(b"", timeout=CALL_S).decode()}
    except grpc.RpcError as error:
        return {"error": f"{error.code().name}: {error.details()}"}


def main() -> None:
    status, port = listen_for_status()
    channels: dict[str, grpc.Channel] = {}
    servers = [status]
    print(json.dumps({"csds": port}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "call" in request:
            name = request["call"]
            if name not in channels:
                channels[name] = grpc.insecure_channel(f"xds:///{name}")
            answer: dict[str, str | int] = {**call(channels[name])}
        else:
            servers.append(serve(request["serve"]))
            answer = {"serving": request["serve"]}
        print(json.dumps(answer), flush=True)
    for channel in channels.values():
        channel.close()
    for server in servers:
        server.stop(0).wait(CALL_S)


main()
