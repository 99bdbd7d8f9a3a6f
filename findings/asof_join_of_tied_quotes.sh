#!/usr/bin/env bash
# DuckDB 2.0.0 and Polars 2.1.0: of two quotes with the same timestamp an ASOF join takes the first in DuckDB, the last in Polars.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 polars==2.1.0 pyarrow==26.0.1
"$home/venv/bin/python" - <<'PY'
# Feeds with millisecond stamps have many such quotes, so the prevailing bid of a trade depends on the engine: break ties by a sequence number.
import duckdb
import polars as pl

trades = pl.DataFrame({"t": [10]})
quotes = pl.DataFrame({"t": [5, 5], "bid": [1.0, 2.0]})
by_polars = trades.join_asof(quotes, on="t")["bid"].to_list()
by_duckdb = [bid for (bid,) in duckdb.sql("select quotes.bid from trades asof join quotes on trades.t >= quotes.t").fetchall()]
print(f"quotes 1.0 then 2.0 at one time; Polars: {by_polars}, DuckDB: {by_duckdb}")
assert by_polars == [2.0], by_polars
assert by_duckdb == [1.0], by_duckdb
PY
