"""Stores beside what is plain: reads of the online store beside a bare GET of the same bytes, and COPY beside executemany and Polars.

Usage: python benchmarks/online_store.py [--symbols 500] [--features 158] [--reads 2000] [--rows 200000] [--json]

Servers are the script's own: Redis on a unix socket and on 127.0.0.1, PostgreSQL on 127.0.0.1 (fsync off). The ratios compare within one run; absolute times depend on what else
the machine does.
"""

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import psycopg
import redis

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.exports.online import OnlineReader  # noqa: E402
from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion, StorePlace  # noqa: E402
from ats_assets.plugins import STORES  # noqa: E402
from ats_assets.storage.data_version import data_version  # noqa: E402
from ats_assets_tests.exports.redis_servers import redis_server  # noqa: E402
from ats_assets_tests.trade_state.databases import create_database, postgresql_server  # noqa: E402

SESSION = date(2024, 3, 1)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--features", type=int, default=158)
    parser.add_argument("--reads", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {**online(asked.symbols, asked.features, asked.reads), **copied(asked.rows)}
    print(json.dumps(found, indent=1) if asked.json else "\n".join(f"{name:<58} {value}" for name, value in found.items()))


def partition(rows: pl.DataFrame, asset: str) -> ExportedPartition:
    """Rows as what is exported."""
    known = datetime(2024, 3, 2, tzinfo=UTC)
    version = ExportedVersion(known_at=known, data_version=data_version(rows), code_version="0" * 16, model_version="", rows=rows)
    return ExportedPartition(asset=asset, session=SESSION, current=version)


def numbers(rows: int, columns: int, dtype: Any) -> pl.DataFrame:
    """Random features, a row a symbol."""
    random = np.random.default_rng(0)
    values = {f"F{j:03d}": pl.Series(random.standard_normal(rows), dtype=dtype) for j in range(columns)}
    return pl.DataFrame({"symbol": [f"S{i:06d}" for i in range(rows)], "session": [SESSION] * rows, **values})


def quantiles(works: Mapping[str, Callable[[], object]], times: int) -> dict[str, tuple[float, float]]:
    """Median and 99th percentile of each, in milliseconds; they take turns, so that what else the machine does meets all alike."""
    took = {name: np.empty(times) for name in works}
    for i in range(times):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            took[name][i] = time.perf_counter() - began
    return {name: (float(np.median(one)) * 1e3, float(np.quantile(one, 0.99)) * 1e3) for name, one in took.items()}


def online(symbols: int, features: int, reads: int) -> dict[str, Any]:
    """Reads of features beside bare commands, over a unix socket and over TCP."""
    found: dict[str, Any] = {}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with redis_server("--port", str(port), "--bind", "127.0.0.1") as server:
        os.environ["REDIS_URL"] = server.url
        rows = numbers(symbols, features, pl.Float32)
        hundred = rows.select("symbol", "session", *(f"F{j:03d}" for j in range(min(100, features))))
        with STORES.made("redis", {}, None, "", StorePlace(export="redis")).connected() as connection:
            connection.write([partition(rows, "features"), partition(hundred, "hundred")])
        names = rows["symbol"].to_list()
        for way, client in (("unix", server.client()), ("tcp", redis.Redis(port=port))):
            reader = OnlineReader(client)
            row = client.hget(f"{{ats:redis}}:hundred:{SESSION}", f"={names[0]}")
            size = sum(len(value) for value in client.hgetall(f"{{ats:redis}}:features:{SESSION}").values())
            client.set("row", row), client.set("whole", bytes(size))
            work = {
                "PING": client.ping,
                "GET of one row's bytes": lambda client=client: client.get("row"),
                "one symbol, 100 features, as a dict": lambda reader=reader: reader.read("hundred", SESSION, [names[7]]).row(names[7]),
                f"GET of the bytes of all {symbols} rows": lambda client=client: client.get("whole"),
                f"{symbols} symbols x {features} features, as a matrix": lambda reader=reader: reader.read(
                    "features", SESSION, names
                ).matrix(),
            }
            took = quantiles(work, reads)
            found |= {f"{way}: {name}, median / p99 ms": f"{a:.3f} / {b:.3f}" for name, (a, b) in took.items()}
            (ping, get, one, whole, all_rows) = took.values()
            found[f"{way}: one symbol against PING, GET (medians)"] = f"{one[0] / ping[0]:.2f}, {one[0] / get[0]:.2f}"
            found[f"{way}: all symbols against GET (medians)"] = f"{all_rows[0] / whole[0]:.2f}"
    return found


def copied(rows: int) -> dict[str, Any]:
    """Rows a second into the table of an export, by COPY and by what else there is, indexes and all; each into a table of its own."""
    frame = numbers(rows, 6, pl.Float64)
    table = ExportedTable(asset="prices", schema=frame.schema)
    found: dict[str, Any] = {}
    with postgresql_server() as server:
        os.environ["TIMESCALE_DSN"] = create_database(server, "copied")
        with STORES.made("timescale", {}, None, "", StorePlace(export="timescale")).connected() as connection:
            connection.prepare([table])
            exported = partition(frame, "prices")
            server_pid = cast("Any", connection)._connection.info.backend_pid
            before = processor_seconds(server_pid), time.process_time()
            with clock(found, "export by COPY, rows/s", rows):
                connection.write([exported])
            spent = processor_seconds(server_pid) - before[0], time.process_time() - before[1]
            found["rows a second of processor time: server, exporter"] = ", ".join(f"{rows / max(one, 1e-3):,.0f}" for one in spent)
        with psycopg.connect(os.environ["TIMESCALE_DSN"], autocommit=True) as sql:
            extra = [0, exported.current.known_at, exported.current.data_version, "0" * 16]
            for name in ("many", "polars"):
                sql.execute(f"CREATE TABLE ats.{name} (LIKE ats.prices INCLUDING ALL)".encode())
            part = frame.head(rows // 10)
            values = [(*row, i, *extra[1:]) for i, row in enumerate(part.rows())]
            marks = ", ".join(["%s"] * len(values[0]))
            with clock(found, "executemany, rows/s", part.height), sql.transaction(), sql.cursor() as cursor:
                cursor.executemany(f"INSERT INTO ats.many VALUES ({marks})".encode(), values)
        wide = part.with_columns(
            row_number=pl.int_range(part.height, dtype=pl.Int32),
            vintage_known_at=exported.current.known_at,
            data_version=pl.lit(exported.current.data_version),
            code_version=pl.lit("0" * 16),
        )
        address = os.environ["TIMESCALE_DSN"].replace("postgresql://", "postgresql+psycopg://")
        with clock(found, "polars.write_database, rows/s", part.height):
            wide.write_database("ats.polars", address, if_table_exists="append", engine="sqlalchemy")
    by = {name.split(",")[0]: value for name, value in found.items()}
    found["COPY against executemany, write_database"] = (
        f"{by['export by COPY'] / by['executemany']:.1f}, {by['export by COPY'] / by['polars.write_database']:.1f}"
    )
    return found


def processor_seconds(pid: int) -> float:
    """What a process has used: beside other work it says more than the time that went by."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def clock(found: dict[str, Any], name: str, rows: int) -> Iterator[None]:
    """Note rows a second."""
    began = time.perf_counter()
    yield
    found[name] = round(rows / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
