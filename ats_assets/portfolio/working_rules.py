"""How the orders of a deployment are worked in parts, for a backtest and the paper broker: which algorithm each has, and the stored sessions that it is played from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA, Algorithm, Increments, Parent
from ats_assets.algorithms.choosing import AT_OPEN, chosen_algorithm, named_algorithms
from ats_assets.algorithms.order_selection import ChosenWork, day_end_of, work_window
from ats_assets.algorithms.order_words import Leg, Side
from ats_assets.algorithms.played_session import SessionTimes, WorkedOrder
from ats_assets.algorithms.price_grid import FINEST, is_pair, price_away
from ats_assets.algorithms.stored_days import StoredDays
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.settings import OrdersSettings, Settings


@dataclass(frozen=True, kw_only=True)
class WorkingRules:
    """How orders are worked.

    Parameters
    ----------
    algorithms
        By the names that `orders` has.
    """

    orders: OrdersSettings
    days: StoredDays
    algorithms: Mapping[str, Algorithm]

    def worked(  # noqa: PLR0917 - what an order is
        self, symbol: str, side: Side, leg: Leg, quantity: Decimal, decision_price: Decimal, chosen: ChosenWork, times: SessionTimes
    ) -> WorkedOrder:
        """An order as it is played."""
        day_end = day_end_of(self.orders, symbol)
        starts, ends = work_window(times.opens_at, times.closes_at, day_end, self.orders.start_minutes, self.orders.work_minutes)
        parent = Parent(
            client_order_id=f"{symbol}-{leg}",
            symbol=symbol,
            side=side,
            leg=leg,
            quantity=quantity,
            decision_price=decision_price,
            starts_at=starts,
            ends_at=ends,
            limit_price=price_away(symbol, decision_price, side.sign * self.orders.collar_bps) if self.orders.kind == "limit" else None,
            urgency=chosen.urgency,
            increments=smallest_steps(symbol),
        )
        return WorkedOrder(parent=parent, algorithm=self.algorithms[chosen.algorithm], day_end=day_end)


def smallest_steps(symbol: str) -> Increments:
    """What prices and quantities are multiples of where no broker says it: whole shares, and billionths of a coin."""
    return Increments(quantity=FINEST, least_quantity=FINEST) if is_pair(symbol) else Increments()


def order_algorithms(deployment: Deployment) -> tuple[Algorithm, ...]:
    """The algorithms that orders may be worked by; none where all are for the open. Use it as `deployment.of(order_algorithms)`.

    Raises
    ------
    SettingsError
        If there is no algorithm of a name, or it has a setting that it does not know.
    """
    settings = deployment.settings
    names = named_algorithms(settings) if settings.orders.works_in_parts else ()
    return tuple(chosen_algorithm(settings, name).made() for name in names if name != AT_OPEN)


def session_days(deployment: Deployment) -> StoredDays:
    """The stored sessions of a deployment; they are empty where `orders.session_bars` names none."""
    settings, name = deployment.settings, deployment.settings.orders.session_bars

    def read(session: date) -> pl.DataFrame:
        if name is None or not deployment.warehouse.exists(name, session):
            return MINUTE_SCHEMA.to_frame()
        return deployment.warehouse.read(name, [session])

    def is_stored(session: date) -> bool:
        return name is None or deployment.warehouse.exists(name, session)

    return StoredDays(read, deployment.calendar, settings.backtest.spread_bps / 1e4, is_stored)


def working_rules(deployment: Deployment) -> WorkingRules | None:
    """How the orders of a deployment are worked; None where all are for the market at the open.

    Raises
    ------
    SettingsError
        If an algorithm needs bars inside the session, and no settings say which; or there is no such algorithm.
    """
    settings = deployment.settings
    if not settings.orders.works_in_parts and not settings.orders.has_limits:
        return None
    algorithms = {name: chosen_algorithm(settings, name).made() for name in named_algorithms(settings) if name != AT_OPEN}
    require_session_bars(settings, algorithms)
    return WorkingRules(orders=settings.orders, days=session_days(deployment), algorithms=algorithms)


def require_session_bars(settings: Settings, algorithms: Mapping[str, Algorithm]) -> None:
    """Refuse algorithms that work within the session where no bars of it are stored.

    Raises
    ------
    SettingsError
        If it is not named and needed, or no sampler makes it.
    """
    name, needing = settings.orders.session_bars, sorted(name for name, one in algorithms.items() if one.needs_bars)
    if name is None and needing:
        raise SettingsError(
            f"{needing[0]} works orders within the session, which backtest and paper broker play from its bars: set orders.session_bars to one of "
            "[samplers.<name>], of 60 seconds"
        )
    if name is not None and name not in settings.samplers:
        raise SettingsError(f"orders.session_bars is {name!r}, and there is no [samplers.{name}]")
