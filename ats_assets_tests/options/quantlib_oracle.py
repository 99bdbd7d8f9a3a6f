"""Prices of options by QuantLib, another code."""

import QuantLib as ql  # noqa: N813 - as its users write it

TODAY = ql.Date(2, 1, 2024)
DAYS = ql.Actual365Fixed()


def _process(spot: float, rate: float, gain: float, volatility: float) -> ql.BlackScholesMertonProcess:
    ql.Settings.instance().evaluationDate = TODAY
    paid, earned = (ql.YieldTermStructureHandle(ql.FlatForward(TODAY, each, DAYS)) for each in (gain, rate))
    flat = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAYS))
    return ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), paid, earned, flat)


def _option(strike: float, days: int, *, call: bool, american: bool) -> ql.VanillaOption:
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, strike)
    return ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, TODAY + days) if american else ql.EuropeanExercise(TODAY + days))


def price(spot: float, strike: float, days: int, rate: float, gain: float, volatility: float, *, call: bool, american: bool) -> float:
    """Of an option that expires in a number of days, at continuously compounded rates."""
    process, option = _process(spot, rate, gain, volatility), _option(strike, days, call=call, american=american)
    precise = ql.QdFpAmericanEngine.highPrecisionScheme()
    option.setPricingEngine(ql.QdFpAmericanEngine(process, precise) if american else ql.AnalyticEuropeanEngine(process))
    return option.NPV()


def with_dividends(
    spot: float,
    strike: float,
    days: int,
    rate: float,
    volatility: float,
    dividends: list[tuple[int, float]],
    *,
    call: bool,
    american: bool = True,
    steps: int = 400,
) -> tuple[float, float, float]:
    """Price, delta and gamma of an option with cash dividends (days until the ex-date, amount), by finite differences on the spot less their present value."""
    process, option = _process(spot, rate, 0.0, volatility), _option(strike, days, call=call, american=american)
    paid = ql.DividendVector([TODAY + day for day, _ in dividends], [cash for _, cash in dividends])
    scheme, model = ql.FdmSchemeDesc.TrBDF2(), ql.FdBlackScholesVanillaEngine.Escrowed
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, paid, steps, steps, 0, scheme, False, -1.0, model))
    return option.NPV(), option.delta(), option.gamma()
