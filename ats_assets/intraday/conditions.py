"""Sale conditions: what a trade may be used for, by the codes that it was reported with.

A code says of three things whether a trade may change them: the last price (so that it can open or close a bar), the high and low, and the volume. Of several codes each must
allow it. Codes that are in no table allow everything, and the check `conditions` counts them.

Sources:

- The codes of the consolidated tape (CTA and UTP), with what each updates: CTA, "Consolidated Tape System Multicast Output Binary Specification", appendix on sale conditions;
  UTP, "UTP Data Feed Services Specification", section "Sale Condition Matrix" (utpplan.com, ctaplan.com). `B` is an average price on tapes A and B, and a bunched trade on C.
  `V` (contingent) has changed no price since July 2015 (nasdaqtrader.com, UTP Vendor Alert 2015-4).
- Polygon's (Massive's) integers: their `GET /v3/reference/conditions?asset_class=stocks`, fields `sip_mapping` and `update_rules.consolidated`
  (massive.com/glossary/conditions-indicators).
- AlgoSeek's hexadecimal flags, one bit a condition, as in Lean's sample data: `TradeConditionFlags` and `QuoteConditionFlags` of QuantConnect's Lean.

A trade that is marked as cancelled is not told by a condition but by its correction indicator (`CANCELLED`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

Scheme = Literal["sip", "polygon", "algoseek", "none"]
SCHEMES: Final[tuple[Scheme, ...]] = ("sip", "polygon", "algoseek", "none")
CANCELLED: Final = frozenset({"7", "8", "10", "11", "12"})
"""Correction indicators of the consolidated tape, as in NYSE TAQ and Polygon's files: erroneous, cancelled, and the records that say so or that hold what was corrected. 0 is a good
trade, 1 one that holds the corrected values."""


@dataclass(frozen=True)
class Allows:
    """What a condition lets a trade change."""

    price: bool = True
    high_low: bool = True
    volume: bool = True


_ALL: Final = Allows()
_HIGH_LOW: Final = Allows(price=False)
_VOLUME: Final = Allows(price=False, high_low=False)
_NOTHING: Final = Allows(price=False, high_low=False, volume=False)
_CORRECTION: Final = Allows(volume=False)

_SIP: Final[Mapping[str, Allows]] = {
    **dict.fromkeys(("@", "", " ", "A", "D", "E", "F", "K", "L", "O", "S", "X", "Y", "1", "2", "5", "6"), _ALL),
    **dict.fromkeys(("G", "P", "Z", "3", "4"), _HIGH_LOW),
    **dict.fromkeys(("B", "C", "H", "I", "N", "R", "T", "U", "V", "W", "7"), _VOLUME),
    **dict.fromkeys(("M", "Q"), _NOTHING),
    "9": _CORRECTION,
}
"""Letters of CTA and UTP; `B` as on tapes A and B."""
BUNCHED: Final = "B"
"""On tape C it is a bunched trade, which changes all."""

_POLYGON: Final[Mapping[str, Allows]] = {
    **dict.fromkeys(map(str, (0, 1, 3, 4, 6, 8, 9, 11, 14, 17, 18, 19, 23, 24, 25, 27, 28, 30, 31, 34, 35, 36, 41, 55)), _ALL),
    **dict.fromkeys(map(str, (5, 10, 22, 32, 33)), _HIGH_LOW),
    **dict.fromkeys(map(str, (2, 7, 12, 13, 20, 21, 29, 37, 52, 53)), _VOLUME),
    **dict.fromkeys(map(str, (15, 16)), _NOTHING),
    "38": _CORRECTION,
}

_BITS: Final[Mapping[int, Allows]] = {
    **dict.fromkeys((0, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 19, 21, 23, 27, 28, 29, 30), _ALL),
    **dict.fromkeys((9, 14, 25), _HIGH_LOW),
    **dict.fromkeys((1, 2, 3, 10, 13, 18, 20, 22, 31), _VOLUME),
    **dict.fromkeys((24, 26), _NOTHING),
}
"""AlgoSeek's bits: 0 regular, 1 cash, 2 next day, 3 seller, 4 yellow flag, 5 intermarket sweep, 6 opening, 7 closing, 8 reopening, 9 derivatively priced, 10 form T, 11 sold last,
12 stopped, 13 extended hours, 14 out of sequence, 15 split, 16 acquisition, 17 bunched, 18 stock option, 19 distribution, 20 average price, 21 cross, 22 price variation,
23 rule 155, 24 official close, 25 prior reference price, 26 official open, 27 CAP election, 28 automatic, 29 trade-through exempt, 30 without a name, 31 odd lot."""

_NOT_FIRM: Final[Mapping[Scheme, frozenset[str]]] = {"sip": frozenset({"L", "N"}), "polygon": frozenset({"15", "19", "20"})}
"""Codes of quotes that nobody has to honour: the market maker is closed, or the quote is not firm."""
_NOT_FIRM_BITS: Final = (8, 10)
"""AlgoSeek's: closed market maker, not firm."""


def allowed(conditions: pl.Series, tape: pl.Series, scheme: Scheme, no_price: Sequence[str] = ()) -> pl.DataFrame:
    """What each trade may be used for.

    Parameters
    ----------
    conditions
        Lists of codes as delivered; null or empty: a regular trade.
    tape
        "A", "B", "C" (or 1, 2, 3), or null where it is not known.
    scheme
        Whose codes they are; `none`: no code means anything.
    no_price
        Codes that set no price, high or low, beside those of the table.

    Returns
    -------
    DataFrame with `for_price`, `for_high_low`, `for_volume` (never null), and `unknown`: how many codes of the trade are in no table. One row a trade.

    Examples
    --------
    >>> codes = pl.Series([["@", "F"], ["I"], ["B"], ["B"], None], dtype=pl.List(pl.String))
    >>> allowed(codes, pl.Series(["A", "A", "A", "C", None]), "sip")["for_price"].to_list()
    [True, False, False, True, True]
    >>> allowed(pl.Series([["12", "37"], ["10"]]), pl.Series([None, None], dtype=pl.String), "polygon").row(1)
    (False, True, True, 0)
    """
    if scheme == "none" or not conditions.len():
        yes = dict.fromkeys(("for_price", "for_high_low", "for_volume"), pl.lit(value=True))
        return conditions.to_frame("codes").with_columns(**yes, unknown=pl.lit(0, pl.Int64)).drop("codes")
    # few different lists, many trades: each list is looked up once
    joined = pl.DataFrame({"codes": conditions.list.join("\x1f").fill_null(""), "c": tape.is_in(["C", "3"]).fill_null(value=False)})
    kinds = joined.unique(maintain_order=True)
    more = frozenset(no_price) if scheme != "algoseek" else frozenset(bit for code in no_price for bit in _bits(code) or ())
    rows = [_of(codes.split("\x1f"), scheme, more, bunched=on_c) for codes, on_c in kinds.iter_rows()]
    found = pl.DataFrame(
        rows, schema={"for_price": pl.Boolean, "for_high_low": pl.Boolean, "for_volume": pl.Boolean, "unknown": pl.Int64}, orient="row"
    )
    return joined.join(pl.concat([kinds, found], how="horizontal"), on=["codes", "c"], how="left", maintain_order="left").select(
        found.columns
    )


def firm(conditions: pl.Series, scheme: Scheme) -> pl.Series:
    """Of each quote whether somebody must honour it, as far as its codes say; never null."""
    if scheme == "none":
        return pl.Series(conditions.name, [True], dtype=pl.Boolean).new_from_index(0, conditions.len())
    kinds = conditions.list.join("\x1f").fill_null("")
    is_firm = {codes: not _is_not_firm(codes.split("\x1f"), scheme) for codes in kinds.unique()}
    return kinds.replace_strict(is_firm, return_dtype=pl.Boolean) if is_firm else kinds.cast(pl.Boolean)


def _of(codes: list[str], scheme: Scheme, no_price: frozenset[str] | frozenset[int], *, bunched: bool) -> tuple[bool, bool, bool, int]:
    if codes == [""]:
        return True, True, True, 0
    if scheme == "sip":  # four places in a text, as NYSE's TAQ has them: "@FTI"; a number is no such text
        codes = [letter for code in codes for letter in (code if not code.isdigit() else [code])]
    found = [_rules_of(code.strip(), scheme, bunched=bunched) for code in codes]
    if any(code.strip() in no_price for code in codes) or (
        scheme == "algoseek" and any(no_price & set(_bits(code) or ()) for code in codes)
    ):
        found = [*found, [_VOLUME]]
    rules = [rule for some in found if some is not None for rule in some]
    unknown = sum(some is None for some in found)
    return all(r.price for r in rules), all(r.high_low for r in rules), all(r.volume for r in rules), unknown


def _rules_of(code: str, scheme: Scheme, *, bunched: bool) -> list[Allows] | None:
    """The rules of one code; None of one that is in no table."""
    if scheme == "algoseek":
        bits = _bits(code)
        return None if bits is None else [_BITS[bit] for bit in bits if bit in _BITS]
    if bunched and scheme == "sip" and code == BUNCHED:
        return [_ALL]
    rule = (_SIP if scheme == "sip" else _POLYGON).get(code)
    return None if rule is None else [rule]


def _is_not_firm(codes: list[str], scheme: Scheme) -> bool:
    if scheme == "algoseek":
        return any(bit in _NOT_FIRM_BITS for code in codes for bit in _bits(code) or ())
    return any(code.strip() in _NOT_FIRM.get(scheme, frozenset()) for code in codes)


def _bits(code: str) -> list[int] | None:
    try:
        flags = int(code, 16)
    except ValueError:
        return None
    return [bit for bit in range(32) if flags >> bit & 1] if 0 <= flags < 1 << 32 else None
