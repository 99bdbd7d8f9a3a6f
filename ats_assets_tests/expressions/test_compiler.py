"""The compiler: look-backs before any data, common parts once, and clear refusals."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ats_assets.errors import ExpressionError, LookAheadError
from ats_assets.expressions import MAX_WINDOW, OPERATORS, compile_expressions, compute, lookback, lookbacks
from ats_assets.expressions.opcodes import AFTER, FIRST, LAG, OP, Op
from ats_assets.expressions.plan import Plan
from ats_assets.features.built_in import TECHNICAL
from ats_assets_tests.expressions.panels import random_walks, with_sectors
from ats_assets_tests.expressions.random_expressions import random_expressions
from ats_assets_tests.rounds import rounds

ALPHABET = [
    "CSRank(",
    "CSNeutralize(",
    "Mask(",
    "SPY",
    "'B.C'",
    "EMA(",
    "Kurt(",
    "Delta(",
    "**",
    "$close",
    "$open",
    "Ref(",
    "Mean(",
    "Corr(",
    "If(",
    "Not(",
    ")",
    "(",
    "5",
    "-1",
    "0.5",
    "+",
    "-",
    "*",
    "/",
    ">",
    "&",
    "|",
    ",",
]


def test_common_parts_are_computed_once() -> None:
    alone = compile_expressions({"a": "Std($close, 20) / $close"})
    both = compile_expressions({"a": "Std($close, 20) / $close", "b": "Var($close,20)", "c": "( Std($close,20) )/$close"})
    assert len(both.last.code) == len(alone.last.code) + 1  # the division of the squared deviations by their number, without a root
    assert len(compile_expressions({"a": "Std($close, 10)", "b": "Std($close, 20)"}).last.code) == len(alone.last.code)


def test_signs_and_names_are_the_same_operators() -> None:
    plan = compile_expressions({"a": "($close - $open) * 2", "b": "Mul(Sub($close, $open), 2.0)", "c": "($close - $open) * (1 + 1)"})
    assert len(plan.last.code) == 2


def test_fields_that_are_read() -> None:
    assert compile_expressions({"a": "$low + $high", "b": "Ref($low, 3)"}).fields == ("high", "low")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$close", 0),
        ("$close / Ref($close, 1)", 1),
        ("Mean($close, 1)", 0),
        ("Mean($close, 5)", 4),
        ("Mean($close > Ref($close, 1), 60)", 60),
        ("Std(Mean(Ref($close, 3), 5), 10)", 16),
        ("Corr(Ref($close, 7), $volume, 20)", 26),
        ("Delta(Max($high, 10), 2)", 11),
        ("If($close > 1, Ref($open, 9), $low)", 9),
        ("CSRank($close)", 0),
        ("Mean(CSRank(Delta($close, 5)), 10)", 14),
        ("CSNeutralize(Mean($close, 5), Mean($volume, 8) > 3)", 7),
        ("Corr($close, Mask(Mean($close, 7), SPY), 20)", 25),
        ("Mean(Mask($close, SPY), 20)", 19),
        ("EMA($close, 2)", 26),
    ],
)
def test_lookback_is_known_without_data(text: str, expected: int) -> None:
    assert lookback({"a": text}) == expected
    assert lookback({"a": text, "b": "$close"}) == expected


@pytest.mark.parametrize("operator", ["Ref", "Delta"])
def test_a_negative_lag_looks_ahead(operator: str) -> None:
    with pytest.raises(LookAheadError, match=f"`{operator}` with a lag of -2 looks into the future"):
        compile_expressions({"a": f"1 + {operator}($close, -2)"})


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("Foo($close)", "there is no operator `Foo`; known are Abs", 0),
        ("1 + mean($close, 5)", "there is no operator `mean`; did you mean `Mean`", 4),
        ("Mean($close)", r"`Mean` takes 2 arguments \(number, window\), found 1", 0),
        ("Abs($close, 1)", r"`Abs` takes 1 arguments \(number\), found 2", 0),
        ("Mean($close, 0)", f"the window of `Mean` has to be from 1 to {MAX_WINDOW} sessions, found 0", 13),
        ("Mean($close, -3)", "has to be from 1 to", 13),
        ("Mean($close, 1000000)", f"to {MAX_WINDOW} sessions, found 1000000", 13),
        ("Mean($close, 1.5)", "is a whole number of sessions, found 1.5", 13),
        ("Mean($close, 5.0)", "is a whole number of sessions, found 5.0", 13),
        ("Mean($close, $open)", "has to be written as a number", 13),
        ("Mean($close, 2 + 3)", "has to be written as a number", 15),
        ("Ref($close, 0)", "the lag of `Ref` has to be from 1", 12),
        ("Quantile($close, 5, 1.5)", "lies between 0 and 1, found 1.5", 20),
        ("$close & $open", "expected a condition here", 0),
        ("If($close, 1, 2)", "expected a condition here", 3),
        ("Not($close + 1)", "expected a condition here", 11),
        ("Mean(5, 3)", "`Mean` needs a field here", 5),
        ("Log(5)", "`Log` needs a field here", 4),
        ("Corr($close, 1, 5)", "`Corr` needs a field here", 13),
        ("1 + 2", "an expression needs a field", 2),
        ("7", "an expression needs a field", 0),
        ("$close * (1 / 0)", "divided by zero", 12),
        ("$close * 10 ** 400", "no finite result", 12),
        ("$close + 1e308 * 1e308", "no finite result", 15),
        ("Ref($close, 99999999999999999999)", "the lag of `Ref` has to be from 1 to 10000", 12),
        ("$close * (-8) ** 0.5", "no finite result", 14),
        ("$close + (1 > 2)", "two numbers are compared", 12),
        ("Skew($close, 2)", "the window of `Skew` has to be from 3", 13),
        ("Kurt($close, 3)", "the window of `Kurt` has to be from 4", 13),
        ("EMA($close, 0)", "the span of `EMA` is 1 session or more, or its alpha between 0 and 1, found 0", 12),
        ("EMA($close, -0.5)", "the span of `EMA`", 12),
        ("EMA($close, 5000)", "`EMA` would need more than 10000 sessions", 12),
        ("EMA($close, 1000000)", "shorten its span", 12),
        ("EMA($close, 1e-30)", "shorten its span", 12),
        ("Mask($close, 5)", "`Mask` needs a symbol here, like SPY or 'BRK.B'", 13),
        ("Mask(5, SPY)", "`Mask` needs a field here", 5),
        ("Mask(SPY, $close)", "`SPY` is a symbol here; a field is", 5),
        ("ChangeInstrument($close, SPY)", "`ChangeInstrument` needs a symbol here", 17),
        ("Mean(close, 5)", r"`close` is a symbol here; a field is `\$` and a name", 5),
        ("CSRank(5)", "`CSRank` needs a field here", 7),
        ("CSNeutralize($close)", r"`CSNeutralize` takes 2 arguments \(number, group\), found 1", 0),
        ("CSNeutralize($close, tech)", "`tech` is a symbol here", 21),
        ("1 + TResample($close, '1w', 'sum')", "a panel has one row a session; resample it before it is given", 4),
        ("PRef($close, 3)", "`PRef` is not supported", 0),
    ],
)
def test_errors_point_at_their_place(text: str, message: str, column: int) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        compile_expressions({"a": text})
    assert str(caught.value).startswith("a: ")
    assert str(caught.value).split("\n")[2].index("^") == column + 2


def test_windows_in_windows_have_a_limit() -> None:
    nested = "$close"
    for _ in range(11):
        nested = f"Mean({nested}, {MAX_WINDOW})"
    with pytest.raises(ExpressionError, match="`a` looks back 109989 sessions in all"):
        compile_expressions({"a": nested})


def test_every_operator_compiles() -> None:
    given_arguments = {
        "symbol": "SPY",
        "group": "$close",
        "either": "$close",
        "number": "$close",
        "condition": "$close > $open",
        "window": "5",
        "lag": "2",
        "share": "0.5",
        "span": "5",
    }
    for name, operator in OPERATORS.items():
        arguments = ", ".join(given_arguments[kind] for kind in (*operator.operands, *operator.parameters))
        plan = compile_expressions({name: f"{name}({arguments})"})
        assert plan.fields[0] == "close"
        assert plan.groups == (("close",) if "group" in operator.operands else ())
        assert operator.meaning


def test_whole_numbers_of_any_size_are_numbers() -> None:
    assert compile_expressions({"a": f"$close + {10**39}"}).last.numbers[-1][1] == np.inf  # beside float32


def test_a_plan_that_would_fill_the_memory_is_refused() -> None:
    """At once, and not when it is run."""
    deep = "$close"
    for _ in range(9):
        deep = f"Mean({deep}, {MAX_WINDOW})"
    assert compile_expressions({"a": deep}).lookback == 9 * (MAX_WINDOW - 1)
    with pytest.raises(
        ExpressionError, match=r"these 900 expressions together would need \d\.\d GiB of working memory a thread, 1 GiB are"
    ):
        compile_expressions({str(i): f"{deep} * {i}" for i in range(900)})


PANEL = with_sectors(random_walks(3, 12, seed=40))
VALID = [
    *random_expressions(300, seed=40).values(),
    "CSNeutralize(CSRank(Ref($close, -2) / $close), $sector)",
    "Mask(EMA($open, 3), S00) ** 2",
]
PIECES = [*ALPHABET, "Ref($close, -3)", "1000000", "1.5", "-3", "0", "1e999", "9" * 39, "ü", "²", "\n", "'", "$", "$$", "(" * 200, "  "]


@settings(max_examples=rounds(100, 400))
@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 12), st.sampled_from(PIECES) | st.just("")), max_size=4),
    st.booleans(),
)
def test_mutated_expressions_give_a_result_or_a_clear_error(text: str, edits: list[tuple[int, int, str]], look_ahead: bool) -> None:
    for place, length, piece in edits:
        text = text[:place] + piece + text[place + length :]
    try:
        sessions = lookback({"a": text}, look_ahead=look_ahead)
        if sessions < 500:
            assert compute(PANEL, {"a": text}, look_ahead=look_ahead, threads=1).height == PANEL.height
    except (ExpressionError, LookAheadError) as error:
        message = str(error)
    else:
        message = ""
    assert len(message) < 1000


@given(st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join) | st.text(max_size=40))
@example("Ref($close, -1)")
def test_random_text_gives_a_plan_or_a_clear_error(text: str) -> None:
    with suppress(ExpressionError, LookAheadError):
        assert compile_expressions({"a": text}).lookback >= 0


def test_what_each_needs_is_the_same_among_others_as_alone() -> None:
    every = {**TECHNICAL, "ranked": "Ref(CSRank(Mean($close, 5)), 3)", "beside": "Ref($close, 2) / Mask(Ref($close, 7), SPY)"}
    assert lookbacks(every) == {name: lookback({name: text}) for name, text in every.items()}
    assert max(lookbacks(every).values()) == lookback(every) > 0


def test_one_session_alone_computes_the_rows_that_it_needs() -> None:
    """A mean of 20 sessions that is made of means of 10 needs these in two rows."""
    plan = compile_expressions({"mean": "Mean($close, 20)"}).last
    assert plan.for_one_session.lookback == plan.lookback == 19
    many, one = (
        [(first, after) for op, first, after, lag in code if (op, lag) == (Op.SUM_MERGE, 5)]
        for code in map(_extents, (plan, plan.for_one_session))
    )
    assert many == [(9, 0)] * 2  # the sum, and the number of values
    assert one == [(9, 10), (19, 0)] * 2
    assert sum(20 - first - after for _, first, after, _ in _extents(plan.for_one_session)) < 0.7 * sum(
        20 - first - after for _, first, after, _ in _extents(plan)
    )


def _extents(plan: Plan) -> list[tuple[int, int, int, int]]:
    """Of each instruction what it is, its first row, the rows after its last one, and the lag."""
    return [tuple(row) for row in plan.code[:, [OP, FIRST, AFTER, LAG]].tolist()]
