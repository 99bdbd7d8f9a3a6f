"""Which contract is opened: by delta and days to expiry, among those that are liquid enough and pay enough.

1. Only the contracts of one underlying and one right that can be traded at the next session, and whose days to expiry are within `days` +/- `days_tolerance`.
2. Each rule takes out those that do not satisfy it. A figure that a delivery lacks satisfies no rule that asks for it.
3. Of what is left: nearest to `days`, then nearest to `delta`, then the higher premium a year, the earlier expiry, the lower strike. So the order of the chain's rows decides nothing.
4. Where nothing is left, the reason says how many each rule took out, and names the contract that was nearest and what it lacks.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import Field

from ats_assets.errors import how_many
from ats_assets.option_strategies.chain_quotes import ChainQuote, ChainQuotes
from ats_assets.options.contract import OptionContract, Right
from ats_assets.settings import NonNegative, Positive, Section

WORDS = {Right.CALL: "call", Right.PUT: "put"}


class ContractSettings(Section):
    """What a contract must satisfy to be opened."""

    delta: float = Field(default=0.30, gt=0, lt=1, description="of the contract that is wanted, without its sign")
    delta_tolerance: float = Field(default=0.10, ge=0, lt=1, description="by which it may miss that")
    days: Positive = Field(default=35, description="calendar days to expiry that are wanted")
    days_tolerance: NonNegative = Field(default=14, description="by which it may miss them")
    min_bid: float = Field(default=0.05, ge=0, description="for one share, in the quote currency")
    min_premium_a_year: float = Field(
        default=0.0, ge=0, description="bid over strike (put) or share price (call), times 365 over the days left"
    )
    min_open_interest: NonNegative = Field(default=0, description="contracts")
    min_volume: NonNegative = Field(default=0, description="contracts traded in the session")
    max_spread_share: float = Field(default=1.0, gt=0, description="ask less bid, as a share of their middle (at most 2)")
    avoid_ex_dates: bool = Field(default=False, description="no expiry on or after the underlying's next ex-date that is announced")
    avoid_earnings: bool = Field(
        default=True,
        description="no expiry on or after the underlying's next date of `earnings`, or of `scheduled_events`, where there are such",
    )


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A rule of the selection.

    Attributes
    ----------
    name
        For the count: "bid".
    lacks
        What a contract lacks, in words with numbers; None where it satisfies the rule.
    """

    name: str
    lacks: Callable[[ChainQuote], str | None]


@dataclass(frozen=True, kw_only=True)
class Picked:
    """The contract that was found, or why there is none."""

    quote: ChainQuote | None
    why: str


@dataclass(frozen=True, kw_only=True)
class ComingDates:
    """Of an underlying: what is known at the session of its next ex-dates and earnings, ascending."""

    ex_dates: tuple[dt.date, ...] = ()
    earnings: tuple[dt.date, ...] = ()


def screens_of(settings: ContractSettings, dates: ComingDates, *, sold: bool = True) -> list[Screen]:
    """The rules that settings ask for.

    Parameters
    ----------
    sold
        Whether the contract is sold; one that is bought needs an ask instead of a bid, and no premium.
    """
    low, high = settings.delta - settings.delta_tolerance, settings.delta + settings.delta_tolerance
    found = [
        Screen(name="deliverable", lacks=lambda quote: quote.deliverable and f"delivers {quote.deliverable}"),
        Screen(name="delta", lacks=_within("delta", lambda quote: None if quote.delta is None else abs(quote.delta), low, high)),
    ]
    if sold:
        found += [
            Screen(name="bid", lacks=_at_least("bid", lambda quote: None if quote.bid is None else float(quote.bid), settings.min_bid)),
            Screen(
                name="premium a year", lacks=_at_least("premium a year", lambda quote: quote.premium_a_year, settings.min_premium_a_year)
            ),
        ]
    else:
        found.append(Screen(name="ask", lacks=lambda quote: None if quote.ask is not None else "has no ask"))
    if settings.min_open_interest:
        found.append(Screen(name="open interest", lacks=_at_least("open interest", lambda q: q.open_interest, settings.min_open_interest)))
    if settings.min_volume:
        found.append(Screen(name="volume", lacks=_at_least("volume", lambda quote: quote.volume, settings.min_volume)))
    if settings.max_spread_share < 2 and sold:
        found.append(Screen(name="spread", lacks=_within("spread share", lambda quote: quote.spread_share, 0.0, settings.max_spread_share)))
    for wanted, what, days in (
        (settings.avoid_ex_dates, "ex-date", dates.ex_dates),
        (settings.avoid_earnings, "earnings date", dates.earnings),
    ):
        if wanted and days:
            found.append(Screen(name=what, lacks=_ends_before(what, days[0])))
    return found


def strike_at_least(least: Decimal, what: str) -> Screen:
    """The rule that a strike is not below a price, such as the cost of the shares."""
    return Screen(
        name=what,
        lacks=lambda quote: (
            f"a strike of {quote.contract.strike} is below the {what} of {least:.2f}" if quote.contract.strike < least else None
        ),
    )


def strike_at_most(most: Decimal, what: str) -> Screen:
    """The rule that a strike is not above a price."""
    return Screen(
        name=what,
        lacks=lambda quote: (
            f"a strike of {quote.contract.strike} is above the {what} of {most:.2f}" if quote.contract.strike > most else None
        ),
    )


def pick(
    chain: ChainQuotes,
    underlying: str,
    right: Right,
    settings: ContractSettings,
    screens: Sequence[Screen],
    *,
    without: Collection[OptionContract] = (),
) -> Picked:
    """The contract that is nearest to what is wanted, of those that satisfy all rules.

    Parameters
    ----------
    screens
        `screens_of` the settings, and further ones.
    without
        Contracts that are out of the question, such as one that is closed at the same session.
    """
    word = WORDS[right]
    low, high = days_wanted(settings)
    kind = f"{word} of {underlying} that expires in {low} to {high} days"
    near = settings.delta - settings.delta_tolerance - 1e-9, settings.delta + settings.delta_tolerance + 1e-9
    if any(screen.name == "delta" for screen in screens):  # of most contracts the delta alone says that they are not wanted
        likely = [quote for quote in chain.offered(underlying, right, (low, high), near) if quote.contract not in without]
        if (picked := best_of(likely, settings, screens, kind)).quote is not None:
            return picked
    quotes = [quote for quote in chain.offered(underlying, right, (low, high)) if quote.contract not in without]
    if not quotes:
        offered = chain.days_offered(underlying, right)
        nearest = min(offered, key=lambda days: (abs(days - settings.days), days), default=None)
        told = "there is none at all" if nearest is None else f"the nearest expiry is {how_many(nearest, 'day')} off"
        return Picked(quote=None, why=f"no {word} of {underlying} expires in {low} to {high} days: {told}")
    return best_of(quotes, settings, screens, kind)


def days_wanted(settings: ContractSettings) -> tuple[int, int]:
    """The calendar days to expiry that are allowed, both included."""
    return max(settings.days - settings.days_tolerance, 0), settings.days + settings.days_tolerance


def best_of(quotes: Iterable[ChainQuote], settings: ContractSettings, screens: Sequence[Screen], what: str) -> Picked:
    """The nearest of given contracts that satisfies all rules.

    Parameters
    ----------
    what
        What they are, for the reason, in the singular: "put of AAPL".
    """
    lacking = [(quote, [(screen.name, told) for screen in screens if (told := screen.lacks(quote))]) for quote in quotes]
    left = [quote for quote, lacks in lacking if not lacks]
    if left:
        best = min(left, key=lambda quote: preference(quote, settings))
        return Picked(
            quote=best,
            why=f"{best.symbol}, {described(best)}, is the nearest of {len(left)} to a delta of {settings.delta:.2f} and {settings.days} days",
        )
    if not lacking:
        return Picked(quote=None, why=f"there is no {what}")
    first = Counter(lacks[0][0] for _, lacks in lacking)
    counts = ", ".join(f"{count} by {name}" for name, count in first.items())
    near, lacks = min(lacking, key=lambda item: (len(item[1]), *preference(item[0], settings)))
    told = "; ".join(words for _, words in lacks)
    return Picked(quote=None, why=f"no {what} satisfies the selection, which took out {counts}; the nearest, {near.symbol}: {told}")


def preference(quote: ChainQuote, settings: ContractSettings) -> tuple[float, float, float, dt.date, Decimal, str]:
    """What contracts are sorted by: the smallest is taken."""
    far = 9.0 if quote.delta is None else round(abs(abs(quote.delta) - settings.delta), 9)
    contract = quote.contract
    return abs(quote.days_left - settings.days), far, -(quote.premium_a_year or 0.0), contract.expiry, contract.strike, contract.symbol


def described(quote: ChainQuote) -> str:
    """The figures that a contract is chosen by, for a sentence."""
    delta = "no delta" if quote.delta is None else f"delta {quote.delta:.2f}"
    sides = f"bid {'none' if quote.bid is None else f'{quote.bid:.2f}'}, ask {'none' if quote.ask is None else f'{quote.ask:.2f}'}"
    return f"{how_many(quote.days_left, 'day')} to expiry, {delta}, {sides}"


def _at_least(what: str, value: Callable[[ChainQuote], float | None], least: float) -> Callable[[ChainQuote], str | None]:
    def lacks(quote: ChainQuote) -> str | None:
        found = value(quote)
        if found is None:
            return f"no {what}"
        return f"{what} {_number(found)}, at least {_number(least)} is asked for" if found < least else None

    return lacks


def _within(what: str, value: Callable[[ChainQuote], float | None], low: float, high: float) -> Callable[[ChainQuote], str | None]:
    def lacks(quote: ChainQuote) -> str | None:
        found = value(quote)
        if found is None:
            return f"no {what}"
        inside = low - 1e-9 <= found <= high + 1e-9
        return None if inside else f"{what} {_number(found)}, not within {_number(max(low, 0.0))} to {_number(high)}"

    return lacks


def _ends_before(what: str, day: dt.date) -> Callable[[ChainQuote], str | None]:
    return lambda quote: f"runs until {quote.contract.expiry}, across the {what} of {day}" if quote.last_session >= day else None


def _number(value: float) -> str:
    return f"{value:.4g}" if value < 10 else f"{value:,.0f}"
