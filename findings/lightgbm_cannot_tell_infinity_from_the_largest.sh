#!/usr/bin/env bash
# LightGBM 4.7.0: an infinite feature is taken without a word, and shares a bin with the largest finite value: rows of both have one prediction.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0 xgboost-cpu==3.2.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$home/venv/bin/python" - <<'PY'
# 1 / volume of a session without a trade is infinite. What is learnt of the least liquid rows is then the mean of theirs and of those that did not trade. XGBoost and scikit-learn's
# forests refuse such rows; as NaN, or as any finite number above the others, LightGBM splits them off perfectly.
import lightgbm
import numpy as np
import xgboost
from sklearn.ensemble import RandomForestRegressor

volume = np.tile([0.0, 100.0, 200.0, 400.0], 50)
with np.errstate(divide="ignore"):
    illiquid = (1.0 / volume).reshape(-1, 1)
label = np.where(volume == 0, 0.0, 100.0 / np.maximum(volume, 100.0))  # 0, 1, 0.5, 0.25
settings = {"objective": "regression", "min_data_in_leaf": 1, "min_data_in_bin": 1, "learning_rate": 1.0, "verbose": -1}


def predicted(matrix: np.ndarray) -> list[float]:
    model = lightgbm.train(settings, lightgbm.Dataset(matrix, label), num_boost_round=1)
    return [round(float(value), 6) for value in model.predict(matrix[:4])]


infinite = predicted(illiquid)
missing, large = (predicted(np.where(np.isinf(illiquid), value, illiquid)) for value in (np.nan, 1e9))
print(f"labels {label[:4].tolist()}; LightGBM's predictions with infinity {infinite}, with NaN {missing}, with a billion {large}")
assert infinite == [0.5, 0.5, 0.5, 0.25], infinite
assert missing == large == label[:4].tolist(), (missing, large)

for name, fit in {
    "XGBoost": lambda: xgboost.DMatrix(illiquid, label),
    "scikit-learn": lambda: RandomForestRegressor(n_estimators=1).fit(illiquid, label),
}.items():
    try:
        fit()
    except ValueError as error:
        print(f"{name} refuses them: {str(error).splitlines()[0]}")
    else:
        raise SystemExit(f"{name} takes them now")
PY
