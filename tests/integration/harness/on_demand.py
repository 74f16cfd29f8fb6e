"""
A control plane that makes clusters when they are asked for, with the Python package: run as a program by
test_on_demand.py. Arguments: the port of the backend that ``known-…`` leads to, and how long an answer may take.
"""

import asyncio
import json
import sys

import egress


def cluster(name: str, port: int) -> egress.Resource:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    message = {
        "@type": egress.CLUSTER,
        "name": name,
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }
    return egress.Resource.from_json(json.dumps(message))


def answer(cache: egress.Cache, wanted: egress.Wanted, port: int) -> None:
    if wanted.name.startswith("known-"):
        made = [cluster(wanted.name, port)]
        cache[wanted.group] = egress.Snapshot.build(made, base=cache.get(wanted.group))
    elif wanted.name.startswith("no-"):
        cache.absent(wanted.group, wanted.type_url, wanted.name)
    # of others nothing is said: they wait until the time is over


async def serve(port: int, seconds: float) -> None:
    cache = egress.Cache(answer=seconds)
    cache["test"] = egress.Snapshot.build()
    async with egress.Server(cache, "127.0.0.1:0") as server:
        print(f"listening on port {server.port}", flush=True)
        async for event in server.events():
            print(type(event).__name__, getattr(event, "name", ""), flush=True)
            if isinstance(event, egress.Wanted):
                answer(cache, event, port)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
