#!/usr/bin/env bash
# vectorbt 1.2.0: with size_granularity=0.1 an order of 0.3 fills 0.2, and one of 0.6 fills 0.5: sizes are divided as floats and rounded down.
set -euo pipefail
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check vectorbt==1.2.0 "plotly==6.9.0" numpy==2.4.6
"$home/venv/bin/python" - <<'PY'
# A size that is a whole number of units in decimals loses one where the quotient comes out just below it: lots of crypto exchanges are such units.
import pandas as pd
import vectorbt as vbt

filled = {}
for size in (0.1, 0.3, 0.6, 0.7, 1.1, 2.3):
    made = vbt.Portfolio.from_orders(pd.Series([10.0, 10.0]), size=[size, float("nan")], size_granularity=0.1, init_cash=1000)
    filled[size] = round(float(made.orders.values["size"][0]), 9)
print(f"ordered: filled, at a granularity of 0.1: {filled}")
assert filled == {0.1: 0.1, 0.3: 0.2, 0.6: 0.5, 0.7: 0.6, 1.1: 1.1, 2.3: 2.2}
PY
