#!/usr/bin/env bash
# alpaca-py 0.44.0 on Python 3.11: a task that follows the trading stream goes on where it is cancelled while updates lie ready.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3.11 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check alpaca-py==0.44.0 websockets==17.4
"$home/venv/bin/python" -W ignore - <<'PY'
# The stream reads by `asyncio.wait_for`, which until Python 3.12 gives back what has come and drops a cancellation that came with it. A program that ends
# its stream by one cancellation, or by a TaskGroup, waits for it in vain on a busy account: cancel until the task has ended.
import asyncio
import json
import logging

from alpaca.trading.stream import TradingStream
from websockets.asyncio.server import serve

logging.disable(logging.CRITICAL)
UPDATES = 20


async def account(connection):
    await connection.recv()
    await connection.send(json.dumps({"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}))
    await connection.recv()
    await connection.send(json.dumps({"stream": "listening", "data": {"streams": ["trade_updates"]}}))
    for _ in range(UPDATES):
        await connection.send(json.dumps({"stream": "trade_updates", "data": {"event": "partial_fill", "order": {}}}))
    await connection.wait_closed()


async def main():
    first, seen = asyncio.Event(), []

    async def update(event):
        seen.append(event)
        first.set()

    async with serve(account, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stream = TradingStream("key", "secret", raw_data=True, url_override=f"ws://127.0.0.1:{port}")
        stream.subscribe_trade_updates(update)
        following = asyncio.create_task(stream._run_forever())  # what `run` hands to asyncio.run
        await asyncio.wait_for(first.wait(), 20)
        following.cancel()
        done, _ = await asyncio.wait({following}, timeout=3)
        print(f"cancelled after the first update; updates handled: {len(seen)}; the task has ended: {bool(done)}")
        assert not done, "the cancellation was heard"
        assert len(seen) == UPDATES, len(seen)
        following.cancel()
        done, _ = await asyncio.wait({following}, timeout=3)
        print(f"cancelled again, with nothing ready; the task has ended: {bool(done)}")
        assert done


asyncio.run(main())
PY
