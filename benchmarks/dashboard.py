"""The dashboard in Chromium: how soon the first view is whole, and whether 60 frames a second hold while ticks arrive.

Usage: python benchmarks/dashboard.py [--home FOLDER] [--views 9] [--seconds 10] [--ticks 500] [--json]

The service is the real one on a free port, over a small deployment that `ats run` and `ats trade` make (or over --home). Its stream is replaced by one that feeds `--ticks` quotes
a second, spread over what is held and the symbol that is open, in the stream's own messages. A first view is of a browser that has never been there (no cache): from the start of
the navigation until the last panel has drawn. Frames are the differences between calls of requestAnimationFrame, of a browser without a window; a frame late is one of more than
25 ms, one and a half of a sixtieth of a second.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.serving.app import make_app  # noqa: E402
from ats_assets_tests.serving.dashboard_browser import application_served, started_browser  # noqa: E402
from ats_assets_tests.serving.made_deployment import deployment_in, make_traded  # noqa: E402

SYMBOL = "SYN0001"
WHOLE = """() => document.querySelector('.page .panel') && !document.querySelector('.loading') && (window.wholeAt ??= performance.now())"""
FRAMES = """(seconds) => new Promise((done) => {
  const times = [];
  const until = performance.now() + seconds * 1000;
  const frame = (now) => { times.push(now); if (now < until) requestAnimationFrame(frame); else done(times); };
  requestAnimationFrame(frame);
})"""


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="of a deployment that has run and traded")
    parser.add_argument("--views", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--ticks", type=int, default=500, help="quotes a second")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started_browser() as browser:
        home = asked.home or make_traded(Path(folder) / "home")
        with fed(home, asked.ticks) as (address, sent):
            found = {**first_views(browser, address, asked.views), **frames(browser, address, asked.seconds, sent)}
    print(json.dumps(found, indent=1) if asked.json else "\n".join(f"{name:<58} {value}" for name, value in found.items()))


@contextmanager
def fed(home: Path, ticks: int) -> Iterator[tuple[str, Callable[[], int]]]:
    """The service of a home whose stream sends ticks; its address, and how many quotes were sent so far."""
    app, sent = FastAPI(), itertools.count()
    told = [0]

    @app.websocket("/api/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        topics: dict[str, int] = {}
        sender = asyncio.create_task(_send(socket, topics, ticks, lambda: told.__setitem__(0, next(sent))))
        try:
            while True:
                message = await socket.receive_json()
                for topic in message["topics"]:
                    if message["type"] == "unsubscribe":
                        topics.pop(topic, None)
                    elif topic not in topics:
                        topics[topic] = 0
                        await socket.send_json({"type": "snapshot", "topic": topic, "sequence": 0, "cursor": "0", "data": []})
        except WebSocketDisconnect:
            sender.cancel()

    app.mount("/", make_app(deployment_in(home)))
    with application_served(app) as address:
        yield address, lambda: told[0]


async def _send(socket: WebSocket, topics: dict[str, int], ticks: int, count: Callable[[], None]) -> None:
    """Send quotes at random prices around where each began, evenly over time."""
    chance, prices = random.Random(1), {}
    began, clock = asyncio.get_running_loop().time(), asyncio.get_running_loop().time
    for number in itertools.count(1):
        await asyncio.sleep(max(0.0, began + number / ticks - clock()))
        quoted = [topic for topic in topics if topic.startswith("quotes:")]
        if not quoted:
            continue
        topic = chance.choice(quoted)
        price = prices[topic] = prices.get(topic, 50.0) * (1 + chance.gauss(0, 0.0005))
        topics[topic] += 1
        row = {
            "key": topic,
            "bid": round(price - 0.01, 2),
            "ask": round(price + 0.01, 2),
            "bid_size": 100,
            "ask_size": 100,
            "at": "2021-03-31T14:00:00Z",
        }
        delta = {"set": [row], "gone": []}
        await socket.send_json({"type": "delta", "topic": topic, "sequence": topics[topic], "cursor": str(topics[topic]), "data": delta})
        count()


def first_views(browser: Browser, address: str, views: int) -> dict[str, Any]:
    """Seconds of a first view, by a fresh browser each time: until something is painted, and until all is."""
    painted, whole = [], []
    for _ in range(views):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(f"{address}/")
        whole.append(page.wait_for_function(WHOLE, polling="raf").json_value() / 1000)
        painted.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000)
        context.close()
    return {
        "first view: first paint, median (s)": round(statistics.median(painted), 3),
        "first view: whole, median (s)": round(statistics.median(whole), 3),
        "first view: whole, slowest (s)": round(max(whole), 3),
    }


def frames(browser: Browser, address: str, seconds: float, sent: Callable[[], int]) -> dict[str, Any]:
    """Frames while ticks arrive: on the dashboard, whose positions move, and on a symbol's page, whose candle does."""
    found: dict[str, Any] = {}
    for route in ("/dashboard", f"/symbol/{SYMBOL}"):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(f"{address}/#{route}")
        page.wait_for_function(WHOLE)
        page.wait_for_selector('#connection[data-state="live"]')
        found |= {f"{route}: {name}": value for name, value in _frames(page, seconds, sent).items()}
        context.close()
    return found


def _frames(page: Page, seconds: float, sent: Callable[[], int]) -> dict[str, Any]:
    before = sent()
    times = page.evaluate(FRAMES, seconds)
    quotes = sent() - before
    gaps = sorted(after - now for now, after in itertools.pairwise(times))
    return {
        "quotes a second": round(quotes / seconds),
        "frames a second": round((len(times) - 1) / (times[-1] - times[0]) * 1000, 1),
        "milliseconds from frame to frame, median": round(statistics.median(gaps), 2),
        "the same, 99% of frames below": round(gaps[int(0.99 * len(gaps))], 2),
        "frames late, of 100": round(100 * sum(gap > 25 for gap in gaps) / len(gaps), 2),
    }


if __name__ == "__main__":
    main()
