"""What an account or an asset may not do is not planned: each flag of alpaca-py's models, and each way in which the list of assets is untidy."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.enums import AccountStatus, AssetClass, AssetExchange
from alpaca.trading.models import AccountConfiguration, Asset, TradeAccount
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.brokers.alpaca.account_rules import AccountRules, account_rules, assets_by_symbol, instrument_of
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.order import Instrument
from ats_assets_tests.brokers.alpaca.test_broker import Alpaca, alpaca
from ats_assets_tests.orders.test_order_plan import plan

__all__ = ["alpaca"]
ID = "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415"
PAGE = Path(__file__).parents[3] / "docs" / "orders.md"
ACCOUNT = {
    "id": ID, "account_number": "PA1", "status": "ACTIVE", "crypto_status": "ACTIVE", "currency": "USD", "cash": "100000", "equity": "100000",
    "buying_power": "200000", "regt_buying_power": "200000", "non_marginable_buying_power": "100000", "multiplier": "2", "shorting_enabled": True,
    "trading_blocked": False, "account_blocked": False, "trade_suspended_by_user": False, "maintenance_margin": "0",
}  # fmt: skip
CHOSEN = {
    "fractional_trading": True, "max_margin_multiplier": "4", "no_shorting": False, "suspend_trade": False, "trade_confirm_email": "all",
    "ptp_no_exception_entry": False,
}  # fmt: skip
ASSET = {
    "id": ID, "class": "us_equity", "exchange": "NASDAQ", "symbol": "AAA", "name": "A", "status": "active", "tradable": True, "marginable": True,
    "shortable": True, "easy_to_borrow": True, "fractionable": True, "maintenance_margin_requirement": 30, "attributes": [],
}  # fmt: skip


def rules(account: dict[str, Any] | None = None, chosen: dict[str, Any] | None = None, **how: bool) -> AccountRules:
    return account_rules(TradeAccount(**ACCOUNT | (account or {})), AccountConfiguration(**CHOSEN | (chosen or {})), **how)


def made(asset: dict[str, Any] | None = None, **about: Any) -> Instrument:
    found = Asset(**ASSET | (asset or {}))
    return instrument_of(found.symbol, found, rules(**about))


@pytest.mark.parametrize(("model", "title"), [(TradeAccount, "Account"), (AccountConfiguration, "Account settings"), (Asset, "Asset")])
def test_the_documentation_has_a_row_for_each_field_of_the_model(model: Any, title: str) -> None:
    """A new field of alpaca-py fails here until it is said what the plan does about it."""
    section = PAGE.read_text(encoding="utf-8").split(f"### {title} (`{model.__name__}`)")[1].split("\n#")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    rows = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(rows) == sorted(model.model_fields)


def test_an_asset_without_faults_can_be_traded_in_every_way() -> None:
    assert made() == Instrument(symbol="AAA", tradable=True, fractionable=True, shortable=True)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        *(({"account": {"status": status.value}}, f"its status is {status.value}") for status in AccountStatus if status.value not in ("ACTIVE", "PAPER_ONLY")),
        ({"account": {"status": "PAPER_ONLY"}, "live": True}, "its status is PAPER_ONLY"),
        *(({"account": {name: True}}, f"it is blocked ({name})") for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user")),
        ({"account": {"currency": "EUR"}}, "its currency is EUR, and prices are in USD"),
        ({"chosen": {"suspend_trade": True}}, "its owner has suspended trading (suspend_trade)"),
    ],
)  # fmt: skip
def test_an_account_that_may_not_trade_has_no_tradable_instrument(about: dict[str, Any], said: str) -> None:
    found = made(**about)
    assert (found.tradable, found.openable, found.shortable, found.fractionable) == (False, False, False, False)
    assert found.reason == f"AAA: the account can't trade: {said}"


def test_a_paper_account_trades_on_paper() -> None:
    assert made(account={"status": "PAPER_ONLY"}).tradable
    assert made(account={"currency": None}).tradable


@pytest.mark.parametrize(
    ("asset", "about", "tradable", "openable", "shortable", "fractionable"),
    [
        ({"status": "inactive"}, {}, False, False, False, False),
        ({"tradable": False}, {}, False, False, False, False),
        *(({"class": kind.value}, {}, False, False, False, False) for kind in AssetClass if kind.value not in ("us_equity", "crypto")),
        *(({"exchange": one.value}, {}, True, one.value != "OTC", True, True) for one in AssetExchange),
        ({"shortable": False}, {}, True, True, False, True),
        ({"easy_to_borrow": False}, {}, True, True, False, True),
        ({"fractionable": False}, {}, True, True, True, False),
        ({"attributes": ["ipo"]}, {}, True, False, True, True),
        ({"attributes": ["ptp_no_exception"]}, {}, True, False, True, True),
        ({"attributes": ["ptp_no_exception"]}, {"chosen": {"ptp_no_exception_entry": True}}, True, True, True, True),
        ({"attributes": ["ptp_with_exception", "has_options", "new_one"]}, {}, True, True, True, True),
        ({"attributes": None}, {}, True, True, True, True),
        ({"class": "crypto", "exchange": "CRYPTO", "symbol": "BTC/USD"}, {}, True, True, True, True),
        ({"class": "crypto", "exchange": "CRYPTO", "symbol": "BTC/USD"}, {"account": {"crypto_status": None}}, False, False, False, False),
        ({"class": "crypto", "symbol": "BTC/USD"}, {"account": {"crypto_status": "SUBMITTED"}}, False, False, False, False),
        ({}, {"account": {"crypto_status": None}}, True, True, True, True),
        ({}, {"account": {"shorting_enabled": False}}, True, True, False, True),
        ({}, {"account": {"shorting_enabled": None}}, True, True, False, True),
        ({}, {"account": {"multiplier": "1"}}, True, True, False, True),
        ({}, {"chosen": {"no_shorting": True}}, True, True, False, True),
        ({}, {"chosen": {"fractional_trading": False}}, True, True, True, False),
        ({}, {"account": {"maintenance_margin": "100000.01"}}, True, False, True, True),
        ({}, {"account": {"equity": "-5", "maintenance_margin": "1"}}, True, False, True, True),
        ({}, {"account": {"pattern_day_trader": True, "equity": "24999"}, "brackets": True}, True, False, True, True),
        ({}, {"account": {"daytrade_count": 3, "equity": "24999"}, "brackets": True}, True, False, True, True),
        ({}, {"account": {"daytrade_count": 3, "equity": "24999"}}, True, True, True, True),
        ({}, {"account": {"daytrade_count": 2, "equity": "24999"}, "brackets": True}, True, True, True, True),
        ({}, {"account": {"pattern_day_trader": True, "equity": "25000"}, "brackets": True}, True, True, True, True),
        ({"marginable": False}, {"account": {"non_marginable_buying_power": "0"}}, True, False, True, True),
        ({}, {"account": {"non_marginable_buying_power": "-1"}}, True, True, True, True),
    ],
)
def test_what_each_flag_allows(
    asset: dict[str, Any], about: dict[str, Any], tradable: bool, openable: bool, shortable: bool, fractionable: bool
) -> None:
    found = made(asset, **about)
    assert (found.tradable, found.openable, found.shortable, found.fractionable) == (tradable, openable, shortable, fractionable)
    assert (found.reason is None) == (tradable and openable)


@pytest.mark.parametrize(
    ("asset", "account", "factor"),
    [
        ({}, {}, "1"),
        ({"maintenance_margin_requirement": None}, {}, "1"),
        ({"maintenance_margin_requirement": 75}, {}, "1.5"),
        ({"maintenance_margin_requirement": 100}, {}, "2"),
        ({"maintenance_margin_requirement": 100}, {"multiplier": "4"}, "2"),
        ({"maintenance_margin_requirement": 100}, {"multiplier": "1", "buying_power": "100000"}, "1"),
        ({"marginable": False}, {}, "2"),
        ({"marginable": False}, {"non_marginable_buying_power": "50000"}, "4"),
        ({"marginable": False}, {"non_marginable_buying_power": None}, "2"),
        ({"class": "crypto", "symbol": "BTC/USD"}, {"non_marginable_buying_power": "40000"}, "5"),
    ],
)
def test_what_a_dollar_takes_of_the_buying_power(asset: dict[str, Any], account: dict[str, Any], factor: str) -> None:
    assert made(asset, account=account).margin_factor == Decimal(factor)


def test_the_lesser_buying_power_counts_overnight() -> None:
    assert rules({"buying_power": "400000", "multiplier": "4"}).buying_power == 200000
    assert rules({"regt_buying_power": None}).buying_power == 200000
    with pytest.raises(BrokerError, match="buying_power"):
        rules({"buying_power": None})


def test_what_can_not_be_opened_is_only_reduced_and_what_needs_more_margin_is_bought_for_less() -> None:
    made = plan({"A": 0.5, "B": 0.1, "C": -0.1}, {"A": 10, "B": 10, "C": 10}, {"B": 500, "C": 100}, cash=4_000, held_only=("A", "B", "C"))
    assert made.select("symbol", "leg", "side", "quantity", "reason").rows() == [
        ("A", "open", "buy", 0, "limit_opening"),
        ("B", "close", "sell", 400, None),
        ("C", "close", "sell", 100, "limit_opening"),
    ]
    halves = plan({"A": 0.5, "B": 0.25}, {"A": 10, "B": 10}, buying_power=10_000, factors={"A": 2.0, "B": 4.0})
    assert halves.select("symbol", "quantity", "reason").rows() == [("A", 250, "limit_buying_power"), ("B", 125, "limit_buying_power")]


OLD = ASSET | {"id": "00000000-0000-0000-0000-000000000001", "status": "inactive", "tradable": False}
OTHER = ASSET | {"id": "00000000-0000-0000-0000-000000000002"}


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([OLD, ASSET], ID),
        ([ASSET, OLD], ID),
        ([OLD, OTHER | {"status": "inactive"}], "inactive"),
        ([ASSET, OTHER | {"class": "us_option"}, OTHER | {"id": OLD["id"], "class": "crypto"}], ID),
        ([ASSET, OTHER | {"tradable": False}], ID),
        ([ASSET, OTHER], "several active assets"),
        ([ASSET, ASSET], ID),
        ([ASSET | {"exchange": "MOON"}], "can't be read"),
        ([ASSET | {"exchange": "MOON"}, OLD], "can't be read"),
        ([ASSET, OTHER | {"class": "us_treasury"}], ID),
        ([{name: value for name, value in ASSET.items() if name != "marginable"}], "can't be read"),
        ([ASSET, {"id": "x"}, None, "AAA"], ID),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_which_asset_a_ticker_means(listed: list[Any], expected: str, backwards: bool) -> None:
    """The last one of the list counted: a delisted company of the same ticker hid the one that trades."""
    found = assets_by_symbol(listed[::-1] if backwards else listed)
    assert set(found) == {"AAA"}
    chosen = found["AAA"]
    if isinstance(chosen, str):
        assert expected in chosen
        assert not instrument_of("AAA", chosen, rules()).tradable
    else:
        assert expected in (str(chosen.id), chosen.status.value)


@given(st.permutations([OLD, ASSET, OTHER | {"tradable": False}, OTHER | {"id": "3", "exchange": "MOON"}, ASSET | {"symbol": "BBB"}]))
def test_the_choice_does_not_depend_on_the_order_of_the_list(listed: list[dict[str, Any]]) -> None:
    chosen = assets_by_symbol(listed)["AAA"]
    assert not isinstance(chosen, str)
    assert str(chosen.id) == ID


@pytest.mark.parametrize("many", [False, True])
def test_a_delisted_namesake_does_not_hide_the_asset_that_trades(alpaca: Alpaca, many: bool) -> None:
    """Asked one by one, and from the list."""
    assets = alpaca.reference.assets
    assets["AAA"], assets["AAA again"] = assets["AAA"] | {"status": "inactive", "tradable": False}, assets["AAA"] | {"id": ID}
    symbols = ["AAA", "BBB", "BRK-B", *(f"N{i}" for i in range(40) if many)]
    found = alpaca.broker().instruments(symbols)
    assert [symbol for symbol, one in found.items() if one.tradable] == ["AAA", "BBB", "BRK-B"]


def test_one_asset_that_can_not_be_read_does_not_stop_the_others(alpaca: Alpaca) -> None:
    alpaca.reference.add_asset("ODD", exchange="MOON")
    found = alpaca.broker().instruments(["AAA", "ODD"])
    assert [symbol for symbol, one in found.items() if one.tradable] == ["AAA"]
    assert "can't be read" in str(found["ODD"].reason)


def test_the_owner_s_choices_and_the_account_count_at_the_broker(alpaca: Alpaca) -> None:
    alpaca.trading.configuration_fields = {"no_shorting": True, "fractional_trading": False}
    alpaca.trading.account_fields = {"regt_buying_power": "50000", "crypto_status": None}
    broker = alpaca.broker()
    found = broker.instruments(["AAA", "BTC/USD"])
    assert (found["AAA"].tradable, found["AAA"].shortable, found["AAA"].fractionable) == (True, False, False)
    assert found["BTC/USD"].reason == "BTC/USD: crypto is not open to it (crypto_status: None)"
    assert broker.account().buying_power == 50000
    alpaca.trading.account_fields = {"status": "ACCOUNT_CLOSED"}
    assert broker.account().trading_blocked
