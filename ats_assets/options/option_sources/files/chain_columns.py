"""Which column of a table of chains is which, and which tables are flat files of a vendor's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ats_assets.errors import SourceError
from ats_assets.options.option_sources.files.settings import ChainFilesSettings
from ats_assets.sources.column_names import listed, named_columns, normalised

Format = Literal["table", "massive_aggregates", "massive_quotes"]
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "contract": ("contract", "contractsymbol", "optionsymbol", "occsymbol", "osisymbol", "contractid", "optionid", "ticker", "symbol"),
    "underlying": ("underlying", "underlyingsymbol", "underlyingticker", "actsymbol", "root", "optionroot", "symbol", "ticker"),
    "date": ("date", "quotedate", "tradedate", "session", "datadate", "asof", "asofdate", "quotereaddate"),
    "quoted_at": ("quotedat", "quotetime", "quotedatetime", "quotetimestamp", "quotereadtime", "timestamp", "datetime"),
    "expiry": ("expiry", "expiration", "expirationdate", "expiredate", "expirydate", "exdate", "maturity", "maturitydate"),
    "strike": ("strike", "strikeprice"),
    "right": ("right", "optiontype", "callput", "putcall", "cpflag", "cp", "contracttype", "type"),
    "style": ("style", "exercisestyle", "exstyle"),
    "multiplier": ("multiplier", "sharespercontract", "shares"),
    "deliverable": ("deliverable", "deliverables", "additionalunderlyings"),
    "bid": ("bid", "bidprice", "bestbid", "bideod"),
    "ask": ("ask", "askprice", "bestoffer", "bestask", "offer", "askeod"),
    "bid_size": ("bidsize", "bidsizeeod", "bidqty"),
    "ask_size": ("asksize", "asksizeeod", "askqty"),
    "last": ("last", "lastprice", "lasttradeprice"),
    "open": ("open", "openprice"),
    "high": ("high", "highprice"),
    "low": ("low", "lowprice"),
    "close": ("close", "closeprice"),
    "volume": ("volume", "tradevolume", "vol"),
    "open_interest": ("openinterest", "oi", "openint"),
    "underlying_price": (
        "underlyingprice",
        "underlyinglast",
        "underlyingclose",
        "activeunderlyingprice",
        "spot",
        "spotprice",
        "stockprice",
    ),
    "vendor_volatility": ("impliedvolatility", "impliedvol", "iv", "volatility"),
    **{f"vendor_{name}": (name,) for name in ("delta", "gamma", "theta", "vega", "rho")},
}
"""Canonical name -> names that mean it, once case and everything but letters and digits is gone; the first that a file has wins."""
_AGGREGATES: Final = {"ticker", "open", "high", "low", "close", "volume", "window_start"}
_QUOTES: Final = {"ticker", "ask_price", "ask_size", "bid_price", "bid_size", "sip_timestamp"}
_PARTS: Final = ("underlying", "expiry", "strike", "right")


@dataclass(frozen=True, kw_only=True)
class ChainColumns:
    """The columns of a file.

    Attributes
    ----------
    names
        Canonical name -> the file's own.
    unused
        The others, in file order.
    """

    format: Format
    names: Mapping[str, str]
    unused: tuple[str, ...]


def chain_columns(columns: Sequence[str], settings: ChainFilesSettings, where: str, *, has_day: bool = False) -> ChainColumns:
    """Find the canonical columns among those of a file.

    Parameters
    ----------
    has_day
        Whether the file's name says the day of its rows.

    Raises
    ------
    SourceError
        If nothing says which contract a row is of, or of which day, an override names what does not exist, or two columns spell the same name.
    """
    if not settings.columns and (flat := _flat_file(columns, where, has_day=has_day)) is not None:
        return flat
    found = named_columns(columns, settings.columns, SYNONYMS, where, setting="options.chains.columns", what="contract")
    for canonical, names in SYNONYMS.items():
        taken = set(found.values())
        spelt = (
            name for synonym in (normalised(canonical), *names) for name in columns if normalised(name) == synonym and name not in taken
        )
        if canonical in found or (name := next(spelt, None)) is None:
            continue
        if canonical == "contract" and normalised(name) in {"symbol", "ticker"} and _has_parts(columns, name):
            continue  # it is the underlying's
        twice = [other for other in columns if normalised(other) == normalised(name) and other not in taken]
        if len(twice) > 1:
            raise SourceError(f"{where}: the columns {listed(twice)} could each be {canonical}: choose one in options.chains.columns")
        found[canonical] = name
    missing = [] if "contract" in found else [name for name in _PARTS if name not in found]
    missing += [] if has_day or {"date", "quoted_at"} & found.keys() else ["date"]
    if missing:
        raise SourceError(
            f"{where} lacks {listed(missing)}: its columns are {listed(columns)}; recognised: {found or 'none'}. Name the right one in options.chains.columns, such as "
            f'{{ {missing[0]} = "<column>" }}; a row must be one contract, named by its symbol (contract) or by underlying, expiry, strike and right'
        )
    return ChainColumns(format="table", names=found, unused=tuple(name for name in columns if name not in found.values()))


def _has_parts(columns: Sequence[str], but: str) -> bool:
    """Whether other columns say expiry, strike and right."""
    spelt = {normalised(name) for name in columns if name != but}
    return all(spelt & set(SYNONYMS[part]) for part in _PARTS[1:]) and not spelt & set(SYNONYMS["underlying"][:-2])


def _flat_file(columns: Sequence[str], where: str, *, has_day: bool) -> ChainColumns | None:
    """Massive's columns, where these are; aggregates of several days in one file are a table like any other."""
    if set(columns) >= _AGGREGATES:
        kind: Format = "massive_aggregates" if has_day else "table"
        names = {"contract": "ticker", "date": "window_start", **{name: name for name in ("open", "high", "low", "close", "volume")}}
    elif set(columns) >= _QUOTES:
        if not has_day:
            raise SourceError(
                f"{where} holds quotes, but its name does not say of which day: keep the vendor's name, such as 2024-03-04.csv.gz"
            )
        kind = "massive_quotes"
        names = {"contract": "ticker", "quoted_at": "sip_timestamp", "bid": "bid_price", "ask": "ask_price"}
        names |= {"bid_size": "bid_size", "ask_size": "ask_size"}
    else:
        return None
    return ChainColumns(format=kind, names=names, unused=tuple(name for name in columns if name not in names.values()))
