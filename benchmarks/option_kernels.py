"""Options in batches beside QuantLib, one by one, in one process and on one thread.

Usage: python benchmarks/option_kernels.py [--options 200000]

Of the same options: implied volatilities of European ones, and prices with greeks of American ones. QuantLib is called from Python option by option, as its users do; its time a call
includes making the objects of an option, but not those of its market. Errors are against the volatility that prices were made of, and against QuantLib's most precise American scheme.
"""

import argparse
import time

import numpy as np
import QuantLib as ql  # noqa: N813 - as its users write it

from ats_assets.options.implied_volatility import implied_volatilities
from ats_assets.options.valuation import option_values

TODAY = ql.Date(2, 1, 2024)
DAYS = ql.Actual365Fixed()


def options(n: int) -> tuple[np.ndarray, ...]:
    """Spot, strike, days, rate, yield, volatility, and whether it is a call; the option out of the money."""
    random = np.random.default_rng(1)
    spot, strike = 100.0 * np.exp(0.2 * random.standard_normal(n)), np.full(n, 100.0)
    days, rate, gain = random.integers(7, 730, n), random.uniform(0.005, 0.08, n), random.uniform(0.0, 0.06, n)
    return spot, strike, days, rate, gain, random.uniform(0.1, 0.8, n), spot < strike


def best(work, rounds: int = 3) -> float:
    """Seconds of processor time of the quickest round."""
    found = []
    for _ in range(rounds):
        started = time.thread_time()
        work()
        found.append(time.thread_time() - started)
    return min(found)


def process(rate: float, gain: float, spot: float, volatility: float) -> ql.BlackScholesMertonProcess:
    curves = [ql.YieldTermStructureHandle(ql.FlatForward(TODAY, each, DAYS)) for each in (gain, rate)]
    flat = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAYS))
    return ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), *curves, flat)


def main() -> None:
    """Print both ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--options", type=int, default=200_000)
    n = parser.parse_args().options
    ql.Settings.instance().evaluationDate = TODAY
    spot, strike, days, rate, gain, volatility, call = options(n)
    years = days / 365
    price = option_values(spot, strike, years, rate, gain, volatility, call)["price"]
    implied_volatilities(price[:10], spot[:10], strike[:10], years[:10], rate[:10], gain[:10], call[:10])
    seconds = best(lambda: implied_volatilities(price, spot, strike, years, rate, gain, call))
    found, why = implied_volatilities(price, spot, strike, years, rate, gain, call)
    error = np.abs(found / volatility - 1)[why == 0].max()
    print(
        f"implied volatility: {n / seconds:,.0f} a second, largest relative error {error:.1e}, {(why != 0).sum()} of {n:,} without time value"
    )
    some = slice(0, 2_000)
    forwards = spot * np.exp((rate - gain) * years)
    sides = np.where(call, ql.Option.Call, ql.Option.Put)

    def theirs() -> None:
        for i in range(*some.indices(n)):
            ql.blackFormulaImpliedStdDev(int(sides[i]), strike[i], forwards[i], price[i], float(np.exp(-rate[i] * years[i])))

    slow = best(theirs) / 2_000
    print(f"  QuantLib from Python {slow * 1e6:.2f} us each: {slow / (seconds / n):.1f} times as long")

    few = min(n, 20_000)
    numbers = [each[:few] for each in (spot, strike, years, rate, gain, volatility, call)]
    option_values(*[each[:2] for each in numbers], american=True)
    seconds = best(lambda: option_values(*numbers, american=True))
    ours = option_values(*numbers, american=True)
    engine, tried = ql.QdFpAmericanEngine, 300
    errors, spent = [], dict.fromkeys(("fast", "accurate", "precise"), 0.0)
    for i in range(tried):
        market, price = process(rate[i], gain[i], spot[i], volatility[i]), 0.0
        for name, scheme in zip(spent, (engine.fastScheme(), engine.accurateScheme(), engine.highPrecisionScheme()), strict=True):
            started = time.thread_time()
            option = ql.VanillaOption(ql.PlainVanillaPayoff(int(sides[i]), strike[i]), ql.AmericanExercise(TODAY, TODAY + int(days[i])))
            option.setPricingEngine(engine(market, scheme))
            price = option.NPV()
            spent[name] += time.thread_time() - started
        errors.append(abs(price - ours["price"][i]))
    print(
        f"American with greeks: {seconds / few * 1e6:.1f} us each; error at a strike of 100: median {np.median(errors):.1e}, largest {max(errors):.1e}"
    )
    for name, used in spent.items():
        print(
            f"  QuantLib's {name} scheme, price alone, {used / tried * 1e6:.0f} us each: {used / tried / (seconds / few):.1f} times as long"
        )


if __name__ == "__main__":
    main()
