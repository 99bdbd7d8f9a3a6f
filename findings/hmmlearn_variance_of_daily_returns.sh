#!/usr/bin/env bash
# hmmlearn 0.3.3: a GaussianHMM with default settings reports too large a variance for daily returns, the more so the shorter the regime.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check hmmlearn==0.3.3 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
"$home/venv/bin/python" - <<'PY'
# The default covariance prior adds 0.01 to each state's sum of squared deviations. Returns of 1 % a day have a sum of 0.025 over a year,
# so the prior is 40 % of it; with one state the maximum-likelihood answer is known: it is the sample variance.
import numpy as np
from hmmlearn.hmm import GaussianHMM

returns = np.random.default_rng(0).normal(0.0, 0.01, (252, 1))


def variance(x: np.ndarray, **settings: float) -> float:
    return float(GaussianHMM(n_components=1, covariance_type="diag", **settings).fit(x).covars_.ravel()[0])


year = variance(returns) / returns.var()
month = variance(returns[:25]) / returns[:25].var()
in_percent = variance(100 * returns) / (100 * returns).var()
without_prior = variance(returns, covars_prior=0.0) / returns.var()
print(f"fitted over sample variance: a year {year:.2f}, 25 days {month:.2f}, a year in percent {in_percent:.4f}, a year without the prior {without_prior:.4f}")
assert round(year, 2) == 1.39, year
assert round(month, 1) == 6.5, month
assert abs(in_percent - 1) < 1e-3, in_percent
assert abs(without_prior - 1) < 1e-6, without_prior
PY
