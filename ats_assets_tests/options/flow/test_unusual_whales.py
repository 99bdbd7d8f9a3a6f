"""Option flow from Unusual Whales: nothing lost between pages whatever "older than" means, each row in the session at whose close it was known, and what a plan lacks is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError, SourceError
from ats_assets.options.flow.flow_source import FlowSource
from ats_assets.options.flow.flow_sources import unusual_whales
from ats_assets.options.flow.flow_sources.unusual_whales import whale_flow
from ats_assets.options.flow.flow_sources.unusual_whales.whale_flow import WhaleFlow
from ats_assets.options.flow.flow_sources.unusual_whales.whale_rows import READ, alert_rows, dark_rows
from ats_assets.options.flow.flow_sources.unusual_whales.whale_settings import WhaleFlowSettings
from ats_assets.vendors.errors import VendorKeysError, VendorPagesError, VendorRefusedError
from ats_assets_tests.kits.flow_sources import FlowSourceKit
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import small_market
from ats_assets_tests.vendors.doubles import Mishap, VendorDouble, Wrong
from ats_assets_tests.vendors.quick_vendors import quick_tables
from ats_assets_tests.vendors.unusual_whales_double import WHALE_KEY, WhaleData, alert, dark_trade, exposure, whale_double

DAYS = [date(2024, 3, day) for day in (11, 12, 13)]
"""From Monday on; New York is at UTC-4 by then."""
NOW = datetime(2024, 3, 13, 21, tzinfo=UTC)
BEFORE, CLOSE = datetime(2024, 3, 11, 20, tzinfo=UTC), datetime(2024, 3, 12, 20, tzinfo=UTC)
"""The closes of the first two sessions."""


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f+00:00")


def flow_data() -> WhaleData:
    """Alerts and trades about two closes, and exposures by day."""
    data = WhaleData()
    instants = [at + timedelta(seconds=s) for at in (BEFORE, CLOSE) for s in (-20_000, -7.5, 0, 0.000001, 9_000)]
    data.alerts = [alert(iso(at), n) for n, at in enumerate(instants)]
    data.trades = [dark_trade(at.strftime("%Y-%m-%dT%H:%M:%SZ"), n) for n, at in enumerate(instants)]
    for n, day in enumerate(DAYS):
        data.exposures["AAPL", "total", day] = [exposure(day, n)]
        data.exposures["AAPL", "strike", day] = [_of(exposure(day, 10 * n + k), strike=str(170 + 5 * k)) for k in range(2)]
        data.exposures["AAPL", "expiry", day] = [_of(exposure(day, 100 * n + k), expiry=f"2024-04-{19 + k}") for k in range(2)]
    return data


def _of(row: dict[str, Any], **key: str) -> dict[str, Any]:
    """Exposure of a strike or an expiry, as it is written since 2026."""
    gammas = {f"{side}_gex": row[f"{side}_gamma"] for side in ("call", "put")}
    return {name: value for name, value in row.items() if "gamma" not in name and name != "date"} | gammas | key


@contextmanager
def whales(data: WhaleData | None = None) -> Iterator[tuple[VendorDouble, WhaleData]]:
    with whale_double(known := data or flow_data()) as double, pytest.MonkeyPatch.context() as environment:
        environment.setenv("UNUSUAL_WHALES_API_TOKEN", WHALE_KEY)
        yield double, known


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return small_market(tmp_path_factory.mktemp("market"), calendar={"first_session": date(2024, 1, 2)}, vendors=quick_tables())


def source(double: VendorDouble, deployment: Deployment, **own: Any) -> WhaleFlow:
    how = {"symbols": ("AAPL",), "first_session": DAYS[0], "url": double.url}
    return WhaleFlow(WhaleFlowSettings(**how | own), deployment, now=lambda: NOW)


class TestWhales(FlowSourceKit):
    plugin = unusual_whales.PLUGIN
    own: ClassVar[dict[str, Any]] = {"symbols": ("AAPL",), "first_session": DAYS[0], "exposure_by": ("total", "strike", "expiry")}
    wrong: ClassVar[dict[str, Any]] = {"url": "https://example.org"}

    @pytest.fixture(autouse=True)
    def _in(self, deployment: Deployment) -> None:
        type(self).calendar = deployment.calendar
        self.deployment = deployment

    @contextmanager
    def opened(self, folder: Path) -> Iterator[FlowSource]:
        with whales() as (double, _):
            yield source(double, self.deployment, **self.own)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[FlowSource]:
        with whales() as (double, data):
            data.without = ("/api/darkpool",)
            yield source(double, self.deployment, **self.own)


def events(rows: pl.DataFrame, kind: str) -> list[str]:
    return rows.filter(kind=kind).sort("known_at")["event"].to_list()


def test_a_row_belongs_to_the_session_at_whose_close_it_was_known(deployment: Deployment) -> None:
    with whales() as (double, _):
        flow = source(double, deployment)
        rows = {day: flow.flow(day) for day in DAYS}
        assert events(rows[DAYS[0]], "flow_alert") == ["alert-0", "alert-1", "alert-2"], "at the close included"
        assert events(rows[DAYS[1]], "flow_alert") == [f"alert-{n}" for n in (3, 4, 5, 6, 7)], "a microsecond after it the next session's"
        assert events(rows[DAYS[2]], "flow_alert") == ["alert-8", "alert-9"]
        assert [len(events(rows[day], "dark_pool")) for day in DAYS] == [4, 5, 1], (
            "to the second: the trade of the close's second is known at it"
        )


def test_what_is_read_of_each_kind(deployment: Deployment) -> None:
    with whales() as (double, _):
        rows = source(double, deployment, exposure_by=("total", "strike", "expiry")).flow(DAYS[1])
        one = rows.filter(event="alert-6").row(0, named=True)
        assert (one["contract"], one["expiry"], one["strike"], one["right"], one["rule"]) == (
            "AAPL240419C00175000",
            date(2024, 4, 19),
            175.0,
            "C",
            "RepeatedHits",
        )
        assert (one["price"], one["size"], one["premium"], one["ask_premium"], one["bid_premium"], one["trades"]) == (
            4.05,
            467.0,
            186705.0,
            151875.0,
            405.0,
            32.0,
        )
        assert (one["sweep"], one["floor"], one["multileg"], one["opening"], one["open_interest"]) == (True, False, False, False, 7913.0)
        trade = rows.filter(kind="dark_pool").row(0, named=True)
        assert (trade["price"], trade["bid"], trade["ask"], trade["exchange"], trade["conditions"]) == (
            18.995,
            18.99,
            19.0,
            "L",
            ["regular_settlement"],
        )
        exposed = rows.filter(kind="greek_exposure").select("expiry", "strike", "call_gamma", "put_charm", "known_at").rows()
        assert [row[:2] for row in exposed] == [
            (date(2024, 4, 19), None),
            (date(2024, 4, 20), None),
            (None, 170.0),
            (None, 175.0),
            (None, None),
        ]
        assert exposed[-1][2:] == (2002.0, -3602.0, CLOSE)
        assert exposed[2][2] == 2011.0, "call_gex, as it is called of strikes"
        assert rows["defects"].null_count() == rows.height


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize(("most", "by_second"), [(2, False), (3, False), (5, True), (7, True), (7, False)])
def test_pages_lose_and_double_nothing_whether_older_than_includes_its_time_or_not(
    deployment: Deployment, inclusive: bool, most: int, by_second: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = flow_data()
    seconds = [n // 2 for n in range(23)]  # two trades a second, over the pages' ends
    data.trades = [dark_trade((CLOSE - timedelta(seconds=100 + s)).strftime("%Y-%m-%dT%H:%M:%SZ"), n) for n, s in enumerate(seconds)]
    data.alerts = [alert(iso(CLOSE - timedelta(seconds=100.5 + n)), n) for n in range(17)]
    monkeypatch.setattr(whale_flow, "_TRADES", whale_flow._List("executed_at", most))
    monkeypatch.setattr(whale_flow, "_ALERTS", whale_flow._List("created_at", most))
    with whales(data) as (double, _), monkeypatch.context() as unlimited:
        unlimited.setattr(whale_flow, "_TRADES", whale_flow._List("executed_at", 500))
        unlimited.setattr(whale_flow, "_ALERTS", whale_flow._List("created_at", 200))
        whole = source(double, deployment).flow(DAYS[1])
        unlimited.undo()
        assert (len(events(whole, "dark_pool")), len(events(whole, "flow_alert"))) == (23, 17)
        data.inclusive, data.by_second = inclusive, by_second
        if most == 2:  # of one second, so that nothing can tell whether there are more
            with pytest.raises(VendorPagesError, match=r"2 rows or more of one instant .*: set option_flow.source.min_premium"):
                source(double, deployment).flow(DAYS[1])
        else:
            assert source(double, deployment).flow(DAYS[1]).equals(whole)


@pytest.mark.parametrize("wrong", [Wrong.RATE_LIMIT, Wrong.CUT, Wrong.TRUNCATED, Wrong.NOT_JSON, Wrong.EMPTY, Wrong.ERROR])
def test_a_server_that_misbehaves_now_and_then_loses_nothing(deployment: Deployment, wrong: Wrong) -> None:
    with whales() as (double, _):
        right = source(double, deployment).flow(DAYS[1])
        double.script += [Mishap(wrong, skip=skip) for skip in (0, 2)]
        assert source(double, deployment).flow(DAYS[1]).equals(right)


def test_a_page_that_is_shorter_than_documented_is_not_the_last(deployment: Deployment) -> None:
    data = flow_data()
    data.alerts = [alert(iso(CLOSE - timedelta(seconds=100.5 + n)), n) for n in range(17)]
    with whales(data) as (double, _):
        whole = source(double, deployment).flow(DAYS[1])
        for fewer in (3, 7):
            data.fewer = fewer
            assert source(double, deployment).flow(DAYS[1]).equals(whole)
        data.fewer = 2
        with pytest.raises(VendorPagesError, match="2 rows or more of one instant"):  # of trades in one second
            source(double, deployment).flow(DAYS[1])
        data.fewer = None
        double.script.append(Mishap(Wrong.HALF_PAGE))
        assert source(double, deployment).flow(DAYS[1]).equals(whole)


PASSING = (Wrong.RATE_LIMIT, Wrong.ERROR, Wrong.NO_ANSWER, Wrong.CUT, Wrong.NOT_JSON, Wrong.TRUNCATED, Wrong.EMPTY, Wrong.ECHO)


@settings(max_examples=rounds(10, 200))
@given(
    st.lists(
        st.builds(Mishap, st.sampled_from([*PASSING, Wrong.REDIRECT, Wrong.REFUSED_ECHO]), times=st.integers(1, 5), skip=st.integers(0, 8)),
        max_size=4,
    ),
    st.sampled_from([None, 3, 4]),
    st.booleans(),
    st.booleans(),
)
def test_whatever_goes_wrong_the_flow_is_right_or_there_is_an_error(
    deployment: Deployment, mishaps: list[Mishap], fewer: int | None, inclusive: bool, by_second: bool
) -> None:
    with whales() as (double, data):
        right = source(double, deployment).flow(DAYS[1])
        data.fewer, data.inclusive, data.by_second = fewer, inclusive, by_second
        double.script += mishaps
        try:
            found = source(double, deployment).flow(DAYS[1])
        except SourceError:
            return
        assert found.equals(right)


def test_what_is_reported_late_is_known_when_it_was_reported(deployment: Deployment) -> None:
    data = flow_data()
    at = (BEFORE - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    data.trades = [
        dark_trade(at, 1, trf_executed_at=iso(BEFORE + timedelta(minutes=5))),
        dark_trade(at, 2, trf_executed_at=iso(BEFORE - timedelta(hours=2))),
    ]
    with whales(data) as (double, _):
        flow = source(double, deployment, kinds=("dark_pool",))
        assert [events(flow.flow(day), "dark_pool") for day in DAYS[:2]] == [["71984388012247"], ["71984388012246"]]
        assert events(source(double, deployment, kinds=("dark_pool",), late_minutes=10).flow(DAYS[1]), "dark_pool") == []
        assert "reported more than 60 minutes after it was executed may be missing" in flow.describe()


def test_plans_tokens_and_unknown_symbols(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    with whales() as (double, data):
        assert source(double, deployment, symbols=("ZZZZ",)).flow(DAYS[1]).is_empty()
        data.without = ("/api/option-trades",)
        with pytest.raises(
            VendorRefusedError,
            match=r"does not include GET /api/option-trades/flow-alerts.*Your plan does not include.*option_flow.source.kinds",
        ):
            source(double, deployment).flow(DAYS[1])
        assert source(double, deployment, kinds=("greek_exposure",)).flow(DAYS[1]).height == 1
        monkeypatch.setenv("UNUSUAL_WHALES_API_TOKEN", "another0token0123456789")
        with pytest.raises(VendorKeysError, match="UNUSUAL_WHALES_API_TOKEN is missing, wrong or expired"):
            source(double, deployment, kinds=("greek_exposure",)).flow(DAYS[1])
        monkeypatch.delenv("UNUSUAL_WHALES_API_TOKEN")
        with pytest.raises(SettingsError, match="UNUSUAL_WHALES_API_TOKEN is not set"):
            source(double, deployment).flow(DAYS[1])
        monkeypatch.setenv("UW_TOKEN", WHALE_KEY)
        assert source(double, deployment, kinds=("greek_exposure",)).flow(DAYS[1]).height == 1, "the vendor's own examples call it UW_TOKEN"


def test_cells_that_can_not_be_read_are_named(deployment: Deployment) -> None:
    data = flow_data()
    data.alerts = [
        alert(iso(CLOSE - timedelta(hours=1)), 1, price="dear", type="straddle", has_sweep="yes", expiry="soon", total_size=None)
    ]
    with whales(data) as (double, _):
        row = source(double, deployment, kinds=("flow_alerts",)).flow(DAYS[1]).row(0, named=True)
        assert row["defects"] == "; ".join(
            [
                "price: 'dear' is no number",
                "has_sweep: 'yes' is no yes or no",
                "type: 'straddle' is no call or put",
                "expiry: 'soon' is no day",
            ]
        )
        assert (row["price"], row["right"], row["sweep"], row["size"]) == (None, None, None, None)
    assert alert_rows(["nothing"])[0]["defects"] == "row: 'nothing' is no object"
    assert dark_rows([{}])[0]["known_at"] is None
    assert alert_rows([{"created_at": 67768036191676796000}])[0]["defects"] == "created_at: '67768036191676796000' is no time"


CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.integers(), max_size=2))


@given(st.lists(st.dictionaries(st.sampled_from([*READ["flow_alerts"], *READ["dark_pool"]]), CELLS, max_size=8), max_size=4))
def test_any_row_becomes_a_row(rows: list[dict[str, Any]]) -> None:
    for made in (alert_rows(rows), dark_rows(rows)):
        assert len(made) == len(rows)


PUBLISHED = {
    "flow_alerts": "alert_rule all_opening_trades created_at expiry expiry_count has_floor has_multileg has_singleleg has_sweep id open_interest option_chain price strike "
    "ticker total_ask_side_prem total_bid_side_prem total_premium total_size trade_count type underlying_price volume volume_oi_ratio",
    "dark_pool": "canceled executed_at ext_hour_sold_codes market_center nbbo_ask nbbo_ask_quantity nbbo_bid nbbo_bid_quantity premium price sale_cond_codes size ticker "
    "tracking_id trade_code trade_settlement trf_executed_at volume",
    "greek_exposure": "call_charm call_delta call_gamma call_gex call_vanna date expiry put_charm put_delta put_gamma put_gex put_vanna strike",
}
"""The fields of `Flow Alert`, `Darkpool Trade`, `Greek Exposure` and those by strike and expiry in Unusual Whales' OpenAPI document (https://api.unusualwhales.com/api/openapi), as of 2025-10-22,
and with `trf_executed_at`, `call_gex` and `put_gex` as of 2026-08-14. `id` of an alert is in its answers and in the operation for one alert, not in the document of 2025."""


@pytest.mark.parametrize(
    ("kind", "made"),
    [("flow_alerts", alert("", 1)), ("dark_pool", dark_trade("", 1, trf_executed_at="")), ("greek_exposure", exposure(DAYS[0], 1))],
)
def test_what_is_read_and_what_the_double_tells_is_published(kind: str, made: dict[str, Any]) -> None:
    published = set(PUBLISHED[kind].split())
    assert set(READ[kind]) <= published
    assert set(made) <= published
