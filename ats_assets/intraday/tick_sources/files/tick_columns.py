"""Which column of a file of ticks is which: by name, with the usual synonyms; and the symbol in a file's name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ats_assets.errors import SourceError
from ats_assets.intraday.tick_source import What
from ats_assets.intraday.tick_sources.files.settings import TickFilesSettings
from ats_assets.sources.column_names import listed, named_columns, normalised
from ats_assets.sources.symbol_names import symbol_in_name

_SYMBOL: Final = ("symbol", "ticker", "sym", "instrument", "code", "pair", "symroot", "name")
_PUBLISHED: Final = ("siptimestamp", "siptime")
_HAPPENED: Final = ("participanttimestamp", "exchangetimestamp", "venuetime")
_TIME: Final = (
    "timestamp",
    "datetime",
    "ts",
    "timemsc",
    "gmttime",
    "localtime",
    "time",
    "timem",
    "at",
    "t",
    "date",
    "dt",
    "tstamp",
    "transacttime",
)
_EXCHANGE: Final = ("exchange", "ex", "exch", "venue", "mic", "src", "source", "x")
_CONDITIONS: Final = ("conditions", "condition", "cond", "salecondition", "saleconditions", "trscond", "trsalecond", "qucond", "c")
_SHARED: Final = {
    "exchange": _EXCHANGE,
    "conditions": _CONDITIONS,
    "tape": ("tape", "z"),
    "order": ("sequencenumber", "seqnum", "seq", "sequence", "trseqnum", "quseqnum", "q"),
    "suspicious": ("suspicious",),
}
SYNONYMS: Final[Mapping[What, Mapping[str, tuple[str, ...]]]] = {
    "trades": {
        "price": ("price", "tradeprice", "lastprice", "last", "px", "p"),
        "size": ("size", "qty", "quantity", "tradesize", "lastsize", "amount", "volume", "vol", "s"),
        "trade_id": ("tradeid", "id", "aggtradeid", "trid", "i"),
        "correction": ("correction", "corr", "trcorr"),
        "cancelled": ("cancelled", "canceled"),
        **_SHARED,
    },
    "quotes": {
        "bid": ("bid", "bidprice", "bestbid", "bp"),
        "ask": ("ask", "askprice", "bestask", "offer", "ofr", "ap"),
        "bid_size": ("bidsize", "bidsiz", "bidvolume", "bidqty", "bestbidsize", "bs"),
        "ask_size": ("asksize", "asksiz", "askvolume", "askqty", "ofrsiz", "bestasksize", "as"),
        **_SHARED,
        "exchange": (*_EXCHANGE, "bidexchange"),
    },
}
"""Canonical name -> names that mean it, once case and everything but letters and digits is gone; the first that a file has wins."""
NEEDED: Final[Mapping[What, tuple[str, ...]]] = {"trades": ("at", "price", "size"), "quotes": ("at", "bid", "ask")}
_WORDS: Final = frozenset("tick ticks trade trades aggtrades quote quotes nbbo bbo l1 tickdata".split())  # noqa: SIM905
_DAY: Final = r"\d{1,2}\.\d{1,2}\.\d{4}"
_HISTDATA: Final = re.compile(r"DAT_(?:ASCII|NT)_([A-Z]{6})_T(?:_BID|_ASK|_LAST)?_\d{6}")


@dataclass(frozen=True, kw_only=True)
class TickColumns:
    """The columns of a file.

    Attributes
    ----------
    names
        Canonical name -> the file's own; `at`, and `clock` where a time of day stands in a column of its own.
    unused
        The others, in file order.
    """

    names: Mapping[str, str]
    unused: tuple[str, ...]

    @property
    def is_utc(self) -> bool:
        """Whether the name of the column of times says that they are in UTC."""
        return any(word in normalised(self.names["at"]) for word in ("gmt", "utc"))


def tick_columns(columns: Iterable[str], what: What, settings: TickFilesSettings, where: str) -> TickColumns:
    """Find the canonical columns among those of a file.

    Raises
    ------
    SourceError
        If one that is needed is missing, an override names what does not exist, or two columns spell the same name.
    """
    columns = list(columns)
    times = (*_PUBLISHED, *_HAPPENED, *_TIME) if settings.time == "sip" else (*_HAPPENED, *_PUBLISHED, *_TIME)
    synonyms = {"symbol": _SYMBOL, "at": times, "clock": (), **SYNONYMS[what]}
    found = named_columns(columns, settings.columns, synonyms, where, setting=f"intraday.{what}.columns", what=what.removesuffix("s"))
    spelt = {normalised(name): name for name in columns}
    if "at" not in found and {"date", "time"} <= spelt.keys() and not set(times[:5]) & spelt.keys():
        found |= {"at": spelt["date"], "clock": spelt["time"]}
    elif "at" not in found and {"date", "timem"} <= spelt.keys():
        found |= {"at": spelt["date"], "clock": spelt["timem"]}
    for canonical, names in synonyms.items():
        taken = set(found.values())
        some = (name for synonym in names for name in columns if normalised(name) == synonym and name not in taken)
        if canonical not in found and (name := next(some, None)) is not None:
            twice = [other for other in columns if normalised(other) == normalised(name) and other not in taken]
            if len(twice) > 1:
                raise SourceError(f"{where}: the columns {listed(twice)} could each be {canonical}: choose one in intraday.{what}.columns")
            found[canonical] = name
    missing = [name for name in NEEDED[what] if name not in found]
    if missing:
        raise SourceError(
            f"{where} lacks {listed(missing)}: its columns are {listed(columns)}; recognised: {found or 'none'}. "
            f'Name the right one in intraday.{what}.columns, such as {{ {missing[0]} = "<column>" }}'
        )
    return TickColumns(names=found, unused=tuple(name for name in columns if name not in found.values()))


def tick_symbol(stem: str, pattern: str | None = None) -> str:
    """The symbol in the name of a file of ticks, without its suffixes.

    Raises
    ------
    SourceError
        If a pattern is given that the name does not have.

    Examples
    --------
    >>> [tick_symbol(name) for name in ("EURUSD_Ticks_15.01.2024-19.01.2024", "eurusd-tick-2021-03-30-2021-03-31", "DAT_ASCII_EURUSD_T_202301")]
    ['EURUSD', 'EURUSD', 'EURUSD']
    >>> [tick_symbol(name) for name in ("nzdusd_quotes", "BTCUSDT-aggTrades-2023-01-05", "IBM")]
    ['NZDUSD', 'BTCUSDT', 'IBM']
    """
    if pattern is not None:
        return symbol_in_name(stem, pattern).symbol
    if found := _HISTDATA.fullmatch(stem):
        return found[1]
    bare = re.sub(rf"[_\-\s]{_DAY}(?:[_\-]{_DAY})?$", "", stem)
    while True:
        parts = re.split(r"[_\-\s]+", bare)
        shorter = symbol_in_name(bare).symbol
        if len(parts) > 1 and parts[-1].casefold() in _WORDS:
            shorter = re.sub(r"[_\-\s]+[^_\-\s]+$", "", bare)
        elif len(parts) > 1 and parts[0].casefold() in _WORDS:
            shorter = re.sub(r"^[^_\-\s]+[_\-\s]+", "", bare)
        if shorter == bare:
            return bare.upper() if re.fullmatch(r"[a-z]{1,12}", bare) else bare
        bare = shorter
