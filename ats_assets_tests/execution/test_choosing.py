"""A broker of one's own is one file: it is found by name, checks its settings itself, and trades as the others do."""

from pathlib import Path
from typing import Any

import pytest

from ats_assets.automation.trading import left_of_the_last_plan
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.trading import open_trading
from ats_assets_tests.brokers.alpaca.test_broker import ENVIRONMENT, EVENING
from ats_assets_tests.small_market import FIRST, make_history, small_market

OWN = '''"""The paper broker with cash of its own."""

from pydantic import Field

from ats_assets.brokers.paper import PaperBroker, WarehouseMarket
from ats_assets.execution.broker import BrokerPlugin
from ats_assets.settings import Section


class GenerousSettings(Section):
    cash: float = Field(default=5_000_000.0, gt=0)


def opened(own, opening):
    settings = opening.deployment.settings
    backtest = settings.backtest.model_copy(update={"initial_cash": own.cash})
    broker = PaperBroker(opening.state, WarehouseMarket(opening.deployment), backtest, settings.orders)
    broker.name = "generous"
    return broker


PLUGIN = BrokerPlugin(settings=GenerousSettings, make=opened, embedded=True)
'''


def market(root: Path, **changes: Any) -> Deployment:
    file = root / "plugins" / "brokers" / "generous.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(OWN, encoding="utf-8")
    return small_market(root, **{"plugins": {"folder": root / "plugins"}, "orders": {"broker": "generous"}, **changes})


def test_orders_go_to_a_broker_of_ones_own_with_its_own_settings(tmp_path: Path) -> None:
    deployment = market(tmp_path, brokers={"generous": {"cash": 2_000.0}})
    make_history(deployment, FIRST, FIRST, ["raw_bars", "bars", "rejected_bars"])
    with open_trading(deployment) as trading:
        assert trading.broker.name == "generous"
        assert trading.broker.settle(FIRST) is None
        assert trading.broker.account().cash == 2_000
    assert deployment.of(chosen_broker).embedded
    assert not deployment.of(chosen_broker).is_live
    assert left_of_the_last_plan(deployment, EVENING) is None


def test_two_accounts_of_one_kind_have_sections_of_their_own(tmp_path: Path) -> None:
    accounts = {"small": {"kind": "generous", "cash": 1.0}, "large": {"kind": "generous", "cash": 1e9}}
    chosen = [market(tmp_path, orders={"broker": name}, brokers=accounts).of(chosen_broker) for name in accounts]
    assert [(one.kind, one.own.model_dump()) for one in chosen] == [("generous", {"cash": 1.0}), ("generous", {"cash": 1e9})]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"orders": {"broker": "genrous"}}, r"orders\.broker is 'genrous', which is no broker: choose one of alpaca, generous, paper"),
        ({"brokers": {"generous": {"csh": 1}}}, r"\[brokers\.generous\] has 1 wrong setting: csh.*It knows cash"),
        ({"orders": {"broker": "a"}, "brokers": {"a": {"kind": "b"}}}, r"brokers\.a\.kind is 'b', which is no broker"),
    ],
)
def test_a_mistake_in_the_settings_is_told_in_their_words(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said), open_trading(market(tmp_path, **changes)):
        pass


@pytest.mark.parametrize(("minutes", "unfilled", "refused"), [(10, "close", True), (11, "close", False), (5, "cross", False)])
def test_what_is_left_of_an_order_must_come_to_the_closing_auction_in_time(
    tmp_path: Path, minutes: int, unfilled: str, refused: bool
) -> None:
    """Alpaca takes such orders until 15:50: before, each was refused, on every day, and its shares stayed unfilled."""
    orders = {"broker": "alpaca", "algorithm": "twap", "unfilled": unfilled, "last_minutes": minutes}
    deployment = small_market(tmp_path, orders=orders)
    if refused:
        with pytest.raises(SettingsError, match=r"orders\.last_minutes is 10.* set it to at least 11, or orders\.unfilled"):
            deployment.of(chosen_broker)
    else:
        assert deployment.of(chosen_broker).kind == "alpaca"
    assert small_market(tmp_path, orders=orders | {"broker": "paper"}).of(chosen_broker).embedded


def test_what_is_known_of_those_that_come_with_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    paper, alpaca = (small_market(tmp_path, orders={"broker": name}).of(chosen_broker) for name in ("paper", "alpaca"))
    assert (paper.embedded, paper.calendar) == (True, None)
    assert (alpaca.embedded, alpaca.is_live, alpaca.calendar is None) == (False, False, False)
    live = small_market(tmp_path, orders={"broker": "alpaca", "live": True}, alpaca={"account": "live"})
    assert live.of(chosen_broker).is_live
    with paper.updates(print) as updates:
        updates.check()
