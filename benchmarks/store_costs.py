"""What each store costs in a run, as shares of it: an object store under the warehouse, and exports to Redis, PostgreSQL, Delta tables and qlib's layout.

Usage: python benchmarks/store_costs.py [--sessions 23] [--rounds 3] [--json]

A small market is run over the sessions, then over one more, as each evening does; once with its warehouse on a disk, once on an S3 server, and what is on the disk is exported to each
store. Seconds are of the processor: of the run or the exporter, and beside it of the store's server. Servers are the script's own, on this machine; that of S3 is moto, which says
nothing of a real one's. The shares compare within one run of the script.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from object_store import server as s3_server  # noqa: E402

from ats_assets.definitions import build  # noqa: E402
from ats_assets.exports.choosing import exported_tables, exports  # noqa: E402
from ats_assets.exports.exporting import export_sessions  # noqa: E402
from ats_assets_tests.exports.exported_market import market  # noqa: E402
from ats_assets_tests.exports.redis_servers import redis_server  # noqa: E402
from ats_assets_tests.s3_double import CREDENTIALS, S3Double  # noqa: E402
from ats_assets_tests.small_market import FIRST, make_history  # noqa: E402
from ats_assets_tests.trade_state.databases import create_database, postgresql_process  # noqa: E402

ALL = ["raw_bars", "bars", "alpha158", "predictions", "signals", "targets"]


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=23, help="of the first run; at most 23")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    os.environ.update(CREDENTIALS)
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), asked.sessions, asked.rounds)
    print(json.dumps(found, indent=1) if asked.json else "\n".join(f"{name:<64} {value}" for name, value in found.items()))


def measured(root: Path, sessions: int, rounds: int) -> dict[str, Any]:
    """Figures by name; of each round the least."""
    make_history(market(root / "warm", exports={}), FIRST, date(2021, 1, 6))  # imports and kernels are nobody's cost
    before = {one.pid for one in psutil.Process().children()}
    with s3_server(0.0) as (endpoint, counts), redis_server() as online, postgresql_process() as database:
        os.environ["REDIS_URL"] = online.url
        started = [one.pid for one in psutil.Process().children() if one.pid not in before]
        servers = Servers(counts=counts, of_exports={"redis": online.pid, "timescale": database.pid}, started=started)
        told: list[dict[str, Any]] = []
        for n in range(rounds):
            os.environ["TIMESCALE_DSN"] = create_database(database.url, f"costs{n}")
            online.client().flushall()
            storage = S3Double(endpoint=endpoint).storage(f"costs{n}", root / f"{n}" / "far" / "data", look_seconds=5.0, retry_seconds=60.0)
            told.append(_round(root / f"{n}", sessions, storage, servers))
    least = {name: min(one[name] for one in told) for name in told[0]}
    found: dict[str, Any] = {}
    for part in (f"{sessions} sessions", "one more"):
        run = least[f"{part}: run"]
        found[f"{part}: run, warehouse on a disk, s"] = round(run, 2)
        for name, value in least.items():
            if name.startswith(f"{part}: ") and not name.endswith(": run"):
                found[name] = value if isinstance(value, int) else f"{value / run:.1%}"
    return found


@dataclass(frozen=True)
class Servers:
    """What the script has started."""

    counts: Callable[[], Mapping[str, int]]
    """Requests to S3 since it was last called."""
    of_exports: Mapping[str, int]
    """Export -> the process of its store."""
    started: Sequence[int]
    """All of them."""


def _round(root: Path, sessions: int, storage: dict[str, Any], servers: Servers) -> dict[str, Any]:
    disk, far = market(root / "disk", exports={}), market(root / "far", exports={}, storage=storage)
    exporting = market(root / "disk", exports=_tables(root))
    build(exporting)
    days = disk.calendar.sessions(FIRST, date(2021, 2, 5))[: sessions + 1]
    found: dict[str, Any] = {}
    for part, own in {f"{sessions} sessions": days[:-1], "one more": days[-1:]}.items():
        found[f"{part}: run"] = spent(lambda own=own: make_history(disk, own[0], own[-1]), servers.started)
        servers.counts()
        found[f"{part}: run on S3, of the run on a disk"] = spent(lambda own=own: make_history(far, own[0], own[-1]), servers.started)
        found[f"{part}: its requests"] = sum(servers.counts().values())
        for name, one in exporting.of(exports).items():
            kept, tables, server = one.store.kept(list(own)), exported_tables(exporting, one), servers.of_exports.get(name)
            before, rows = of_process(server), list[int]()
            took = spent(
                lambda one=one, tables=tables, kept=kept, rows=rows: rows.append(export_sessions(exporting, one, tables, kept).rows),
                servers.started,
            )
            found[f"{part}: export {name} ({len(kept)} sessions, {rows[0]:,} rows)"] = took
            if server is not None:
                found[f"{part}: export {name}, its server"] = of_process(server) - before
    return found


def _tables(root: Path) -> dict[str, Any]:
    return {
        "redis": {"assets": ["alpha158", "predictions"]},
        "timescale": {"assets": ALL},
        "delta": {"assets": ALL, "folder": str(root / "delta")},
        "qlib_bin": {"assets": ["bars", "alpha158"], "folder": str(root / "qlib")},
    }


def spent(work: Callable[[], object], servers: Sequence[int]) -> float:
    """Seconds of the processor that this process takes for it, with all threads and all its processes but the servers."""
    me = psutil.Process()

    def so_far() -> float:
        return of_process(me.pid) - sum(of_process(pid) for pid in servers)

    before = so_far()
    work()
    return so_far() - before


def of_process(pid: int | None) -> float:
    """Seconds that a process and its children have used so far, those that have ended included."""
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    times = [process.cpu_times(), *(one.cpu_times() for one in process.children(recursive=True))]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


if __name__ == "__main__":
    main()
