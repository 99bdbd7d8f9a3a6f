"""Bad chains are quarantined with every reason, and the good rows beside them go through; nothing is lost, and a session is judged by itself."""

from datetime import UTC, date, datetime, timedelta
from math import exp
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import session_calendar
from ats_assets.errors import ContractError
from ats_assets.options.chain_screening import CHAIN_NO_FAULT, CHAIN_REASONS, screen_chains
from ats_assets.options.contracts import OptionChains, RejectedOptionChains
from ats_assets.options.option_source import chain_order
from ats_assets.options.option_sources.files.chain_files import ChainFiles
from ats_assets.options.option_sources.files.settings import ChainFilesSettings
from ats_assets.options.schema import RAW_OPTION_CHAINS_SCHEMA
from ats_assets.options.valuation import option_values
from ats_assets.settings import OptionsSettings
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.options.chains import SESSION, contract_row, delivered
from ats_assets_tests.rounds import rounds

CALENDAR = session_calendar("XNYS", date(2010, 1, 4))
DELIVERED = OptionsSettings(spot="delivered")
CLOSE = CALENDAR.closes_at(SESSION)
NO_BARS = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64})
GOOD = [contract_row(strike, right) for strike in (95.0, 100.0, 105.0) for right in "CP"]
STORED = Path("../shared/data/us_options/chains_with_greeks.parquet")


def screened(
    *rows: dict[str, Any], options: OptionsSettings = DELIVERED, bars: pl.DataFrame = NO_BARS
) -> tuple[pl.DataFrame, pl.DataFrame]:
    kept, others = screen_chains(delivered(*rows), bars, CALENDAR, options)
    assert kept.height + others.height == len(rows), "accepted plus rejected is the input"
    assert schema_violations(OptionChains, kept) == schema_violations(RejectedOptionChains, others) == []
    return kept, others


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"bid": 3.0, "ask": 2.0}, ["crossed"]),
    ({"expiry": None}, ["expiry_missing"]),
    ({"expiry": date(2021, 1, 17)}, ["expiry_no_session"]),
    ({"expiry": date(2021, 1, 18)}, ["expiry_no_session"]),  # a holiday
    ({"expiry": date(2021, 1, 16)}, ["expiry_no_session"]),  # a Saturday, as of old
    ({"expiry": date(2020, 12, 31)}, ["expired"]),
    ({"deliverable": "100 ABC and 15 XYZ"}, ["adjusted_deliverable"]),
    ({"underlying": "AAA1"}, ["adjusted_deliverable"]),
    ({"strike": 60.0, "bid": 0.0, "ask": 1.0}, ["below_intrinsic"]),
    ({"strike": 140.0, "right": "P", "bid": 1.0, "ask": 1.1}, ["below_intrinsic"]),
    ({"bid": 120.0, "ask": 120.5}, ["above_bound"]),
    ({"underlying_price": None}, ["no_underlying"]),
    ({"underlying_price": -1.0}, ["no_underlying"]),
    ({"quoted_at": CALENDAR.opens_at(SESSION) - timedelta(seconds=1)}, ["stale"]),
    ({"quoted_at": CALENDAR.opens_at(date(2021, 1, 5))}, ["of_later_session"]),
    ({"bid": -0.5}, ["negative"]),
    ({"volume": -1.0, "bid": float("inf")}, ["crossed", "infinite", "negative"]),
    ({"multiplier": 0.0}, ["multiplier_not_positive"]),
    ({"right": None}, ["right_missing"]),
    ({"strike": None}, ["strike_missing"]),
    ({"strike": float("nan")}, ["strike_missing"]),
    ({"strike": -5.0}, ["strike_not_positive"]),
    ({"strike": 100.00051}, ["contract_unwritable"]),
    ({"underlying": " "}, ["underlying_missing"]),
    ({"underlying": "AAA "}, ["contract_unwritable", "underlying_malformed"]),
    ({"style": "bermudan"}, ["style_unknown"]),
    ({"date": None, "defects": "date: 'x'"}, ["date_missing", "unreadable"]),
    ({"date": date(2021, 1, 2)}, ["date_not_a_session"]),
    ({"date": date(2021, 1, 5)}, ["date_of_another_session"]),
    ({"bid": 0.0, "ask": None, "open_interest": 0.0, "close": 0.0}, ["empty"]),
]


@pytest.mark.parametrize(("changes", "reasons"), BAD, ids=["+".join(reasons) for _, reasons in BAD])
def test_each_bad_row_has_its_reasons_and_the_rest_goes_through(changes: dict[str, Any], reasons: list[str]) -> None:
    kept, others = screened(*GOOD, contract_row() | {"strike": 90.0, "bid": 10.9, "ask": 11.1} | changes)
    assert others["reasons"].to_list() == [reasons]
    assert kept.height == len(GOOD)


def test_every_reason_is_tested() -> None:
    told = {reason for _, reasons in BAD for reason in reasons} | {"contract_conflict", "duplicate", "parity", "strike_twice"}
    assert told == CHAIN_REASONS.keys() >= CHAIN_NO_FAULT


def test_a_strike_twice_is_told_from_a_row_that_came_again() -> None:
    again, twice = (
        contract_row(95.0),
        [contract_row(110.0, bid=0.5, ask=0.6), contract_row(110.0, bid=0.4, ask=0.6), contract_row(110.0, bid=0.5, ask=0.6)],
    )
    kept, others = screened(*GOOD, again, *twice)
    assert others.select("strike", "reasons").rows() == [(95.0, ["duplicate"]), *[(110.0, ["strike_twice"])] * 3]
    assert kept["strike"].to_list() == sorted(row["strike"] for row in GOOD)


def test_a_symbol_that_contradicts_its_columns() -> None:
    raw = delivered(*GOOD).with_columns(contract=pl.lit("AAA210115C00099000"))
    kept, others = screen_chains(raw, NO_BARS, CALENDAR, DELIVERED)
    assert kept.is_empty()
    assert others["reasons"].to_list() == [["contract_conflict"]] * len(GOOD)


def test_a_zero_bid_stays_and_what_has_no_ask_or_no_quote_can_not_be_traded() -> None:
    rows = [
        contract_row(120.0, bid=0.0, ask=0.05),
        contract_row(125.0, bid=0.01, ask=0.0),
        contract_row(130.0, bid=None, ask=None, close=0.02),
        contract_row(135.0, bid=None, ask=None, close=0.0),
        contract_row(140.0, bid=0.0, ask=0.0),
    ]
    kept, _ = screened(*rows)
    assert kept.select("bid", "ask", "mark", "half_spread").rows() == [
        (0.0, 0.05, 0.025, 0.025),
        (0.01, None, None, None),
        (None, None, 0.02, None),
        (None, None, None, None),
        (0.0, None, None, None),
    ]
    kept, _ = screened(*rows, options=DELIVERED.model_copy(update={"unquoted_half_spread_share": 0.5}))
    assert kept["half_spread"].to_list() == [0.025, None, 0.01, None, None]
    kept, _ = screened(*rows, options=DELIVERED.model_copy(update={"unquoted_mark": "none"}))
    assert kept["mark"].to_list() == [0.025, None, None, None, None]


def test_a_close_without_volume_is_no_price_to_trade_at() -> None:
    """AAPL140606C00500000 was delivered at 85.70 for three sessions on end, without a trade, while it came to be worth 149.56 exercised: it was bought at 87.41."""
    rows = [
        contract_row(strike, bid=None, ask=None, close=2.0, volume=volume) for strike, volume in ((100.0, 0.0), (105.0, None), (110.0, 3.0))
    ]
    kept, _ = screened(*rows, options=DELIVERED.model_copy(update={"unquoted_half_spread_share": 0.5}))
    assert kept.select("volume", "mark", "half_spread").rows() == [(0.0, 2.0, None), (None, 2.0, 1.0), (3.0, 2.0, 1.0)]


def test_the_spot_is_that_of_the_delivery_else_of_the_bars() -> None:
    bars = pl.DataFrame({"symbol": ["AAA", "SPX"], "session": [SESSION] * 2, "close": [101.0, 99.0]})
    rows = [contract_row(), contract_row(105.0, underlying_price=None), contract_row(110.0, underlying="SPXW", underlying_price=None)]
    options = OptionsSettings(symbol_by_underlying={"SPXW": "SPX"})
    kept, _ = screened(*rows, bars=bars, options=options)
    assert kept.select("spot", "style").rows() == [(100.0, "american"), (101.0, "american"), (99.0, "european")]
    _, others = screened(*rows, bars=bars)
    assert others["reasons"].to_list() == [["no_underlying"]] * 2


def test_last_sessions_are_those_of_the_calendar() -> None:
    def last(session: date, expiry: date, **changes: Any) -> tuple[Any, ...]:
        kept, _ = screened(contract_row(session=session, date=session, expiry=expiry, **changes))
        return kept.select("last_session", "sessions_left", "days_left").row(0)

    assert last(date(2014, 4, 14), date(2014, 4, 19)) == (date(2014, 4, 17), 3, 5), "a Saturday after Good Friday"
    assert last(date(2014, 6, 20), date(2014, 6, 21)) == (date(2014, 6, 20), 0, 1)
    assert last(SESSION, date(2021, 1, 15), underlying="SPX") == (date(2021, 1, 14), 8, 11), "settled in the morning"
    assert last(SESSION, SESSION) == (SESSION, 0, 0)
    assert last(SESSION, date(2023, 1, 20), ask=40.0) == (date(2023, 1, 20), 534, 746), "beyond what the calendar knew: Mondays to Fridays"


def test_stale_quotes_by_minutes() -> None:
    options = DELIVERED.model_copy(update={"screening": DELIVERED.screening.model_copy(update={"max_stale_minutes": 10})})
    times = [CLOSE - timedelta(minutes=10), CLOSE - timedelta(minutes=10, microseconds=1), CLOSE, None]
    _, others = screened(*(contract_row(100.0 + i, quoted_at=at) for i, at in enumerate(times)), options=options)
    assert others.select("strike", "reasons").rows() == [(101.0, ["stale"])]


@settings(max_examples=rounds(40, 2_000))
@given(
    st.floats(20, 400),
    st.floats(0.6, 1.6),
    st.integers(0, 700),
    st.floats(0.05, 1.2),
    st.floats(0.0, 0.1),
    st.floats(0.0, 0.08),
    st.booleans(),
    st.floats(0.0, 0.1),
)
def test_chains_of_a_model_pass_with_any_spread_and_a_shifted_side_does_not(
    spot: float, share: float, days: int, volatility: float, rate: float, dividend_yield: float, european: bool, spread: float
) -> None:
    strike, style = round(spot * share, 2), "european" if european else "american"
    expiry = SESSION + timedelta(days=days)
    expiry += timedelta(days=max(0, 7 - expiry.isoweekday()) if expiry.isoweekday() > 5 else 0) + timedelta(
        days=1 if expiry.isoweekday() > 5 else 0
    )
    if days < 300 and not CALENDAR.is_session(expiry):
        return
    years = max((expiry - SESSION).days, 0.25) / 365
    worth = option_values(spot, strike, years, rate, dividend_yield, volatility, call=[True, False], american=not european)["price"]
    options = OptionsSettings(spot="delivered", rate=rate)
    rows = [
        contract_row(
            strike, right, expiry=expiry, style=style, underlying_price=spot, bid=price * (1 - spread), ask=price * (1 + spread) + 0.01
        )
        for right, price in zip("CP", worth, strict=True)
    ]
    _, others = screened(*rows, options=options)
    assert others.is_empty()
    gap = 0.35 * spot + 4 * spread * float(worth.sum()) + spot * (1 - exp(-0.3 * years))
    dearer = rows[0] | {"bid": rows[0]["bid"] + gap, "ask": rows[0]["ask"] + gap}
    _, others = screened(dearer, rows[1], options=options)
    assert others.height, "a call too dear contradicts its put, or the spot"


NUMBER = st.one_of(st.none(), st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 2.5]), st.floats(0, 300))
ROWS = st.fixed_dictionaries(
    {
        "underlying": st.sampled_from(["AAA", "SPX", "AAA7", " ", None]),
        "session": st.sampled_from([SESSION, date(2021, 1, 5)]),
        "date": st.sampled_from([SESSION, date(2021, 1, 5), date(2021, 1, 3), None]),
        "expiry": st.sampled_from([SESSION, date(2021, 1, 15), date(2021, 1, 17), date(2022, 6, 17), None]),
        "strike": st.one_of(st.sampled_from([90.0, 100.0, 100.0005, -1.0, float("inf")]), NUMBER),
        "right": st.sampled_from(["C", "P", "X", None]),
        "style": st.sampled_from([None, "american", "european", "asian"]),
        "quoted_at": st.sampled_from([None, CLOSE, datetime(2020, 1, 2, tzinfo=UTC)]),
        **dict.fromkeys(("bid", "ask", "close", "volume", "open_interest", "underlying_price", "multiplier", "vendor_delta"), NUMBER),
    }
)


@settings(max_examples=rounds(40, 2_000))
@given(st.lists(ROWS, max_size=30), st.randoms(use_true_random=False))
def test_whatever_comes_nothing_is_lost_and_neither_order_nor_other_sessions_matter(rows: list[dict[str, Any]], random: Any) -> None:
    raw = delivered(*rows) if rows else RAW_OPTION_CHAINS_SCHEMA.to_frame()
    kept, others = screen_chains(raw, NO_BARS, CALENDAR, DELIVERED)
    assert schema_violations(OptionChains, kept) == schema_violations(RejectedOptionChains, others) == []
    back = pl.concat(
        [
            others.drop("reasons"),
            raw.join(
                kept.select("session", "underlying", "expiry", "strike", "right"),
                on=["session", "underlying", "expiry", "strike", "right"],
                how="semi",
            ),
        ]
    )
    assert kept.height + others.height == raw.height
    assert back.height >= raw.height, "each row is among the accepted or the rejected"
    order = list(range(raw.height))
    random.shuffle(order)
    again = screen_chains(raw[order], NO_BARS, CALENDAR, DELIVERED)
    assert again[0].equals(kept)
    assert again[1].height == others.height
    alone = [screen_chains(raw.filter(session=day), NO_BARS, CALENDAR, DELIVERED) for day in sorted(set(raw["session"]))]
    if alone:
        assert pl.concat(one for one, _ in alone).equals(kept)
        assert pl.concat(one for _, one in alone).equals(others)


def test_other_columns_are_refused() -> None:
    with pytest.raises(ContractError, match="a source of options must deliver exactly"):
        screen_chains(chain_order(pl.DataFrame()).drop("bid"), NO_BARS, CALENDAR, DELIVERED)


def test_the_stored_chains_go_through_with_every_rejected_row_explained() -> None:
    """59,373 rows, 55 of them the underlyings themselves.

    - empty: contracts without any price, volume or interest: before the split of 2014-06-09 AAPL's of after it (2,386 in each of three sessions), and the whole chain of 2014-06-06.
    - below_intrinsic, above_bound, parity on AAPL from 2014-06-09 on: the contracts of before the split, which the vendor kept at their old prices: all 2,180 of them (2,026 from the
      expiry of 06-13 on), and no other. On NWSA: those adjusted for the spin-off of 2013-06-28.
    - GOOG of January 2016: seven strikes whose calls stand at 140 to 120, with a spot of 748 and their puts at 170 to 230. AAPL before the split: calls that have not traded for weeks,
      100 below what exercise brings.
    - no_underlying: SPX of December 2015, of which the set has no row of the underlying.
    """
    if not STORED.is_file():
        pytest.skip("needs ../shared/data/us_options, which a clone does not have")
    source = ChainFiles(ChainFilesSettings(path=STORED), CALENDAR)
    made = [screen_chains(source.chains(day), NO_BARS, CALENDAR, DELIVERED) for day in source.sessions()]
    kept, others = (pl.concat(parts) for parts in zip(*made, strict=True))
    assert (kept.height, others.height) == (36_212, 23_106)
    reasons = dict(others.explode("reasons").group_by("reasons").len().iter_rows())
    assert reasons == {"above_bound": 2449, "below_intrinsic": 6462, "empty": 9520, "no_underlying": 505, "parity": 13_032}
    assert schema_violations(OptionChains, kept) == []
    split, before = others.filter(underlying="AAPL", session=date(2014, 6, 9)), source.chains(date(2014, 6, 5)).filter(underlying="AAPL")
    after = source.chains(date(2014, 6, 9)).filter(underlying="AAPL")
    assert set(split["contract"]) == set(before["contract"]) & set(after["contract"]), (
        "those of before the split, all of them, and no other"
    )
    assert split.height == 2180 == kept.filter(underlying="AAPL", session=date(2014, 6, 9)).height
    assert others.filter(underlying="NWSA", session=date(2013, 6, 28)).height == 134
    quiet = others.filter(pl.col("underlying").is_in(["TWX", "SPY"]))
    assert quiet.is_empty()
