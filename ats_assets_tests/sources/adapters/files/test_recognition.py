"""Columns are found by name whatever their order and spelling, and by type where the name says nothing."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.files.recognition import REQUIRED, SYNONYMS, recognise, require_columns
from ats_assets.sources.column_names import normalised

NUMBERS = {name: pl.Float64() for name in ("open", "high", "low", "close", "volume")}


def spelled(name: str, draw: st.DrawFn) -> str:
    """The same name with other case, and spaces, underscores or brackets about it."""
    cased = "".join(draw(st.sampled_from([char.lower(), char.upper()])) for char in name)
    cut = draw(st.integers(0, len(cased)))
    return (
        draw(st.sampled_from(["", "<", "5. ", " "]))
        + cased[:cut]
        + draw(st.sampled_from(["", "_", " ", "-"]))
        + cased[cut:]
        + draw(st.sampled_from(["", ">", " "]))
    )


@given(data=st.data())
def test_any_synonym_in_any_spelling_and_order_is_recognised(data: st.DataObject) -> None:
    chosen = {canonical: spelled(data.draw(st.sampled_from(synonyms)), data.draw) for canonical, synonyms in SYNONYMS.items()}
    kinds = {"symbol": pl.String(), "date": pl.Date()}
    schema = {chosen[canonical]: kinds.get(canonical, pl.Float64()) for canonical in data.draw(st.permutations(list(chosen)))}
    found = recognise(schema, {}, "file")
    assert dict(found.columns) == chosen
    assert found.unused == ()
    require_columns(found, REQUIRED, schema, "file")


def test_no_name_means_two_columns() -> None:
    names = [name for synonyms in SYNONYMS.values() for name in synonyms]
    assert len(names) == len(set(names))
    assert all(normalised(name) == name for name in names)


def test_the_better_name_wins_and_the_other_is_reported_as_unused() -> None:
    schema = {"ts": pl.Datetime("us"), "Date": pl.Date(), "Symbol": pl.String(), "Name": pl.String(), **NUMBERS}
    found = recognise(schema, {}, "file")
    assert (found.columns["date"], found.columns["symbol"]) == ("Date", "Symbol")
    assert found.unused == ("ts", "Name")


def test_a_type_that_can_not_hold_it_is_passed_over() -> None:
    schema = {"time": pl.Time(), "timestamp": pl.Datetime("us", "UTC"), "symbol": pl.Boolean(), "ticker": pl.Categorical(), **NUMBERS}
    found = recognise(schema, {}, "file")
    assert (found.columns["date"], found.columns["symbol"]) == ("timestamp", "ticker")


def test_the_only_column_of_dates_is_the_date_whatever_its_name() -> None:
    assert recognise({"giorno": pl.Date(), "symbol": pl.String(), **NUMBERS}, {}, "file").columns["date"] == "giorno"
    two = recognise({"giorno": pl.Date(), "altro": pl.Date(), "symbol": pl.String(), **NUMBERS}, {}, "file")
    assert "date" not in two.columns


def test_an_override_wins_and_takes_its_column_from_others() -> None:
    schema = {"symbol": pl.String(), "date": pl.Date(), **NUMBERS, "adj close": pl.Float64()}
    found = recognise(schema, {"close": "adj close"}, "file")
    assert found.columns["close"] == "adj close"
    assert "adj_close" not in found.columns
    assert found.unused == ("close",)


def test_errors_name_what_is_missing_what_was_found_and_the_setting() -> None:
    schema = {
        "ticker": pl.String(),
        "date": pl.Date(),
        "px_open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
    }
    with pytest.raises(
        SourceError, match=r"bars.csv lacks 'open', 'volume'.*'px_open'.*recognised: symbol = 'ticker'.*source.files.columns"
    ):
        require_columns(recognise(schema, {}, "bars.csv"), REQUIRED, schema, "bars.csv")
    with pytest.raises(SourceError, match=r"close = 'nope'.*bars.csv has only 'ticker'"):
        recognise(schema, {"close": "nope"}, "bars.csv")
    with pytest.raises(SourceError, match=r"maps 'clse'.*its keys are 'symbol'"):
        recognise(schema, {"clse": "close"}, "bars.csv")
    with pytest.raises(SourceError, match=r"'Close', 'close' could each be close"):
        recognise({"Close": pl.Float64(), "close": pl.Float64()}, {}, "bars.csv")


@pytest.mark.parametrize("dtype", [pl.Boolean(), pl.List(pl.Float64()), pl.Date(), pl.Struct({"a": pl.Int8()})])
def test_a_price_of_another_type_is_refused(dtype: pl.DataType) -> None:
    schema = {"symbol": pl.String(), "date": pl.Date(), **NUMBERS, "close": dtype}
    with pytest.raises(SourceError, match=r"column 'close', read as close, has type .* not numbers"):
        require_columns(recognise(schema, {}, "f"), REQUIRED, schema, "f")
