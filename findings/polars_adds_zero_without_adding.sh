#!/usr/bin/env bash
# Polars 2.1.0: x + 0.0 leaves -0.0 as it is in a column of several rows, and gives 0.0, as IEEE 754 and NumPy do, in one of a single row.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 numpy==2.4.6
"$home/venv/bin/python" - <<'PY'
# Weights that are hashed, or compared byte by byte, differ then by the sign of a zero: where equal zeros matter, use when(x == 0).then(0.0).
import math

import numpy as np
import polars as pl

def added(weights: list[float]) -> float:
    return pl.DataFrame({"weight": weights}).select(pl.col("weight") + 0.0)["weight"][0]


chosen = pl.DataFrame({"weight": [-0.0, 1.0]}).select(w=pl.when(pl.col("weight") == 0).then(0.0).otherwise("weight"))["w"][0]
one, several, by_numpy = added([-0.0]), added([-0.0, 1.0]), (np.array([-0.0, 1.0]) + 0.0)[0]
print(f"-0.0 + 0.0: Polars {one} in a single row, {several} beside another; NumPy {by_numpy}; when(x == 0).then(0.0): {chosen}")
assert [math.copysign(1, value) for value in (one, several, by_numpy, chosen)] == [1.0, -1.0, 1.0, 1.0]
PY
