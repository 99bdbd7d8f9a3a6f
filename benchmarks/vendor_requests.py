"""What budget, audit log and breaker cost a request to a vendor, beside the same request on loopback.

Usage: python benchmarks/vendor_requests.py [--requests 500] [--json]

Three clients ask a server on this machine for the same 2 kB of JSON, in turns: `requests` alone, `VendorHttp` without a file, and `VendorHttp` over the file that all
processes share, with two limits. A fourth figure is what `begin` and `end` of the shared file take by themselves, while three other processes use it too. Medians.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.vendors.call_log import ANSWERED, CallOutcome, VendorCall  # noqa: E402
from ats_assets.vendors.circuit import Breaker  # noqa: E402
from ats_assets.vendors.credentials import VendorKeys  # noqa: E402
from ats_assets.vendors.http import VendorHttp  # noqa: E402
from ats_assets.vendors.vendor_limits import Limit, VendorLimits  # noqa: E402
from ats_assets.vendors.vendor_state import Terms, VendorState  # noqa: E402
from ats_assets_tests.vendors.doubles import Told, VendorDouble  # noqa: E402

KEY = "kEyOfTheVendor0123456789"
LIMITS = VendorLimits((Limit(100_000, 60.0), Limit(50_000, 1.0)))
CALL = VendorCall(vendor="some", host="127.0.0.1", key="0badcafe", method="GET", path="/v1/rows?symbol=AAPL")
OUTCOME = CallOutcome(outcome=ANSWERED, status=200, seconds=0.01, n_bytes=2000)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measured(asked.requests)
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    for name, value in found.items():
        sys.stdout.write(f"{name:<48} {value:>10.3f}\n")


def measured(n: int) -> dict[str, float]:
    """Milliseconds and ratios."""
    body = {"results": [{"t": 1_700_000_000_000 + i, "c": 100 + i / 7} for i in range(50)]}
    with tempfile.TemporaryDirectory() as folder, VendorDouble(lambda _: Told(body)) as double:
        path = Path(folder) / "vendors.sqlite"
        state = VendorState(path)
        keys = VendorKeys("SOME_API_KEY", environment={"SOME_API_KEY": KEY})
        plain, alone = requests.Session(), VendorHttp("some", double.url, keys, VendorLimits())
        shared = VendorHttp("some", double.url, keys, LIMITS, state=state, breaker=Breaker(3, 60.0))
        asks: dict[str, Callable[[], object]] = {
            "requests": lambda: plain.get(f"{double.url}/v1/rows?symbol=AAPL", timeout=5).json(),
            "VendorHttp in memory": lambda: alone.get("/v1/rows", {"symbol": "AAPL"}),
            "VendorHttp, shared file": lambda: shared.get("/v1/rows", {"symbol": "AAPL"}),
        }
        times: dict[str, list[float]] = {name: [] for name in asks}
        for _ in range(n):
            for name, ask in asks.items():
                times[name].append(milliseconds(ask))
        by_itself = [milliseconds(lambda: state.end(state.begin(CALL, Terms(limits=LIMITS)), CALL, OUTCOME)) for _ in range(n)]
        others = [multiprocessing.get_context("spawn").Process(target=busy, args=(path, 6.0)) for _ in range(3)]
        for other in others:
            other.start()
        time.sleep(2.5)
        beside = [milliseconds(lambda: state.end(state.begin(CALL, Terms(limits=LIMITS)), CALL, OUTCOME)) for _ in range(n)]
        for other in others:
            other.join()
        state.close()
    found = {f"{name} (ms)": statistics.median(taken) for name, taken in times.items()}
    found |= {"begin and end of the shared file (ms)": statistics.median(by_itself)}
    found |= {"begin and end, three processes beside it (ms)": statistics.median(beside)}
    found |= {"shared file : requests": found["VendorHttp, shared file (ms)"] / found["requests (ms)"]}
    return found | {"begin and end : requests": statistics.median(by_itself) / found["requests (ms)"]}


def busy(path: Path, seconds: float) -> None:
    """Ask all the time, each hundredth of a second."""
    state, until = VendorState(path), time.monotonic() + seconds
    while time.monotonic() < until:
        state.end(state.begin(CALL, Terms(limits=LIMITS)), CALL, OUTCOME)
        time.sleep(0.01)


def milliseconds(ask: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    ask()
    return 1_000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
