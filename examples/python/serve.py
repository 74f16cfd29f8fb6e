#!/usr/bin/env python3
"""Serve Envoys from one policy file. A change of the file, or SIGHUP, takes effect within a second.

example: serve.py policy.yaml --listen 127.0.0.1:18000 --explicit 127.0.0.1:3128 --sni 127.0.0.1:8443
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable

import egress


async def watch(path: str, reload: Callable[[], None]) -> None:
    """Call ``reload`` when the file, or what a symbolic link leads to, is another one than before."""
    before = None
    while True:
        try:
            found = os.stat(path)
            stamp = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
        except OSError:
            stamp = before  # between two files: the last good policy stays
        if before is not None and stamp != before:
            reload()
        before = stamp
        await asyncio.sleep(0.5)


async def serve(arguments: argparse.Namespace) -> None:
    cache = egress.Cache()

    def load() -> None:
        policy = egress.Policy.load(arguments.policy)
        # With what is in force, a rule that became narrower ends its connections.
        cache["*"] = policy.compile(explicit=arguments.explicit, sni=arguments.sni, previous=cache.get("*"))
        print(f"serving {arguments.policy}: {len(policy.rules)} rules", flush=True)

    def reload() -> None:
        try:
            load()
        except egress.Error as error:
            print(f"{error}\nthe last good policy stays", file=sys.stderr, flush=True)

    load()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    async with egress.Server(cache, arguments.listen) as server, asyncio.TaskGroup() as tasks:
        print(f"listening on port {server.port}", flush=True)
        tasks.create_task(watch(arguments.policy, reload))
        async for event in server.events():
            print(event, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy", help="the policy file")
    parser.add_argument("--listen", default="127.0.0.1:18000", help="where Envoys find this control plane")
    parser.add_argument("--explicit", default="127.0.0.1:3128", help="where Envoys offer the explicit forward proxy")
    parser.add_argument("--sni", help="where Envoys offer the SNI proxy; default: not at all")
    try:
        asyncio.run(serve(parser.parse_args()))
    except egress.Error as error:
        sys.exit(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass


if __name__ == "__main__":
    main()
