"""The technical family by TA-Lib, in float64, and by hand where TA-Lib has no such indicator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import talib

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Bars:
    """One symbol's bars without gaps: float64 arrays of shape (n_sessions,)."""

    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array

    @property
    def hlc(self) -> tuple[Array, Array, Array]:
        return self.high, self.low, self.close

    @property
    def ohlc(self) -> tuple[Array, Array, Array, Array]:
        return self.open, self.high, self.low, self.close

    @property
    def typical(self) -> Array:
        return talib.TYPPRICE(*self.hlc)


def lagged(x: Array, sessions: int) -> Array:
    return np.concatenate([np.full(sessions, np.nan), x[:-sessions]])


def rolling(x: Array, sessions: int, statistic: Callable[..., Array]) -> Array:
    """A statistic of each full window."""
    windows = np.lib.stride_tricks.sliding_window_view(x, sessions)
    return np.concatenate([np.full(sessions - 1, np.nan), statistic(windows, axis=1)])


def mean(x: Array, sessions: int) -> Array:
    return rolling(x, sessions, np.mean)


def _variance(windows: Array, axis: int) -> Array:
    return np.var(windows, axis=axis, ddof=1)


def _macd(b: Bars, part: int) -> Array:
    return talib.MACD(b.close, 12, 26, 9)[part] / b.close


def _stochastic(b: Bars, part: int) -> Array:
    return talib.STOCH(*b.hlc, fastk_period=14, slowk_period=3, slowd_period=3)[part]


def _bands(b: Bars) -> tuple[Array, Array, Array]:
    return talib.BBANDS(b.close, 20, 2.0, 2.0)


def _keltner(b: Bars) -> tuple[Array, Array, Array]:
    middle, half = talib.EMA(b.close, 20), 2 * talib.ATR(*b.hlc, 10)
    return middle + half, middle, middle - half


def _rogers_satchell(b: Bars) -> Array:
    rows = np.log(b.high / b.close) * np.log(b.high / b.open) + np.log(b.low / b.close) * np.log(b.low / b.open)
    return mean(rows, 20)


def _garman_klass(b: Bars) -> Array:
    return np.sqrt(mean(0.5 * np.log(b.high / b.low) ** 2 - (2 * np.log(2) - 1) * np.log(b.close / b.open) ** 2, 20))


def _yang_zhang(b: Bars) -> Array:
    k = 0.34 / (1.34 + 21 / 19)
    night, day = rolling(np.log(b.open / lagged(b.close, 1)), 20, _variance), rolling(np.log(b.close / b.open), 20, _variance)
    return np.sqrt(night + k * day + (1 - k) * _rogers_satchell(b))


def _change_over_volume(line: Array, b: Bars) -> Array:
    """How far a line that sums volumes moved over 20 sessions, over their volume."""
    return (line - lagged(line, 20)) / (20 * mean(b.volume, 20))


def _distance(b: Bars, line: Array) -> Array:
    return b.close / line - 1


def _force(b: Bars) -> Array:
    raw = (b.close - lagged(b.close, 1)) * b.volume
    return np.concatenate([[np.nan], talib.EMA(raw[1:], 13)]) / (b.close * talib.EMA(b.volume, 13))


INDICATORS: Final[Mapping[str, Callable[[Bars], Array]]] = {
    "RSI14": lambda b: talib.RSI(b.close, 14),
    "STOCHRSI14": lambda b: talib.STOCHRSI(b.close, 14, 14, 3)[0],
    "MACD": lambda b: _macd(b, 0),
    "MACDSIGNAL": lambda b: _macd(b, 1),
    "MACDHIST": lambda b: _macd(b, 2),
    "PPO": lambda b: talib.PPO(b.close, 12, 26, matype=talib.MA_Type.EMA),
    "STOCHK14": lambda b: _stochastic(b, 0),
    "STOCHD14": lambda b: _stochastic(b, 1),
    "WILLR14": lambda b: talib.WILLR(*b.hlc, 14),
    "CCI20": lambda b: talib.CCI(*b.hlc, 20),
    "MFI14": lambda b: talib.MFI(*b.hlc, b.volume, 14),
    "ROCP10": lambda b: talib.ROCP(b.close, 10),
    "ROCP120": lambda b: talib.ROCP(b.close, 120),
    "TRIX15": lambda b: talib.TRIX(b.close, 15),
    "ULTOSC": lambda b: talib.ULTOSC(*b.hlc, 7, 14, 28),
    "AROONUP25": lambda b: talib.AROON(b.high, b.low, 25)[1],
    "AROONDOWN25": lambda b: talib.AROON(b.high, b.low, 25)[0],
    "AROONOSC25": lambda b: talib.AROONOSC(b.high, b.low, 25),
    "PLUSDI14": lambda b: talib.PLUS_DI(*b.hlc, 14),
    "MINUSDI14": lambda b: talib.MINUS_DI(*b.hlc, 14),
    "DX14": lambda b: talib.DX(*b.hlc, 14),
    "ADX14": lambda b: talib.ADX(*b.hlc, 14),
    "ADXR14": lambda b: talib.ADXR(*b.hlc, 14),
    "SMADIST50": lambda b: _distance(b, talib.SMA(b.close, 50)),
    "SMADIST200": lambda b: _distance(b, talib.SMA(b.close, 200)),
    "SMACROSS50_200": lambda b: talib.SMA(b.close, 50) / talib.SMA(b.close, 200) - 1,
    "EMADIST10": lambda b: _distance(b, talib.EMA(b.close, 10)),
    "EMADIST20": lambda b: _distance(b, talib.EMA(b.close, 20)),
    "EMADIST50": lambda b: _distance(b, talib.EMA(b.close, 50)),
    "WMADIST20": lambda b: _distance(b, talib.WMA(b.close, 20)),
    "DEMADIST20": lambda b: _distance(b, talib.DEMA(b.close, 20)),
    "TEMADIST10": lambda b: _distance(b, talib.TEMA(b.close, 10)),
    "VWAPDIST20": lambda b: _distance(b, mean(b.typical * b.volume, 20) / mean(b.volume, 20)),
    "TRANGE": lambda b: talib.TRANGE(*b.hlc) / b.close,
    "NATR14": lambda b: talib.NATR(*b.hlc, 14),
    "BBPERCENT20": lambda b: (b.close - _bands(b)[2]) / (_bands(b)[0] - _bands(b)[2]),
    "BBWIDTH20": lambda b: (_bands(b)[0] - _bands(b)[2]) / _bands(b)[1],
    "KELTNERPOS20": lambda b: (b.close - _keltner(b)[2]) / (_keltner(b)[0] - _keltner(b)[2]),
    "KELTNERWIDTH20": lambda b: (_keltner(b)[0] - _keltner(b)[2]) / _keltner(b)[1],
    "DONCHIANPOS20": lambda b: (b.close - talib.MIN(b.low, 20)) / (talib.MAX(b.high, 20) - talib.MIN(b.low, 20)),
    "DONCHIANWIDTH20": lambda b: (talib.MAX(b.high, 20) - talib.MIN(b.low, 20)) / b.close,
    "REALVOL20": lambda b: np.sqrt(rolling(np.log(b.close / lagged(b.close, 1)), 20, _variance)),
    "REALVOL60": lambda b: np.sqrt(rolling(np.log(b.close / lagged(b.close, 1)), 60, _variance)),
    "PARKINSON20": lambda b: np.sqrt(mean(np.log(b.high / b.low) ** 2, 20) / (4 * np.log(2))),
    "GARMANKLASS20": _garman_klass,
    "ROGERSSATCHELL20": lambda b: np.sqrt(_rogers_satchell(b)),
    "YANGZHANG20": _yang_zhang,
    "OBV20": lambda b: _change_over_volume(talib.OBV(b.close, b.volume), b),
    "CMF20": lambda b: _change_over_volume(talib.AD(*b.hlc, b.volume), b),
    "ADOSC": lambda b: talib.ADOSC(*b.hlc, b.volume, 3, 10) / talib.EMA(b.volume, 10),
    "FORCE13": _force,
    "PVO": lambda b: talib.PPO(b.volume, 12, 26, matype=talib.MA_Type.EMA),
    "GAP": lambda b: b.open / lagged(b.close, 1) - 1,
    "AVGPRICE": lambda b: talib.AVGPRICE(*b.ohlc) / b.close,
    "MEDPRICE": lambda b: talib.MEDPRICE(b.high, b.low) / b.close,
    "TYPPRICE": lambda b: b.typical / b.close,
    "WCLPRICE": lambda b: talib.WCLPRICE(*b.hlc) / b.close,
}
"""Factor to its reference."""

PATTERNS: Final[Mapping[str, str]] = {
    "DOJI": "CDLDOJI",
    "DRAGONFLY": "CDLDRAGONFLYDOJI",
    "GRAVESTONE": "CDLGRAVESTONEDOJI",
    "SPINNINGTOP": "CDLSPINNINGTOP",
    "HIGHWAVE": "CDLHIGHWAVE",
    "LONGLINE": "CDLLONGLINE",
    "MARUBOZU": "CDLMARUBOZU",
    "BELTHOLD": "CDLBELTHOLD",
    "HAMMER": "CDLHAMMER",
    "HANGINGMAN": "CDLHANGINGMAN",
    "INVERTEDHAMMER": "CDLINVERTEDHAMMER",
    "SHOOTINGSTAR": "CDLSHOOTINGSTAR",
    "ENGULFING": "CDLENGULFING",
    "HARAMI": "CDLHARAMI",
    "HARAMICROSS": "CDLHARAMICROSS",
    "DOJISTAR": "CDLDOJISTAR",
    "PIERCING": "CDLPIERCING",
    "DARKCLOUD": "CDLDARKCLOUDCOVER",
    "MORNINGSTAR": "CDLMORNINGSTAR",
    "EVENINGSTAR": "CDLEVENINGSTAR",
    "THREEINSIDE": "CDL3INSIDE",
    "THREEOUTSIDE": "CDL3OUTSIDE",
    "WHITESOLDIERS": "CDL3WHITESOLDIERS",
    "BLACKCROWS": "CDL3BLACKCROWS",
}
"""Candlestick pattern to TA-Lib's function."""


def pattern(name: str, bars: Bars) -> Array:
    """TA-Lib's 100, -100 and 80 as 1, -1 and 0.8."""
    return getattr(talib, PATTERNS[name])(*bars.ohlc) / 100.0
