"""A plain xDS client: delta ADS with grpcio, a wildcard subscription a type, every response acknowledged or refused."""

import queue
from collections.abc import Iterator, Sequence

import grpc
from envoy.service.discovery.v3 import discovery_pb2
from google.rpc import status_pb2

LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"


class Client:
    """Subscribes to all listeners. ``resources`` holds the newest of each, by name."""

    def __init__(
        self,
        target: str,
        cluster: str = "egress",
        credentials: grpc.ChannelCredentials | None = None,
        options: Sequence[tuple[str, str | int]] = (),
        seconds: float = 30,
    ) -> None:
        options = [*options, *([("grpc.ssl_target_name_override", "egressd.test")] if credentials else [])]
        self._channel = (
            grpc.secure_channel(target, credentials, options)
            if credentials
            else grpc.insecure_channel(target, options)
        )
        self._requests: queue.SimpleQueue[discovery_pb2.DeltaDiscoveryRequest | None] = queue.SimpleQueue()
        self.resources: dict[str, bytes] = {}
        first = discovery_pb2.DeltaDiscoveryRequest(type_url=LISTENER, resource_names_subscribe=["*"])
        first.node.id, first.node.cluster = "client-1", cluster
        self._requests.put(first)
        call = self._channel.stream_stream(
            METHOD,
            request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
        )
        self._stream = call(iter(self._requests.get, None), timeout=seconds)

    def next(self, refuse: str | None = None) -> discovery_pb2.DeltaDiscoveryResponse:
        """Takes the next response, and answers it; ``refuse`` is the text of a NACK. Raises ``grpc.RpcError``."""
        response = next(self._stream)
        for resource in response.resources:
            self.resources[resource.name] = resource.resource.value
        for name in response.removed_resources:
            self.resources.pop(name, None)
        answer = discovery_pb2.DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)
        if refuse is not None:
            answer.error_detail.CopyFrom(status_pb2.Status(code=13, message=refuse))
        self._requests.put(answer)
        return response

    def rest(self) -> Iterator[discovery_pb2.DeltaDiscoveryResponse]:
        """Everything until the server ends the stream, which raises ``grpc.RpcError``."""
        while True:
            yield self.next()

    def close(self) -> None:
        self._requests.put(None)
        self._stream.cancel()
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
