"""The server on an asyncio loop, with a gRPC client as its Envoy."""

import asyncio
import gc
import pathlib
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable

import grpc
import pytest
from conftest import WAIT, Client, cluster, next_event, until

import egress
from egress import CLUSTER, Cache, Server, Snapshot, lowlevel

Connect = Callable[..., Client]


def snapshot(*names: str) -> Snapshot:
    return Snapshot.build(cluster(name) for name in names)


async def test_client_gets_what_the_cache_has(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a", "b")
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        response = await client.answer()
        assert len(response.resources) == 2
        assert response.version_info == cache["*"].versions[CLUSTER]
        await client.ack(response)
        connected = await next_event(server, egress.Connected)
        assert (connected.node_id, connected.group) == ("envoy-1", "edge")
        assert connected.peer.startswith("ipv4:127.0.0.1:")
        acked = await next_event(server, egress.Acked)
        assert (acked.type_url, acked.version) == (CLUSTER, response.version_info)
        assert acked.stream_id == connected.stream_id
        assert server.stream_count == 1


async def test_change_reaches_open_streams(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        await client.ack(await client.answer())
        for turn in range(20):
            cache["*"] = snapshot("a", f"b{turn}")
            response = await client.answer()
            assert response.version_info == cache["*"].versions[CLUSTER]
            await client.ack(response)


async def test_secrets_need_an_option_in_plaintext(connect: Connect) -> None:
    secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(secret)
        rejected = await next_event(server, egress.Rejected)
        assert (rejected.type_url, rejected.status, rejected.node_id) == (secret, 7, "envoy-1")
        assert "mutual TLS or a unix socket only" in rejected.message
    async with Server(cache, "127.0.0.1:0", insecure_secrets=True) as server:
        client = connect(server.port)
        await client.ask(secret)
        await next_event(server, egress.Connected)
        await client.ask(CLUSTER)
        assert len((await client.answer()).resources) == 1


async def test_a_function_says_who_may_have_what(connect: Connect) -> None:
    asked: list[egress.Access] = []

    def judge(access: egress.Access) -> egress.Refusal | None:
        asked.append(access)
        return None if access.type_url == CLUSTER else egress.Refusal("größer than allowed", 16)

    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0", authorise=judge) as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        assert len((await client.answer()).resources) == 1
        await client.ask(egress.LISTENER)
        rejected = await next_event(server, egress.Rejected)
        assert (rejected.status, rejected.message) == (16, "größer than allowed")
    assert [access.type_url for access in asked] == [CLUSTER, egress.LISTENER]
    assert (asked[0].node_id, asked[0].node_cluster, asked[0].stream_id) == ("envoy-1", "edge", 1)
    assert asked[0].transport is egress.Transport.PLAINTEXT and asked[0].peer.startswith("ipv4:127.0.0.1:")
    assert (asked[0].spiffe_id, asked[0].common_name, asked[0].uris, asked[0].dns_names) == ("", "", (), ())


async def test_a_function_that_fails_refuses(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_value))

    def judge(access: egress.Access) -> egress.Refusal | None:
        raise KeyError(access.node_id)

    async with Server(Cache(), "127.0.0.1:0", authorise=judge) as server:
        await connect(server.port).ask(CLUSTER)
        rejected = await next_event(server, egress.Rejected)
        assert rejected.status == 13
    async with Server(Cache(), "127.0.0.1:0", authorise=lambda _: egress.Refusal("no", 0)) as server:
        await connect(server.port).ask(CLUSTER)
        assert (await next_event(server, egress.Rejected)).status == 7
    assert repr(told) == "[KeyError('envoy-1')]"


async def test_limits_are_those_of_the_c_library(connect: Connect) -> None:
    async with Server(Cache(), "127.0.0.1:0", first_request_ms=100) as server:
        connect(server.port)
        rejected = await next_event(server, egress.Rejected)
        assert rejected.message == "no request came for 100 ms (first_request_ms)"
    async with Server(Cache(), "127.0.0.1:0", max_peer_streams=1) as server:
        for _ in range(2):
            connect(server.port)
        rejected = await next_event(server, egress.Rejected)
        assert (rejected.status, "max_peer_streams" in rejected.message) == (8, True)
    limits = ("max_remembered_bytes", "max_pending_bytes", "max_peer_remembered_bytes", "max_peer_pending_bytes")
    for limit in limits:
        bytes_of_one = {name: 1 << 20 for name in limits if "peer" in name}  # else a quarter of what all may have
        async with Server(Cache(), "127.0.0.1:0", **bytes_of_one | {limit: 20}) as server:
            await connect(server.port).ask(CLUSTER, resource_names=["a name"])
            rejected = await next_event(server, egress.Rejected)
            assert (rejected.status, f"({limit})" in rejected.message) == (8, True)
    with pytest.raises(egress.ArgumentError):
        await Server(Cache(), "127.0.0.1:0", keepalive_ms=1 << 31).start()
    with pytest.raises(ValueError):
        await Server(Cache(), "127.0.0.1:0", idle_ms=-1).start()


async def test_group_of_its_own_goes_before_the_star(connect: Connect) -> None:
    cache = Cache()
    cache["*"], cache["lab"] = snapshot("a"), snapshot("b")
    async with Server(cache, "127.0.0.1:0") as server:
        for group in ("lab", "edge"):
            client = connect(server.port, group=group)
            await client.ask(CLUSTER)
            expected = cache.get(group) or cache["*"]
            assert (await client.answer()).version_info == expected.versions[CLUSTER]


async def test_refusal_is_an_event_with_the_clients_words(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        response = await client.answer()
        await client.nack(response, "", "cluster a: größer than allowed")
        nacked = await next_event(server, egress.Nacked)
        assert nacked.message == "cluster a: größer than allowed"
        assert (nacked.status, nacked.type_url, nacked.version) == (13, CLUSTER, response.version_info)


async def test_refusal_of_what_is_tried_leads_back(connect: Connect) -> None:
    cache = Cache()
    cache.set_trial("*", egress.OnNack.ROLLBACK)
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        good = await client.answer()
        await client.ack(good)
        proven = await next_event(server, egress.Proven)
        assert (proven.stream_id, proven.group) == (0, "*") and cache.trial("*") is egress.Trial.GOOD
        cache["*"] = snapshot("a", "b")
        refused = await client.answer()
        await client.nack(refused, good.version_info, "no such thing")
        back = await next_event(server, egress.RolledBack)
        assert (back.resource, back.message, back.group, back.node_id) == ("b", "no such thing", "*", "envoy-1")
        assert (back.type_url, back.version) == (CLUSTER, refused.version_info)
        assert (await client.answer()).version_info == good.version_info
        assert cache.trial("*") is egress.Trial.REFUSED and cache.good("*") == snapshot("a")


async def test_rollout_goes_on_when_it_has_soaked(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        clients = [connect(server.port, f"envoy-{number}") for number in range(2)]
        for client in clients:
            await client.ask(CLUSTER)
            await client.ack(await client.answer())
            await next_event(server, egress.Acked)
        cache.set_trial("*", egress.OnNack.HOLD, rollout_percent=1, soak_ms=50)
        await next_event(server, egress.Proven)
        cache["*"] = snapshot("b")
        await next_event(server, egress.RolloutStaged)
        answers = {asyncio.ensure_future(client.answer()): client for client in clients}
        waiting = set(answers)
        for kind in (egress.RolloutSoaking, egress.Proven):
            done, waiting = await asyncio.wait(waiting, timeout=WAIT, return_when=asyncio.FIRST_COMPLETED)
            (answer,) = done
            await answers[answer].ack(answer.result())
            await next_event(server, kind)


async def test_end_of_a_stream_is_an_event(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        await client.answer()
        client.call.cancel()
        ended = await next_event(server, egress.Disconnected)
        assert ended.node_id == "envoy-1"
        await until(lambda: server.stream_count == 0)


async def test_close_ends_streams_and_events(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    server = Server(cache, "127.0.0.1:0")
    await server.start()
    port = server.port
    client = connect(port)
    await client.ask(CLUSTER)
    await client.answer()
    await server.close()
    await server.close()
    kinds = [type(event) async for event in server.events()]
    assert kinds[0] is egress.Connected and kinds[-1] is egress.Disconnected
    assert await asyncio.wait_for(client.call.code(), WAIT) is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(egress.ServerError):
        server.stream_count
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), WAIT)


async def test_close_wakes_who_waits_for_events() -> None:
    async with Server(Cache(), "127.0.0.1:0") as server:
        waiting = [asyncio.create_task(anext(server.events(), None)) for _ in range(3)]
        await asyncio.sleep(0)
        await server.close()
        assert await asyncio.wait_for(asyncio.gather(*waiting), WAIT) == [None] * 3


async def test_server_is_started_once() -> None:
    server = Server(Cache())
    with pytest.raises(egress.ServerError):
        server.port
    await server.close()
    async with server:
        with pytest.raises(egress.ServerError):
            await server.start()
    with pytest.raises(egress.ServerError):
        await server.start()


async def test_several_addresses_and_a_unix_socket(connect: Connect, tmp_path: pathlib.Path) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    path = tmp_path / "xds.sock"
    async with Server(cache, "127.0.0.1:0", "127.0.0.1:0", f"unix:{path}") as server:
        one, two, unix = server.ports
        assert one != two and one > 0 and two > 0 and unix == 0
        for target in (one, two, f"unix:{path}"):
            client = connect(target)
            await client.ask(CLUSTER)
            assert len((await client.answer()).resources) == 1


async def test_many_servers_share_a_cache(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as one, Server(cache, "127.0.0.1:0") as two:
        clients = [connect(one.port), connect(two.port)]
        for client in clients:
            await client.ask(CLUSTER)
            await client.ack(await client.answer())
        cache["*"] = snapshot("b")
        for client in clients:
            assert (await client.answer()).version_info == cache["*"].versions[CLUSTER]


async def test_address_in_use_says_so() -> None:
    async with Server(Cache(), "127.0.0.1:0") as server:
        second = Server(Cache(), "127.0.0.1:0", f"127.0.0.1:{server.port}")
        with pytest.raises(egress.ServerError) as caught:
            await second.start()
        with pytest.raises(egress.ServerError):
            second.port  # it is closed
        assert caught.value.code is egress.Code.EADDRINUSE
        assert str(server.port) in str(caught.value)


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999", "0.0.0.0:0", ""])
async def test_bad_address_is_refused(address: str) -> None:
    server = Server(Cache(), address)
    with pytest.raises(egress.Error) as caught:
        await server.start()
    assert caught.value.code in (egress.Code.EADDR, egress.Code.EINVAL)
    assert str(caught.value)


def make_tls(folder: pathlib.Path) -> egress.TLS:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return egress.TLS.load(folder / "cert.pem", folder / "key.pem")


async def test_tls(tmp_path: pathlib.Path, connect: Connect) -> None:
    tls = make_tls(tmp_path)
    assert "PRIVATE" not in repr(tls)
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0", tls=tls) as server:
        credentials = grpc.ssl_channel_credentials((tmp_path / "cert.pem").read_bytes())
        async with grpc.aio.secure_channel(f"localhost:{server.port}", credentials) as channel:
            client = Client(channel, "envoy-1", "edge")
            await client.ask(CLUSTER)
            assert len((await client.answer()).resources) == 1
        with pytest.raises(egress.ServerError) as caught:
            server.listen("127.0.0.1:0", tls=egress.TLS("no certificate", "no key"))
        assert caught.value.code is egress.Code.ETLS
        assert server.stream_count >= 0


async def test_another_certificate(tmp_path: pathlib.Path) -> None:
    first, second = make_tls(tmp_path), make_tls(tmp_path)
    cache = Cache()
    cache["*"] = snapshot("a")

    async def is_served(tls: egress.TLS) -> bool:
        credentials = grpc.ssl_channel_credentials(tls.certificate.encode())
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.secure_channel(f"localhost:{server.port}", credentials, options) as channel:
            client = Client(channel, "envoy-1", "edge")
            try:
                await client.ask(CLUSTER)
                return len((await client.answer()).resources) == 1
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                return False

    async with Server(cache, "127.0.0.1:0", tls=first) as server:
        assert await is_served(first)
        server.set_tls(second)
        assert await is_served(second)
        assert not await is_served(first)
        with pytest.raises(egress.ServerError) as caught:
            server.set_tls(egress.TLS(first.certificate, second.key))
        assert caught.value.code is egress.Code.ETLS
        assert await is_served(second)


async def test_set_from_another_thread_wakes_the_loop(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        await client.ack(await client.answer())
        await next_event(server, egress.Acked)
        newer = snapshot("b")
        thread = threading.Thread(target=cache.__setitem__, args=("*", newer))
        thread.start()
        assert (await client.answer()).version_info == newer.versions[CLUSTER]
        thread.join()


async def test_due_timer_of_the_server_runs_its_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = [5, 5, 5]
    monkeypatch.setattr(lowlevel, "egress_driver_timeout_ms", lambda driver: waits.pop() if waits else -1)
    async with Server(Cache()):
        await until(lambda: not waits)


async def test_idle_server_lets_the_loop_sleep() -> None:
    async with Server(Cache(), "127.0.0.1:0") as server:
        runs = 0
        run = server._run

        def counted() -> None:
            nonlocal runs
            runs += 1
            run()

        server._run = counted  # type: ignore[method-assign]
        await asyncio.sleep(0.3)
        assert runs < 10


HUNDRED = """
import asyncio, gc, os, threading, egress

def held():
    gc.collect()
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(number + os.readlink("/proc/self/fd/" + number))
        except FileNotFoundError:
            pass  # the folder's own
    return sorted(links), len(os.listdir("/proc/self/task")), threading.active_count()

async def once():
    async with egress.Server(egress.Cache(), "127.0.0.1:0") as server:
        assert server.port > 0

async def main():
    await once()
    before = held()
    for turn in range(100):
        await once()
    if held() != before:
        raise SystemExit(f"{before} before, {held()} after")

asyncio.run(main())
"""


def test_hundred_starts_and_closes_leave_nothing() -> None:
    """In a process of its own: the client of the other tests has descriptors and threads too."""
    done = subprocess.run([sys.executable, "-c", HUNDRED], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


async def test_garbage_in_any_order(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    server = Server(cache, "127.0.0.1:0")
    gone = weakref.ref(cache)
    await server.start()
    del cache
    gc.collect()
    client = connect(server.port)
    await client.ask(CLUSTER)
    assert len((await client.answer()).resources) == 1
    await server.close()
    del server
    gc.collect()
    assert gone() is None


UNCLOSED = """
import asyncio, gc, warnings, egress
warnings.simplefilter("error")
cache = egress.Cache()
async def main():
    server = egress.Server(cache, "127.0.0.1:0")
    await server.start()
    {last}
asyncio.run(main())
gc.collect()
print("end")
"""


@pytest.mark.parametrize("last", ["", "global kept; kept = server", "global kept; kept = server.events(); del server"])
def test_server_that_nobody_closed(last: str) -> None:
    """The loop ends, the process ends, whoever holds what."""
    done = subprocess.run(
        [sys.executable, "-c", UNCLOSED.format(last=last or "pass")], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
    if not last:
        assert "was not closed" in done.stderr


async def test_status_says_what_clients_want_and_have(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0") as server:
        assert server.status() == []
        client = connect(server.port)
        await client.ask(CLUSTER)
        first = await client.answer()
        (stream,) = server.status()
        assert stream.types[CLUSTER].in_flight and stream.types[CLUSTER].acked is None
        await client.ack(first)
        await next_event(server, egress.Acked)
        cache["*"] = snapshot("a", "b")
        second = await client.answer()
        await client.nack(second, first.version_info, "no")
        await next_event(server, egress.Nacked)
        (stream,) = server.status()
        assert (stream.node_id, stream.node_cluster, stream.group) == ("envoy-1", "edge", "edge")
        assert (stream.transport, stream.variant, stream.spiffe_id) == ("plaintext", "sotw", None)
        (told,) = stream.types.values()
        assert (told.wildcard, told.names, told.in_flight) == (True, frozenset(), False)
        assert (told.acked, told.nacked) == (first.version_info, second.version_info)
        assert (told.sent, told.message, told.code) == (second.version_info, "no", 13)
        assert told.acked_at and told.sent_at and told.nacked_at and stream.opened_at <= told.acked_at
        assert told.acked_at <= told.sent_at <= told.nacked_at
        assert abs(told.nacked_at.timestamp() - time.time()) < WAIT
        assert f'egress_nacks_total{{type="{CLUSTER}"}} 1\n' in server.metrics()


async def test_a_change_is_as_old_as_it_is(connect: Connect) -> None:
    """Also where it waits for the client to answer, and where the loop slept before it."""
    cache = Cache()
    cache["*"] = snapshot("a")

    async def acked() -> tuple[egress.Acked, float]:
        await client.ack(await client.answer())
        return await next_event(server, egress.Acked), time.monotonic()

    async with Server(cache, "127.0.0.1:0") as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        assert (await acked())[0].since_change_ms == 0
        time.sleep(0.3)  # nobody calls the loop of the server
        changed = time.monotonic()
        cache["*"] = snapshot("b")
        event, now = await acked()
        assert 1 <= event.since_change_ms <= (now - changed) * 1000 + 10
        cache["*"] = snapshot("c")
        response = await client.answer()
        changed = time.monotonic()
        cache["*"] = snapshot("d")
        await asyncio.sleep(0.2)  # so late is the answer
        waited = time.monotonic() - changed
        await client.ack(response)
        await next_event(server, egress.Acked)
        event, now = await acked()
        assert event.elapsed_ms < event.since_change_ms
        assert waited * 1000 - 10 <= event.since_change_ms <= (now - changed) * 1000 + 10
        assert f'egress_change_latency_seconds_count{{type="{CLUSTER}"}} 3\n' in server.metrics()


async def test_events_that_are_asked_for(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    kinds = (egress.Requested, egress.Responded, egress.Subscribed)
    async with Server(cache, "127.0.0.1:0", kinds=kinds) as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        response = await client.answer()
        told = server.events()
        requested, subscribed, responded = [await asyncio.wait_for(anext(told), WAIT) for _ in range(3)]
        assert isinstance(requested, egress.Requested) and requested.type_url == CLUSTER
        assert isinstance(subscribed, egress.Subscribed) and subscribed.type_url == CLUSTER
        assert isinstance(responded, egress.Responded) and responded.bytes == response.ByteSize()
        assert responded.version == response.version_info


async def test_events_that_nobody_took_are_counted_and_told(connect: Connect) -> None:
    cache = Cache()
    cache["*"] = snapshot("a")
    async with Server(cache, "127.0.0.1:0", max_events=1) as server:
        client = connect(server.port)
        await client.ask(CLUSTER)
        await client.ack(await client.answer())
        await until(lambda: server.dropped_events == 1)  # Connected, by Acked
        told = server.events()
        lost, left = [await asyncio.wait_for(anext(told), WAIT) for _ in range(2)]
        assert isinstance(lost, egress.Lost) and lost.count == 1
        assert isinstance(left, egress.Acked) and left.elapsed_ms < WAIT * 1000
