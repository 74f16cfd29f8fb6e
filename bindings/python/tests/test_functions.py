"""Functions that the library calls: who is of which group, which cache has what, what passed, what there is to say."""

import asyncio
import gc
import json
import logging
import sys
import weakref
from collections.abc import Callable

import grpc
import pytest
from conftest import WAIT, Client, cluster, next_event
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.service.discovery.v3 import discovery_pb2
from envoy.service.endpoint.v3 import eds_pb2_grpc

import egress
from egress import CLUSTER, ENDPOINT, LISTENER, Cache, Message, MessageKind, Node, Resource, Server, Snapshot, lowlevel

Connect = Callable[..., Client]

KINDS = {CLUSTER: cluster_pb2.Cluster, LISTENER: listener_pb2.Listener}


def listener(name: str) -> Resource:
    return Resource(LISTENER, name, listener_pb2.Listener(name=name).SerializeToString())


def cache_of(*resources: Resource, group: Callable[[Node], str | None] | None = None) -> Cache:
    """All groups have these."""
    cache = Cache(group=group)
    cache["*"] = Snapshot.build(resources)
    return cache


async def told(client: Client) -> list[str]:
    """Names in the next response, which is accepted."""
    response = await client.answer()
    await client.ack(response)
    return sorted(KINDS[response.type_url].FromString(one.value).name for one in response.resources)


async def ask(client: Client, type_url: str = CLUSTER) -> list[str]:
    await client.ask(type_url)
    return await told(client)


async def refusal(client: Client, type_url: str = CLUSTER) -> tuple[grpc.StatusCode, str]:
    """How the stream of a client that asks for that ends."""
    await client.ask(type_url)
    code = await asyncio.wait_for(client.call.code(), WAIT)
    return code, await client.call.details()


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> list[type]:
    """Kinds of what functions have raised, as the hook was told."""
    found: list[type] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: found.append(unraisable.exc_type))
    return found


# ---- the group of a node ----


async def test_a_function_says_who_is_of_which_group(connect: Connect) -> None:
    asked: list[Node] = []

    def group(node: Node) -> str:
        asked.append(node)
        return node.id.partition("-")[0]

    cache = Cache(group=group)
    cache["öst"], cache["west"] = Snapshot.build([cluster("a")]), Snapshot.build([cluster("b")])
    async with Server(cache, "127.0.0.1:0") as server:
        east, west = connect(server.port, "öst-1"), connect(server.port, "west-1")
        assert (await ask(east), await ask(west)) == (["a"], ["b"])
        assert [(await next_event(server, egress.Connected)).group for _ in range(2)] == ["öst", "west"]
        cache["west"] = Snapshot.build([cluster("c")])
        assert await told(west) == ["c"]
    assert asked == [Node("öst-1", "edge"), Node("west-1", "edge")]


async def test_where_a_node_is_can_be_its_group(connect: Connect) -> None:
    """The first request says it; what later ones say is not looked at."""
    asked: list[Node] = []

    def group(node: Node) -> str:
        asked.append(node)
        return node.zone

    cache = Cache(group=group)
    cache["b"] = Snapshot.build([cluster("in-b")])
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        client.node.locality.region, client.node.locality.zone, client.node.locality.sub_zone = "eu", "b", "b1"
        client.node.user_agent_name = "envoy"
        assert await ask(client) == ["in-b"]
    assert asked == [Node("envoy-1", "edge", "eu", "b", "b1", "envoy")]


GROUPS = [
    (None, []),
    ("", []),
    ("x" * 256, []),
    ("west\0", [ValueError]),
    ("\ud800", [UnicodeEncodeError]),
    (b"west", [TypeError]),
    (7, [TypeError]),
]


@pytest.mark.parametrize("group, kinds", GROUPS, ids=[ascii(group)[:9] for group, _ in GROUPS])
async def test_what_is_no_group_refuses(connect: Connect, raised: list[type], group: str, kinds: list[type]) -> None:
    cache = cache_of(cluster("a"), group=lambda node: "west" if node.id == "west-1" else group)
    async with Server(cache, "127.0.0.1:0") as server:
        code, text = await refusal(connect(server.port))
        assert (code, text) == (grpc.StatusCode.PERMISSION_DENIED, 'no group for node "envoy-1" of cluster "edge"')
        assert (await next_event(server, egress.Rejected)).status == 7
        assert await ask(connect(server.port, "west-1")) == ["a"]
    assert raised == kinds


async def test_a_group_function_that_raises_refuses(connect: Connect, raised: list[type]) -> None:
    groups = {"envoy-2": "west"}
    async with Server(cache_of(cluster("a"), group=lambda node: groups[node.id]), "127.0.0.1:0") as server:
        assert (await refusal(connect(server.port)))[0] is grpc.StatusCode.PERMISSION_DENIED
        assert raised == [KeyError]
        assert await ask(connect(server.port, "envoy-2")) == ["a"]
    assert raised == [KeyError]


async def test_groups_of_answers_over_rest(raised: list[type]) -> None:
    groups = {"envoy-1": "west"}
    fetch = egress.Fetch(cache_of(cluster("a"), group=lambda node: groups[node.id]))
    gc.collect()  # the cache is the answer's now
    answer = fetch.answer(CLUSTER, '{"node": {"id": "envoy-1"}}')
    assert answer is not None and [one["name"] for one in json.loads(answer)["resources"]] == ["a"]
    with pytest.raises(egress.ResourceError) as refused:
        fetch.answer(CLUSTER, '{"node": {"id": "envoy-2"}}')
    assert refused.value.code is egress.Code.EDENIED
    assert raised == [KeyError]


# ---- the cache of a type, or of a node ----


async def test_two_caches_by_type(connect: Connect) -> None:
    asked: list[tuple[Node, str]] = []
    clusters, listeners = cache_of(cluster("a")), cache_of(listener("l"), group=lambda node: node.id)

    def choose(node: Node, type_url: str) -> Cache:
        asked.append((node, type_url))
        return clusters if type_url == CLUSTER else listeners

    async with Server(clusters, "127.0.0.1:0", choose=choose) as server:
        client = connect(server.port)
        assert await ask(client) == ["a"]
        assert await ask(client, LISTENER) == ["l"]
        listeners["envoy-1"] = Snapshot.build([listener("m")])
        assert await told(client) == ["m"]
        clusters["edge"] = Snapshot.build([cluster("b")])
        assert await told(client) == ["b"]
    node = Node("envoy-1", "edge")
    assert asked == [(node, CLUSTER), (node, LISTENER)]


async def test_two_caches_by_node(connect: Connect) -> None:
    caches = {"envoy-1": cache_of(cluster("a")), "envoy-2": cache_of(cluster("b"))}
    own = cache_of(cluster("nobody's"))
    async with Server(own, "127.0.0.1:0", choose=lambda node, _: caches.get(node.id)) as server:
        one, two = connect(server.port, "envoy-1"), connect(server.port, "envoy-2")
        assert (await ask(one), await ask(two)) == (["a"], ["b"])
        for _ in range(2):
            await next_event(server, egress.Acked)
        caches["envoy-2"]["*"] = Snapshot.build([cluster("c")])
        assert await told(two) == ["c"]
        code, text = await refusal(connect(server.port, "envoy-3"))
        assert (code, text) == (grpc.StatusCode.PERMISSION_DENIED, "there is nothing of this type for this client")
        rejected = await next_event(server, egress.Rejected)
        assert (rejected.node_id, rejected.type_url, rejected.status) == ("envoy-3", CLUSTER, 7)


async def test_a_cache_for_each_that_nobody_else_keeps(connect: Connect) -> None:
    known: list[weakref.ref[Cache]] = []

    def choose(node: Node, _: str) -> Cache:
        cache = cache_of(cluster(node.id), group=lambda node: node.cluster)
        known.append(weakref.ref(cache))
        return cache

    server = Server(Cache(), "127.0.0.1:0", choose=choose)
    await server.start()
    for number in range(3):
        assert await ask(connect(server.port, f"envoy-{number}")) == [f"envoy-{number}"]
        gc.collect()
    assert len([one for one in known if one() is not None]) == 3
    await server.close()
    del server
    gc.collect()
    assert [one() for one in known] == [None] * 3


def test_caches_live_as_long_as_the_c_server() -> None:
    cache = Cache(group=lambda node: node.id)
    server = Server(cache)
    code, driver = lowlevel.egress_driver_new(cache._raw, server._options)
    gone = weakref.ref(cache)
    del cache, server
    gc.collect()
    assert code == 0 and gone() is not None
    del driver
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("answer", ["cache", Snapshot.build(), Cache], ids=["text", "snapshot", "class"])
async def test_what_is_no_cache_refuses(connect: Connect, raised: list[type], answer: Cache) -> None:
    async with Server(cache_of(cluster("a")), "127.0.0.1:0", choose=lambda *_: answer) as server:
        assert (await refusal(connect(server.port)))[0] is grpc.StatusCode.PERMISSION_DENIED
    assert len(raised) == 1


async def test_a_choice_that_raises_refuses(connect: Connect, raised: list[type]) -> None:
    caches = {CLUSTER: cache_of(cluster("a"))}
    async with Server(Cache(), "127.0.0.1:0", choose=lambda _, type_url: caches[type_url]) as server:
        client = connect(server.port)
        assert await ask(client) == ["a"]
        assert (await refusal(client, LISTENER))[0] is grpc.StatusCode.PERMISSION_DENIED
        assert raised == [KeyError]
        assert await ask(connect(server.port)) == ["a"]


async def test_who_may_have_nothing_has_no_cache(connect: Connect) -> None:
    order: list[str] = []

    def authorise(access: egress.Access) -> egress.Refusal | None:
        order.append("authorise")
        return egress.Refusal("no") if access.type_url == LISTENER else None

    def choose(node: Node, type_url: str) -> Cache:
        order.append("choose")
        return cache

    cache = cache_of(cluster("a"))
    async with Server(Cache(), "127.0.0.1:0", authorise=authorise, choose=choose) as server:
        client = connect(server.port)
        assert await ask(client) == ["a"]
        assert (await refusal(client, LISTENER))[1] == "no"
    assert order == ["authorise", "choose", "authorise"]


# ---- what passes, and what there is to say ----


async def test_messages_are_shown_as_they_are_on_the_wire(connect: Connect) -> None:
    shown: list[Message] = []
    async with Server(cache_of(cluster("a")), "127.0.0.1:0", on_message=shown.append) as server:
        client = connect(server.port)
        await client.ask(CLUSTER, resource_names=["a"])
        response = await client.answer()
        await client.ack(response)
        acked = await next_event(server, egress.Acked)
    opened, request, answer, ack = shown
    assert [one.kind for one in shown] == [
        MessageKind.OPENED,
        MessageKind.REQUEST,
        MessageKind.RESPONSE,
        MessageKind.REQUEST,
    ]
    assert {(one.stream_id, one.peer, one.type_url) for one in shown} == {(acked.stream_id, acked.peer, "")}
    assert opened.data == b""
    assert discovery_pb2.DiscoveryRequest.FromString(request.data).resource_names == ["a"]
    assert discovery_pb2.DiscoveryResponse.FromString(answer.data) == response
    assert discovery_pb2.DiscoveryRequest.FromString(ack.data).response_nonce == response.nonce


async def test_messages_of_delta_and_of_a_service_for_one_type() -> None:
    shown: list[Message] = []
    async with Server(cache_of(), "127.0.0.1:0", on_message=shown.append) as server:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            call = eds_pb2_grpc.EndpointDiscoveryServiceStub(channel).DeltaEndpoints()
            await call.write(discovery_pb2.DeltaDiscoveryRequest(node={"id": "n"}, resource_names_subscribe=["a"]))
            response = await asyncio.wait_for(call.read(), WAIT)
    assert [(one.kind, one.type_url) for one in shown] == [
        (MessageKind.OPENED, ENDPOINT),
        (MessageKind.DELTA_REQUEST, ENDPOINT),
        (MessageKind.DELTA_RESPONSE, ENDPOINT),
    ]
    assert discovery_pb2.DeltaDiscoveryResponse.FromString(shown[2].data) == response


async def test_lines_for_an_operator(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    cache, log = cache_of(cluster("a")), logging.getLogger("xds").log
    with caplog.at_level(logging.DEBUG, "xds"):
        async with Server(cache, "127.0.0.1:0", log=log, max_requests_per_second=1, max_request_burst=1) as server:
            client = connect(server.port)
            assert await ask(client) == ["a"]  # and its acceptance is a second request
            peer = (await next_event(server, egress.Acked)).peer
    line = f"wire: the connection of {peer} is slowed to 1 requests a second (max_requests_per_second)"
    assert caplog.record_tuples == [("xds", logging.WARNING, line)]


async def test_who_is_told_and_raises_does_no_harm(connect: Connect, raised: list[type]) -> None:
    def told_of(*_: object) -> None:
        raise LookupError

    async with Server(
        cache_of(cluster("a")),
        "127.0.0.1:0",
        on_message=told_of,
        log=told_of,
        max_requests_per_second=1,
        max_request_burst=1,
    ) as server:
        assert await ask(connect(server.port)) == ["a"]
        await next_event(server, egress.Acked)
    assert raised == [LookupError] * 5  # opened, asked, slowed, answered, accepted
