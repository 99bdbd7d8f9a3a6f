#!/usr/bin/env bash
# Polars 2.1.0: x / c, with c from a left join, rounds otherwise when the joined table has one row: then c is one value, and x is multiplied by 1 / c.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 numpy==2.4.6
"$home/venv/bin/python" - <<'PY'
# A mean weight of a session, say, made for that session alone and in a range of sessions: the same rows, in a third of them another last bit.
# Where results must not depend on what is made with them, divide by NumPy.
from datetime import date

import numpy as np
import polars as pl

days = [date(2024, 1, 2), date(2024, 1, 3)]
rng = np.random.default_rng(7)
rows = pl.DataFrame({"session": days * 1000, "total": rng.random(2000)})
counts = pl.DataFrame({"session": days, "counted": [3.0, 3.0]})


def means(rows: pl.DataFrame, counts: pl.DataFrame) -> np.ndarray:
    joined = rows.join(counts, on="session", how="left", maintain_order="left")
    return joined.select(pl.col("total") / pl.col("counted"))["total"].to_numpy()


first = rows["session"].to_numpy() == np.datetime64(days[0])
in_range = means(rows, counts)[first]
alone = means(rows.filter(session=days[0]), counts.filter(session=days[0]))
by_numpy = rows["total"].to_numpy()[first] / 3.0
other, wrong = int((alone != in_range).sum()), int((alone != by_numpy).sum())
print(f"of {len(alone)} quotients of one session {other} differ from those of a range; from NumPy: {wrong} of those alone, {(in_range != by_numpy).sum()} of the range")
assert np.array_equal(alone, rows["total"].to_numpy()[first] * (1.0 / 3.0)) and np.array_equal(in_range, by_numpy) and other > 250
PY
