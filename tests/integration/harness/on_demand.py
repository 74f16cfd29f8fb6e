"""
A control plane that makes clusters when they are asked for, with the Python package: run as a program by
test_on_demand.py. Arguments: the port of the backend that ``known-…`` leads to, and how long an answer may take. A line
``NAME WHAT`` of its input gives the cluster of that name another time to connect, in seconds, or one that Envoy refuses
(``bad``), or takes it away (``gone``). It says ``Changed NAME`` then, and ``Settled`` once all streams have accepted
what there is.
"""

import asyncio
import json
import sys

import egress

GROUP = "test"


def cluster(name: str, port: int, connect_timeout: str = "1s") -> egress.Resource:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    message = {
        "@type": egress.CLUSTER,
        "name": name,
        "connect_timeout": connect_timeout,
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }
    return egress.Resource.from_json(json.dumps(message))


def refused(name: str) -> egress.Resource:
    """It gets its endpoints by EDS, and does not say where from."""
    return egress.Resource.from_json(json.dumps({"@type": egress.CLUSTER, "name": name, "type": "EDS"}))


def answer(cache: egress.Cache, wanted: egress.Wanted, port: int) -> None:
    if wanted.name.startswith("known-"):
        made = [cluster(wanted.name, port)]
        cache[wanted.group] = egress.Snapshot.build(made, base=cache.get(wanted.group))
    elif wanted.name.startswith("no-"):
        cache.absent(wanted.group, wanted.type_url, wanted.name)
    # of others nothing is said: they wait until the time is over


def change(cache: egress.Cache, name: str, what: str, port: int) -> None:
    if what == "gone":
        cache[GROUP] = egress.Snapshot.build(base=cache.get(GROUP), remove=[(egress.CLUSTER, name)])
    else:
        made = refused(name) if what == "bad" else cluster(name, port, what + "s")
        cache[GROUP] = egress.Snapshot.build([made], base=cache.get(GROUP))


def tell_if_settled(server: egress.Server, cache: egress.Cache) -> None:
    version = cache[GROUP].labels.get(egress.CLUSTER)
    of_clusters = [stream.types[egress.CLUSTER] for stream in server.status() if egress.CLUSTER in stream.types]
    if all(one.acked == version and not one.in_flight for one in of_clusters):
        print("Settled", flush=True)


async def obey(server: egress.Server, cache: egress.Cache, port: int) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        name, what = line.decode().split()
        change(cache, name, what, port)
        print("Changed", name, flush=True)
        tell_if_settled(server, cache)


async def follow(server: egress.Server, cache: egress.Cache, port: int) -> None:
    async for event in server.events():
        print(type(event).__name__, getattr(event, "name", ""), flush=True)
        if isinstance(event, egress.Wanted):
            answer(cache, event, port)
        elif isinstance(event, egress.Acked):
            tell_if_settled(server, cache)


async def run(port: int, seconds: float) -> None:
    cache = egress.Cache(answer=seconds)
    cache[GROUP] = egress.Snapshot.build()
    async with egress.Server(cache, "127.0.0.1:0") as server:
        print(f"listening on port {server.port}", flush=True)
        await asyncio.gather(follow(server, cache, port), obey(server, cache, port))


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2])))
