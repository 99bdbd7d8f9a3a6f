"""Every operator of the table against qlib's of that name, run on the same data; qlib takes half a minute for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from ats_assets.expressions import OPERATORS, compute
from ats_assets_tests.expressions.differences import aligned, differing
from ats_assets_tests.expressions.judge import Verdict, judge
from ats_assets_tests.expressions.panels import calendar, edge_cases, random_walks
from ats_assets_tests.expressions.qlib_features import Case, all_qlib_features
from ats_assets_tests.market_data import SP500_2018, needs_market_data

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


DIFFERENCES = {
    "Std($volume, 5)": "running sums keep the rounding error of a large value that has left the window",
    "Corr($volume, $open, 5)": "the same",
    "Rsquare($volume, 5)": "the same",
    "Slope(1 / $volume, 5)": "an infinite value makes every later one missing",
    "EMA($vwap, 1)": "keeps a value for ever, ours for the ten missing sessions that its window has to spare",
    "Sign(Cov($close, $open, 5))": "rounding errors where the close does not move",
    "($close > 1) + ($open > 1)": "the sum of two conditions is their Or",
    "Power(Log(0 * $close), 0.5)": "a root of minus infinity is missing, the power 0.5 of it is infinite by IEEE 754",
}
"""Expression to what qlib does; listed in docs/expressions.md."""


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


def _spikes() -> pl.DataFrame:
    """One symbol: a volume of a billion once and of nothing once, a close that stops moving, a stretch without vwap."""
    random = np.random.default_rng(1)
    close = np.round(20 + random.standard_normal(60), 2)
    close[30:] = 21.37
    volume = np.round(random.uniform(1, 9, 60), 1)
    volume[20], volume[40] = 1e9, 0
    vwap = pl.Series(np.where((np.arange(60) < 30) | (np.arange(60) > 45), close, np.nan)).fill_nan(None)
    opening = np.round(close + random.standard_normal(60), 2)
    columns = {"open": opening, "high": close + 1, "low": close - 1, "close": close, "volume": volume, "vwap": vwap}
    return pl.DataFrame({"symbol": ["S00"] * 60, "session": calendar(60), **columns})


def _real() -> Case:
    """Two years of symbols with gaps or a short history, and of others."""
    panel = pl.read_parquet(SP500_2018).rename({"date": "session"})
    days = panel["session"].unique().sort().to_list()[-500:]
    recent = panel.filter(pl.col("session") >= days[0])
    lengths = recent.group_by("symbol").len().sort("len", "symbol")["symbol"].to_list()
    calls = {name: text.replace("'S00'", f"'{lengths[-1]}'") for name, text in _calls().items()}
    return recent.filter(pl.col("symbol").is_in([*lengths[:12], *lengths[-12:]])), days, calls


@dataclass(frozen=True)
class Compared:
    """A case with qlib's values."""

    case: Case
    theirs: pl.DataFrame

    def verdict(self) -> Verdict:
        panel, sessions, expressions = self.case
        return judge(compute(panel, expressions, sessions=sessions, flat="qlib"), self.theirs, panel, sessions, expressions)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Compared]:
    alone = {name: text for name, text in _calls().items() if "'S00'" not in text}
    cases: dict[str, Case] = {
        "walks": (random_walks(8, 200, seed=12), calendar(200), _calls()),
        "edges": (edge_cases(130), calendar(130), alone),
        "spikes": (_spikes(), calendar(60), {text: text for text in DIFFERENCES}),
        "labels": (random_walks(6, 120, seed=13, gaps=False), calendar(120), LABELS),
    }
    if SP500_2018.exists():
        cases["real"] = _real()
    theirs = all_qlib_features(cases, tmp_path_factory.mktemp("qlib"))

    def of(name: str) -> Compared:
        """With a row of missing values for each session without one between a symbol's first and last, as qlib has it."""
        panel, sessions, expressions = cases[name]
        explicit = theirs[name].select("symbol", "session").join(panel, on=["symbol", "session"], how="left")
        return Compared((explicit, sessions, expressions), theirs[name])

    return of


@pytest.mark.slow
def test_every_operator_equals_that_of_qlib(compared: Callable[[str], Compared]) -> None:
    """Missing values on rows of their own, late listings, stretches of one price and volume, and windows of 1, 2, 5 and 60 sessions."""
    case = compared("walks")
    panel, sessions, calls = case.case
    ours = compute(panel, calls, sessions=sessions, flat="qlib")
    theirs = aligned(ours, case.theirs)
    off = {name: rows for name, rows in differing(ours, theirs, list(calls)).items() if rows.size}
    assert not {name: (rows.size, ours[name][int(rows[0])], theirs[name][int(rows[0])]) for name, rows in off.items()}


@pytest.mark.slow
def test_short_constant_and_missing_histories_equal_those_of_qlib(compared: Callable[[str], Compared]) -> None:
    """But for the averages of infinite memory, after more than ten missing values."""
    verdict = compared("edges").verdict()
    assert not verdict.wrong
    assert {name.split()[0] for name in verdict.qlib_off} == {"EMA"}
    assert not verdict.rounding


@needs_market_data
@pytest.mark.slow
def test_every_operator_on_real_symbols(compared: Callable[[str], Compared]) -> None:
    verdict = compared("real").verdict()
    assert not verdict.wrong
    assert max(verdict.shares()) < 0.0001


@pytest.mark.slow
def test_where_qlib_is_off(compared: Callable[[str], Compared]) -> None:
    """In each of the documented cases qlib differs from the calculation from scratch, and ours does not."""
    verdict = compared("spikes").verdict()
    assert not verdict.wrong
    assert verdict.qlib_off.keys() == DIFFERENCES.keys()
    assert not verdict.rounding


@pytest.mark.slow
def test_labels_equal_those_of_qlib(compared: Callable[[str], Compared]) -> None:
    """Without gaps: qlib has values in sessions without rows, too, and looks at later ones from there."""
    case = compared("labels")
    panel, sessions, labels = case.case
    ours = compute(panel, labels, sessions=sessions, look_ahead=True, flat="qlib")
    assert not {name: rows for name, rows in differing(ours, aligned(ours, case.theirs), list(labels)).items() if rows.size}
