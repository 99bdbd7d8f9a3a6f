#!/usr/bin/env bash
# XGBoost 3.2.0 (processors): with one thread and with two the same rows give models of other bytes where gradients are heavy-tailed.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check xgboost-cpu==3.2.0 numpy==2.4.6
"$home/venv/bin/python" - <<'PY'
# Sums of a histogram are added up thread by thread, and rounding differs. Gradients that are rounded so that their sums are exact give the same bytes.
import hashlib

import numpy as np
import xgboost as xgb

random = np.random.default_rng(0)
x, y = random.standard_normal((20_000, 10)).astype(np.float32), random.standard_cauchy(20_000) ** 3
found = {}
for threads in (1, 2):
    own = {"nthread": threads, "tree_method": "hist", "max_bin": 63, "max_depth": 6, "reg_lambda": 0.0, "base_score": 0.0}
    booster = xgb.train(own, xgb.QuantileDMatrix(x, y, max_bin=63, nthread=threads), num_boost_round=10)
    found[threads] = hashlib.sha256(bytes(booster.save_raw("ubj"))).hexdigest()[:16]
print(f"SHA-256 of the model by the number of threads: {found}")
assert found[1] != found[2], "the bytes are the same now"
PY
