#!/usr/bin/env bash
# LightGBM 4.7.0: a numpy int64 matrix is read as float32, so that volumes above 2**24 that differ by one can't be told apart.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0 numpy==2.4.6 scipy==1.17.1
"$home/venv/bin/python" - <<'PY'
# The same numbers as float64 are split perfectly. Share volumes and integer timestamps are often int64.
import lightgbm
import numpy as np

volume = np.tile(np.array([2**24, 2**24 + 1], dtype=np.int64), 50).reshape(-1, 1)
label = (volume[:, 0] - 2**24).astype(float)
settings = {"objective": "regression", "min_data_in_leaf": 1, "min_data_in_bin": 1, "learning_rate": 1.0, "verbose": -1}


def predicted(matrix: np.ndarray) -> list[float]:
    model = lightgbm.train(settings, lightgbm.Dataset(matrix, label, params=settings), num_boost_round=1)
    return [round(float(value), 6) for value in model.predict(matrix[:2])]


whole, floating = predicted(volume), predicted(volume.astype(np.float64))
print(f"labels 0 and 1; predicted from int64: {whole}, from float64: {floating}")
assert whole == [0.5, 0.5], whole
assert floating == [0.0, 1.0], floating
PY
