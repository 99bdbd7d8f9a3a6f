"""Every operator of the table against qlib's of that name, run on the same data."""

from pathlib import Path

import pytest

from ats_assets.expressions import OPERATORS, compute
from ats_assets_tests.expressions.differences import aligned, differing
from ats_assets_tests.expressions.panels import calendar, random_walks
from ats_assets_tests.expressions.qlib_features import qlib_features

WINDOWS = (1, 2, 5, 60)
ARGUMENTS = {
    "number": ("$close", "$open", "$low"),
    "condition": ("$close > $open", "$low < $open"),
    "window": WINDOWS,
    "lag": WINDOWS,
    "share": ("0.3",),
    "span": (*WINDOWS, 0.3, 0.0714),
}
SIGNS = {
    "signs": "2 * $close ** 2 - $open / -3 + $low",
    "conditions": "Mean(($close > $open) & ($low <= 20) | ($volume == 0), 5)",
    "not equal": "Sum($close != $open, 5)",
    "nested": "Std(Mean($close, 5), 10) / Max(Ref($high, 3) - $low, 20)",
    "ranked": "Rank(Max($high, 3) - Min($low, 3), 10)",
    "lagged": "Ref(Mean($close, 5), 10)",
}


def _calls() -> dict[str, str]:
    """Each operator, for each length of its window."""
    calls = dict(SIGNS)
    for name, operator in OPERATORS.items():
        used = {"number": 0, "condition": 0}
        operands = []
        for kind in operator.operands:
            operands.append(ARGUMENTS[kind][used[kind]])
            used[kind] += 1
        lengths = ARGUMENTS[operator.parameters[0]] if operator.parameters else (0,)
        for length in lengths:
            if operator.parameters and length < operator.shortest and "span" not in operator.parameters:
                continue
            literals = [str(length), "0.3"][: len(operator.parameters)]
            calls[f"{name} {length}"] = f"{name}({', '.join([*operands, *literals])})"
    return calls


@pytest.mark.slow
def test_every_operator_equals_that_of_qlib(tmp_path: Path) -> None:
    """Missing values on rows of their own, late listings, stretches of one price and volume, and windows of 1, 2, 5 and 60 sessions."""
    days = calendar(200)
    bars = random_walks(8, 200, seed=12)
    calls = _calls()
    reference = qlib_features(bars, days, calls, tmp_path)
    explicit = reference.select("symbol", "session").join(bars, on=["symbol", "session"], how="left")
    ours = compute(explicit, calls, sessions=days)
    theirs = aligned(ours, reference)
    off = {name: rows for name, rows in differing(ours, theirs, list(calls)).items() if rows.size}
    assert not {name: (rows.size, ours[name][int(rows[0])], theirs[name][int(rows[0])]) for name, rows in off.items()}
