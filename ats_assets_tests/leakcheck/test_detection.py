"""Every planted leak is found and named, and nothing honest is accused."""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.errors import ContractError
from ats_assets.expressions import compute as evaluate
from ats_assets.features import compute
from ats_assets.features.built_in import ALPHA158, FAMILIES
from ats_assets.labels.methods.forward_returns import forward_returns
from ats_assets.labels.methods.triple_barrier import TripleBarrierSettings, triple_barriers
from ats_assets.leakcheck import Input, Leak, Subject, Unstable, find_leaks
from ats_assets.settings import LabelsSettings
from ats_assets_tests.leakcheck.planted import DAYS, HONEST, KEYS, all_leaks, bars, column, on_bars

PLANTED = all_leaks()


def test_there_are_a_hundred_leaks_of_different_kinds() -> None:
    assert len(PLANTED) >= 100


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found_and_named(name: str) -> None:
    found = find_leaks(PLANTED[name], DAYS)
    assert isinstance(found, list)
    assert "leaky" in {leak.column for leak in found} or (found and {leak.column for leak in found} == {"(rows)"})
    assert "honest" not in {leak.column for leak in found}
    assert all(leak.session <= leak.changed_after and leak.rows > 0 for leak in found)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_built_in_family_is_accused(family: str) -> None:
    subject = Subject(
        name=family,
        kind="feature",
        inputs={"bars": Input(rows=bars())},
        make=lambda rows: compute(rows["bars"], FAMILIES[family].expressions, sessions=DAYS),
    )
    assert find_leaks(subject, DAYS) == []


def test_labels_are_not_accused_and_keep_their_keys() -> None:
    settings = LabelsSettings(horizons_sessions=(1, 5, 20))
    subject = Subject(
        name="forward_returns",
        kind="label",
        inputs={"bars": Input(rows=bars())},
        make=lambda rows: forward_returns(rows["bars"], DAYS, DAYS, settings),
        keys=("symbol", "horizon_sessions"),
    )
    assert find_leaks(subject, DAYS) == []


BARRIERS = TripleBarrierSettings(max_holding_sessions=4, volatility_span_sessions=5, min_returns=5)


def barriers(make: Callable[[pl.DataFrame], pl.DataFrame]) -> list[Leak]:
    """What is found in the triple barrier, and in what is made of it."""
    subject = Subject(
        name="triple_barrier",
        kind="label",
        inputs={"bars": Input(rows=bars())},
        make=lambda rows: make(triple_barriers(rows["bars"], DAYS, DAYS, BARRIERS)),
        keys=("symbol", "decision_session"),
    )
    found = find_leaks(subject, DAYS)
    assert isinstance(found, list)
    return found


def test_the_triple_barrier_is_not_accused_unless_it_is_stored_early() -> None:
    assert barriers(lambda rows: rows) == []
    assert barriers(lambda rows: rows.with_columns(session=pl.col("decision_session")))
    vertical = pl.col("session").replace_strict(DAYS[1:], DAYS[:-1], default=None)
    assert barriers(lambda rows: rows.filter(barrier="vertical").with_columns(session=vertical).drop_nulls("session"))


@pytest.mark.parametrize("sessions", [1, 2, 7])
def test_a_label_of_the_expression_language_leaks_as_a_feature(sessions: int) -> None:
    expressions = {"past": "$close/Ref($close, 1)", "future": f"Ref($close, -{sessions})/$close"}
    found = find_leaks(on_bars(lambda rows: evaluate(rows["bars"], expressions, sessions=DAYS, look_ahead=True)), DAYS)
    assert isinstance(found, list)
    assert {leak.column for leak in found} == {"future"}


def test_one_session_of_look_ahead_at_the_newest_session_is_enough() -> None:
    """The draw at the last session but one is always made."""
    newest = column(pl.when(pl.col("session") == DAYS[-2]).then(pl.col("close").shift(-1).over("symbol", order_by="session")))
    found = find_leaks(on_bars(newest), DAYS, draws=1)
    assert isinstance(found, list)
    assert [(leak.column, leak.session, leak.changed_after) for leak in found] == [("leaky", DAYS[-2], DAYS[-2])]
    assert "planted.leaky sees the future of bars" in str(found[0])


def test_what_is_not_the_same_twice_is_no_leak_but_is_not_passed() -> None:
    random = np.random.default_rng(1)
    found = find_leaks(on_bars(lambda rows: rows["bars"].select(*KEYS, HONEST, noise=pl.Series(random.random(rows["bars"].height)))), DAYS)
    assert found == Unstable(subject="planted", columns=("noise",))
    assert "give it a seed" in str(found)


def test_a_column_that_is_there_only_with_the_future() -> None:
    def make(rows: dict[str, pl.DataFrame]) -> pl.DataFrame:
        made = rows["bars"].select(*KEYS, HONEST)
        return made.with_columns(extra=pl.lit(1)) if rows["bars"]["session"].max() == DAYS[-1] else made

    found = find_leaks(on_bars(make), DAYS)
    assert isinstance(found, list)
    assert {leak.column for leak in found} == {"extra"}


def test_a_subject_that_refuses_every_other_future_is_not_passed() -> None:
    original = bars()

    def make(rows: dict[str, pl.DataFrame]) -> pl.DataFrame:
        if not rows["bars"].equals(original):
            raise ValueError("not what I know")
        return rows["bars"].select(*KEYS, HONEST)

    with pytest.raises(ContractError, match=r"planted refuses every other future of bars, .* not what I know"):
        find_leaks(on_bars(make), DAYS)


def test_what_can_not_be_judged_is_refused() -> None:
    with pytest.raises(ContractError, match="2 sessions are too few"):
        find_leaks(on_bars(column(pl.col("close"))), DAYS[:2])
    with pytest.raises(ContractError, match="has no column session"):
        find_leaks(on_bars(lambda rows: rows["bars"].select("symbol", "close")), DAYS)


def test_alpha158_leaks_where_it_is_standardised_over_the_sample() -> None:
    def make(rows: dict[str, pl.DataFrame]) -> pl.DataFrame:
        made = compute(rows["bars"], ALPHA158, sessions=DAYS)
        return made.with_columns((pl.col("KMID") - pl.col("KMID").mean()) / pl.col("KMID").std())

    found = find_leaks(on_bars(make), DAYS)
    assert isinstance(found, list)
    assert {leak.column for leak in found} == {"KMID"}
    assert all(isinstance(leak, Leak) and isinstance(leak.session, date) for leak in found)
