"""Prices of options by QuantLib, another code."""

import QuantLib as ql  # noqa: N813 - as its users write it

TODAY = ql.Date(2, 1, 2024)
DAYS = ql.Actual365Fixed()


def price(spot: float, strike: float, days: int, rate: float, gain: float, volatility: float, *, call: bool, american: bool) -> float:
    """Of an option that expires in a number of days, at continuously compounded rates."""
    ql.Settings.instance().evaluationDate = TODAY
    curves = [ql.YieldTermStructureHandle(ql.FlatForward(TODAY, each, DAYS)) for each in (gain, rate)]
    flat = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAYS))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), *curves, flat)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, strike)
    exercise = ql.AmericanExercise(TODAY, TODAY + days) if american else ql.EuropeanExercise(TODAY + days)
    option = ql.VanillaOption(payoff, exercise)
    precise = ql.QdFpAmericanEngine.highPrecisionScheme()
    option.setPricingEngine(ql.QdFpAmericanEngine(process, precise) if american else ql.AnalyticEuropeanEngine(process))
    return option.NPV()
