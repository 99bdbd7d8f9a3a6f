#!/usr/bin/env bash
# Polars 2.1.0: reading two columns of two Parquet files fails or works by the order of the files, where one has a third column that was not asked for.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
cd "$home"
"$home/venv/bin/python" - <<'PY'
# A warehouse whose sessions gained a column reads backwards and not forwards: ask for `extra_columns="ignore"` by scan_parquet, whatever is selected.
import polars as pl

pl.DataFrame({"symbol": ["AAA"], "score": [1.0]}).write_parquet("monday.parquet")
pl.DataFrame({"symbol": ["AAA"], "score": [2.0], "reason": ["late"]}).write_parquet("tuesday.parquet")


def read(*files):
    try:
        return pl.read_parquet(list(files), columns=["symbol", "score"])["score"].to_list()
    except pl.exceptions.SchemaError as error:
        return type(error).__name__


forwards, backwards = read("monday.parquet", "tuesday.parquet"), read("tuesday.parquet", "monday.parquet")
chosen = pl.scan_parquet(["monday.parquet", "tuesday.parquet"], extra_columns="ignore").select("symbol", "score").collect()["score"].to_list()
print(f"old, new: {forwards}; new, old: {backwards}; old, new with extra_columns=ignore: {chosen}")
assert forwards == "SchemaError", forwards
assert backwards == [2.0, 1.0], backwards
assert chosen == [1.0, 2.0], chosen
PY
