from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import ContractError, LookAheadError
from ats_assets.labels.label_spans import uniqueness
from ats_assets.models import TrainingSet, TrainingWindow, training_set, training_window
from ats_assets.models.training_set import least_history
from ats_assets.settings import KnownAfter, TrainingSettings
from ats_assets_tests.models.fits import CALENDAR, SESSION, SETTINGS, SYMBOLS, market, outcomes_of, small_training_set, window_of


@given(
    st.integers(0, 300),
    st.builds(
        TrainingSettings,
        horizon_sessions=st.integers(1, 20),
        train_sessions=st.integers(1, 120),
        validation_sessions=st.integers(1, 60),
        embargo_sessions=st.integers(0, 10),
    ),
)
def test_no_label_overlaps_what_comes_after_it(position: int, settings: TrainingSettings) -> None:
    session = CALENDAR.offset(CALENDAR.first, position)
    window = window_of(session, settings)
    at = CALENDAR.position
    h, e = settings.horizon_sessions, settings.embargo_sessions
    assert len(window.decisions) <= settings.train_sessions
    assert [CALENDAR.offset(d, h + 1) for d in window.decisions] == list(window.label_sessions)
    assert all(at(known) <= position - e for known in window.label_sessions)
    if window.validation:
        assert at(window.validation[-1]) == position - e - h - 1
        assert len(window.validation) <= settings.validation_sessions
    if window.train:
        assert at(window.train[-1]) + h + 1 + e <= at(window.validation[0])
        assert at(window.validation[0]) - at(window.train[-1]) - 1 == h + e


@given(st.integers(0, 300), st.integers(1, 20), st.integers(0, 20), st.integers(1, 120), st.integers(1, 60), st.integers(0, 10))
def test_a_label_that_may_be_known_early_is_purged_by_when_it_is_known_at_the_latest(
    position: int, first: int, more: int, train: int, held_out: int, embargo: int
) -> None:
    """Of a triple barrier: each session at which a label of the decisions may be known is read, and none is nearer than the embargo to the validation, or to D."""
    settings = TrainingSettings(train_sessions=train, validation_sessions=held_out, embargo_sessions=embargo)
    known = KnownAfter(first=first, last=first + more)
    window = training_window(CALENDAR, CALENDAR.offset(CALENDAR.first, position), settings, known)
    at = CALENDAR.position
    read = {at(d) + k for d in window.decisions for k in range(first, first + more + 1)}
    assert [at(d) for d in window.label_sessions] == sorted(read)
    assert all(day <= position - embargo for day in read)
    if window.train and window.validation:
        assert at(window.train[-1]) + known.last + embargo == at(window.validation[0])
    assert window.known_after == known


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 10), st.integers(0, 10))
def test_the_least_history_is_told_to_the_session(wanted: int, held_out: int, horizon: int, embargo: int) -> None:
    """With it there are as many sessions to train on as are wanted, and a session earlier one fewer. It was told as "no labelled sessions yet"."""
    settings = TrainingSettings(train_sessions=504, min_train_sessions=wanted, validation_sessions=held_out, embargo_sessions=embargo)
    known = KnownAfter(first=horizon, last=horizon)
    least = least_history(settings, known)
    trained = [
        len(training_window(CALENDAR, CALENDAR.offset(CALENDAR.first, position), settings, known).train) for position in (least - 1, least)
    ]
    assert trained == [wanted - 1, wanted]


def test_rows_are_the_universe_in_order_with_centred_ranks() -> None:
    data = small_training_set()
    features, labels, _ = market()
    assert data.features == ("noise_a", "signal", "noise_b", "noise_c")
    assert data.train.decision_sessions == list(data.window.train)
    for part in (data.train, data.validation):
        assert part.keys.equals(part.keys.sort("session", "symbol"))
        assert part.x.dtype == np.float32
        assert part.x.flags.c_contiguous
        assert part.sizes.sum() == len(part.y) == part.keys.height
        assert "S00" not in part.keys["symbol"].to_list()
        day = part.decision_sessions[3]
        rows = part.keys.with_row_index("i").filter(session=day)
        expected = features.filter(session=day, symbol=rows["symbol"][7]).select(data.features).row(0)
        assert np.array_equal(part.x[rows["i"][7]], np.array(expected, dtype=np.float32), equal_nan=True)
        outcome = rows.join(
            labels.select("symbol", "forward_return", session="decision_session"), on=["symbol", "session"], maintain_order="left"
        )
        order = np.argsort(np.argsort(outcome["forward_return"].to_numpy()))
        assert np.allclose(part.y[rows["i"].to_numpy()], (order + 0.5) / len(order) - 0.5)
        assert part.returns.dtype == np.float64
        assert part.returns[rows["i"].to_numpy()].tolist() == outcome["forward_return"].to_list()


def test_rows_in_another_order_and_more_history_change_nothing() -> None:
    features, labels, universe = market()
    window = window_of()
    whole = training_set(features, outcomes_of(labels.filter(pl.col("session") <= SESSION)), universe, window, SETTINGS)
    cut = small_training_set()
    shuffled = training_set(
        features.sample(fraction=1.0, shuffle=True, seed=3),
        outcomes_of(labels.filter(pl.col("session") <= SESSION)).sample(fraction=1.0, shuffle=True, seed=4),
        universe.sample(fraction=1.0, shuffle=True, seed=5),
        window,
        SETTINGS,
    )
    for other in (cut, shuffled):
        for part in ("train", "validation"):
            a, b = getattr(whole, part), getattr(other, part)
            assert a.x.tobytes() == b.x.tobytes()
            assert a.y.tobytes() == b.y.tobytes()
            assert a.keys.equals(b.keys)


def test_raw_labels_are_the_returns() -> None:
    data = small_training_set(settings=SETTINGS.model_copy(update={"label": "raw"}))
    _, labels, _ = market()
    first = labels.filter(decision_session=data.train.decision_sessions[0]).filter(pl.col("symbol") != "S00")
    assert data.train.y[: first.height].tolist() == first["forward_return"].to_list()


@pytest.mark.parametrize("sequence_sessions", [1, 3])
def test_an_infinite_feature_is_a_missing_one(sequence_sessions: int) -> None:
    features, labels, universe = market()
    window, outcomes = window_of(SESSION, sequence_sessions=sequence_sessions), outcomes_of(labels).filter(pl.col("session") <= SESSION)

    def learnt(value: float) -> TrainingSet:
        changed = features.with_columns(noise_a=pl.when(pl.col("symbol") == "S07").then(value).otherwise("noise_a").cast(pl.Float32))
        return training_set(changed, outcomes, universe, window, SETTINGS)

    missing = learnt(np.nan)
    for value in (np.inf, -np.inf):
        made = learnt(value)
        for own, other in ((made.train, missing.train), (made.validation, missing.validation)):
            assert np.array_equal(own.x, other.x, equal_nan=True)
            assert (own.sequences is None) == (sequence_sessions == 1)
            if own.sequences is not None and other.sequences is not None:
                assert np.array_equal(own.sequences.table, other.sequences.table, equal_nan=True)


def test_a_label_from_the_future_is_refused() -> None:
    features, labels, universe = market()
    with pytest.raises(LookAheadError, match=f"became known at .*up to {SESSION}"):
        training_set(features, outcomes_of(labels), universe, window_of(), SETTINGS)


def test_a_member_of_the_universe_without_features_is_named() -> None:
    features, labels, universe = market()
    window = window_of()
    lost = features.filter(~((pl.col("symbol") == "S07") & (pl.col("session") == window.train[2])))
    with pytest.raises(ContractError, match=f"S07 at {window.train[2]}"):
        training_set(lost, outcomes_of(labels.filter(pl.col("session") <= SESSION)), universe, window, SETTINGS)


def test_at_the_start_of_the_calendar_there_is_nothing() -> None:
    data = small_training_set(session=CALENDAR.offset(CALENDAR.first, 4))
    assert data.train.keys.is_empty()
    assert data.train.x.shape == (0, 4)
    assert window_of(date(2015, 1, 2)).decisions == ()


def test_the_rows_of_the_universe_and_of_the_horizon_are_enough() -> None:
    """A training reads no others: the set is the same, to the bit, as from those of all symbols."""
    features, labels, universe = market()
    window = window_of()
    labels = labels.filter(pl.col("session").is_in(list(window.label_sessions)))
    other = labels.with_columns(horizon_sessions=pl.lit(SETTINGS.horizon_sessions + 1, pl.Int32), forward_return=pl.lit(9.0))
    whole = training_set(features, outcomes_of(pl.concat([labels, other])), universe, window, SETTINGS)
    members = features.join(universe, on=["symbol", "session"], how="semi", maintain_order="left")
    needed = training_set(members, outcomes_of(labels), universe, window, SETTINGS)
    assert 0 < members.height < features.height
    for part in ("train", "validation"):
        one, two = getattr(whole, part), getattr(needed, part)
        assert one.keys.equals(two.keys)
        assert one.x.tobytes() == two.x.tobytes()
        assert one.y.tobytes() == two.y.tobytes()
        assert one.returns.tobytes() == two.returns.tobytes()
        assert one.sizes.tolist() == two.sizes.tolist()


def weights_of(window: TrainingWindow, symbols: Sequence[str], uniqueness: Sequence[float], weight: Sequence[float]) -> pl.DataFrame:
    """The same for all symbols of a decision session."""
    rows = pl.DataFrame({"decision_session": window.train, "uniqueness": uniqueness, "weight": weight})
    return rows.join(pl.DataFrame({"symbol": symbols}), how="cross").with_columns(session=pl.lit(window.session))


def test_rows_to_train_on_have_weights_of_mean_one_that_fade_with_age() -> None:
    features, labels, universe = market()
    window = window_of()
    outcomes, n = outcomes_of(labels.filter(pl.col("session").is_in(list(window.label_sessions)))), len(window.train)
    plain = training_set(features, outcomes, universe, window, SETTINGS)
    assert plain.train.weights is None
    weights = weights_of(window, SYMBOLS, [0.5] * n, np.arange(1.0, n + 1).tolist())
    found = training_set(features, outcomes, universe, window, SETTINGS, weights)
    of_session = np.repeat(np.arange(1.0, n + 1), found.train.sizes)
    assert found.train.weights == pytest.approx(of_session / of_session.mean())
    assert found.validation.weights is None
    assert np.array_equal(found.train.x, plain.train.x, equal_nan=True)
    fading = SETTINGS.model_copy(update={"sample_weights": "uniqueness", "oldest_weight": 0.0})
    faded = training_set(features, outcomes, universe, window, fading, weights_of(window, SYMBOLS, [0.5] * n, [1.0] * n))
    line = np.repeat(np.arange(1.0, n + 1) / n, found.train.sizes)
    assert faded.train.weights == pytest.approx(line / line.mean())
    nothing = training_set(features, outcomes, universe, window, SETTINGS, weights_of(window, SYMBOLS, [0.5] * n, [0.0] * n))
    assert nothing.train.weights is not None
    assert set(nothing.train.weights.tolist()) == {1.0}, "where none counts, all count the same"
    with pytest.raises(ContractError, match="have no sample weight, such as S01"):
        training_set(features, outcomes, universe, window, SETTINGS, weights.filter(pl.col("symbol") != "S01"))


@given(st.integers(0, 300), st.integers(1, 20), st.integers(0, 20), st.integers(1, 120), st.integers(1, 60), st.integers(0, 10))
def test_the_weights_of_all_rows_to_train_on_are_known_in_time(
    position: int, first: int, more: int, train: int, held_out: int, embargo: int
) -> None:
    """They take nearly twice as long as labels; the sessions to validate on and the gaps around these are older than that."""
    settings = TrainingSettings(train_sessions=train, validation_sessions=held_out, embargo_sessions=embargo)
    known = KnownAfter(first=first, last=first + more)
    window = training_window(CALENDAR, CALENDAR.offset(CALENDAR.first, position), settings, known)
    stored = [CALENDAR.position(day) for day in window.weight_sessions]
    assert stored == [CALENDAR.position(day) + 2 * known.last - 1 for day in window.train]
    assert all(position - embargo - train + known.last <= at <= position - 2 * embargo - held_out for at in stored), (
        "as the model's asset reads them"
    )


def test_rows_tell_the_spans_of_their_labels_in_sessions() -> None:
    data = small_training_set()
    for part in (data.train, data.validation):
        assert part.spans is not None
        assert set(part.spans.known - part.spans.decided) == {SETTINGS.horizon_sessions + 1}
        assert part.spans.decided.tolist() == np.repeat(np.unique(part.spans.decided), part.sizes).tolist()
        symbols = part.keys.with_columns(code=pl.Series(part.spans.group)).group_by("code").agg(pl.col("symbol").n_unique())
        assert set(symbols["symbol"]) == {1}
    assert data.train.spans is not None
    middle = np.unique(data.train.spans.decided)[10:-10]
    found = uniqueness(data.train.spans.decided, data.train.spans.known, data.train.spans.group)
    assert found[np.isin(data.train.spans.decided, middle)] == pytest.approx(1 / (SETTINGS.horizon_sessions + 1))
