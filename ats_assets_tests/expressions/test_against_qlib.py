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
    "either": ("$close",),
    "symbol": ("'S00'",),
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
    "of another": "Mean(Mask($close, 'S00'), 5) / Mask(Mean($close, 5), 'S00')",
    "beta": "Cov($close / Ref($close, 1), Mask($close / Ref($close, 1), 'S00'), 20) / Mask(Var($close / Ref($close, 1), 20), 'S00')",
}
LABELS = {
    "return": "Ref($close, -6) / Ref($close, -1) - 1",
    "change": "Delta($close, -2)",
    "mean": "Ref(Mean($close, 5), -5) / Mean($close, 3)",
    "of both": "Ref($close, -2) / Ref(Mask($close, 'S00'), -3) - Ref($open, 2)",
}


def _calls() -> dict[str, str]:
    """Each operator, for each length of its window."""
    calls = dict(SIGNS)
    for name, operator in OPERATORS.items():
        if name.startswith("CS"):  # qlib has none
            continue
        used = dict.fromkeys(operator.operands, 0)
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


@pytest.mark.slow
def test_labels_equal_those_of_qlib(tmp_path: Path) -> None:
    """Without gaps: qlib has values in sessions without rows, too, and looks at later ones from there."""
    days = calendar(120)
    bars = random_walks(6, 120, seed=13, gaps=False)
    theirs = qlib_features(bars, days, LABELS, tmp_path)
    ours = compute(bars, LABELS, sessions=days, look_ahead=True)
    off = {name: rows for name, rows in differing(ours, aligned(ours, theirs), list(LABELS)).items() if rows.size}
    assert not off
