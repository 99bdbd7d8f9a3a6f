#!/usr/bin/env bash
# XGBoost 3.2.0: reg:pseudohubererror starts from an intercept of about 1e5 for labels near 50, and a hundred rounds do not bring it back.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check xgboost-cpu==3.2.0 numpy==2.4.6 scipy==1.17.1
"$home/venv/bin/python" - <<'PY'
# The intercept is one Newton step from zero, and the loss is nearly linear that far from its minimum, so its second derivative is tiny.
# With base_score set to the median, the fit is as one expects.
import numpy as np
import xgboost

rng = np.random.default_rng(0)
features, prices = rng.normal(size=(200, 1)), rng.normal(50.0, 0.5, 200)
data = xgboost.DMatrix(features, prices)


def mean_prediction(**settings: float) -> float:
    return float(xgboost.train({"objective": "reg:pseudohubererror", **settings}, data, 100).predict(data).mean())


default, given = mean_prediction(), mean_prediction(base_score=float(np.median(prices)))
print(f"mean label {prices.mean():.2f}; mean prediction after 100 rounds {default:.0f}, with base_score given {given:.2f}")
assert default > 100_000, default
assert abs(given - 50) < 0.2, given
PY
