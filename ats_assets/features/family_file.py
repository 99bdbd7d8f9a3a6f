"""Families in files: one TOML file each, whose name is the family's.

description = "Reversal over a month."        optional
frame = "tick_bars"                           optional: the bars inside a session, by the name of their asset, that the expressions run over

[features]                                    factor = expression, in the order of the columns
REV20 = "$gain / Std($close, 20)"

[terms]                                       optional: parts of expressions, written like fields
gain = "$close - Ref($close, 20)"

[descriptions]                                optional; # stands for a number
"REV#" = "gain over # sessions in standard deviations"
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ats_assets.errors import ExpressionError, FeatureError, LookAheadError
from ats_assets.features.bar_expressions import check_bar_expression
from ats_assets.features.family import ROW_KEYS, FeatureFamily
from ats_assets.features.inspection import BAR_FIELDS, FIELDS, inspect
from ats_assets.features.terms import Expanded, expand

TABLES: Final = ("terms", "features", "descriptions")
_TERM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_family(text: str, name: str, origin: str) -> FeatureFamily:
    """A family from the text of its file.

    Parameters
    ----------
    name
        The family's.
    origin
        The file, for messages.

    Raises
    ------
    FeatureError
        If the text is not TOML of that form, or names are not allowed.
    ExpressionError
        If an expression can't be parsed or names an unknown field; the message has the file, the line and the place.

    Examples
    --------
    >>> from ats_assets.features import read_family
    >>> text = '''
    ... [terms]
    ... gain = "$close / Ref($close, 1) - 1"
    ... [features]
    ... CALM10 = "$gain / Std($gain, 10)"
    ... [descriptions]
    ... "CALM#" = "return in standard deviations of # sessions"
    ... '''
    >>> family = read_family(text, "mine", "features/mine.toml")
    >>> family.lookback, family.features[0].description
    (10, 'return in standard deviations of 10 sessions')
    """
    content = _content(text, origin)
    fields = BAR_FIELDS if content["frame"] else FIELDS
    terms: dict[str, Expanded] = {}
    for term, expression in content["terms"].items():
        _check_term(term, content["features"], fields, origin)
        with _located(text, term, origin):
            terms[term] = expand(expression, terms, fields)
    expressions: dict[str, str] = {}
    for factor, expression in content["features"].items():
        with _located(text, factor, origin):
            expressions[factor] = expand(expression, terms, fields).text
    return FeatureFamily(
        name=name,
        description=content["description"],
        expressions=MappingProxyType(expressions),
        descriptions=MappingProxyType(content["descriptions"]),
        origin=origin,
        frame=content["frame"],
    )


def read_checked_family(file: Path) -> FeatureFamily:
    """A family from its file, with every expression compiled.

    Raises
    ------
    FeatureError, ExpressionError
        As `read_family`; also if the file can't be read, or operators and arguments don't fit.
    LookAheadError
        If an expression refers to a later session.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FeatureError(f"{file} can't be read: {error}") from error
    family = read_family(text, file.stem, str(file))
    for factor, expression in family.expressions.items():
        with _located(text, factor, str(file)):
            if family.frame:
                check_bar_expression(expression)
            else:
                inspect(expression)
    return family


def _content(text: str, origin: str) -> dict[str, Any]:
    """The file's five entries, all there and of the right types."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FeatureError(f"{origin} is not a TOML file, or gives a name twice: {error}") from error
    unknown = [key for key in content if key not in {"description", "frame", *TABLES}]
    if unknown:
        raise FeatureError(
            f"{origin}: unknown entry `{unknown[0]}`; there are description, frame, {', '.join(f'[{table}]' for table in TABLES)}"
        )
    if not isinstance(content.setdefault("frame", None), str | None):
        raise FeatureError(f'{origin}: the frame has to be the name of bars in quotes: frame = "tick_bars"')
    if not isinstance(content.setdefault("description", ""), str):
        raise FeatureError(f"{origin}: the description has to be a text in quotes")
    for table in TABLES:
        entries = content.setdefault(table, {})
        if not isinstance(entries, dict):
            raise FeatureError(f'{origin}: `{table}` has to be a table: [{table}], then lines of the form NAME = "text"')
        for key, value in entries.items():
            if not isinstance(value, str):
                raise FeatureError(f'{origin}, line {_line(text, key)}: {key} in [{table}] has to be a text in quotes: {key} = "…"')
    return content


def _check_term(term: str, features: Mapping[str, str], fields: AbstractSet[str], origin: str) -> None:
    if not _TERM_NAME.fullmatch(term):
        raise FeatureError(f"{origin}: {term!r} can't be a term's name: use letters, digits and underscores, a letter first")
    if term in {*fields, *ROW_KEYS, *features}:
        what = "a factor of this file" if term in features else "a column of the bars"
        raise FeatureError(f"{origin}: the term {term} has the name of {what}; rename it")


@contextmanager
def _located(text: str, name: str, origin: str) -> Iterator[None]:
    """Put the file, the line and the entry before the message of a fault in an expression."""
    try:
        yield
    except (ExpressionError, LookAheadError) as error:
        raise type(error)(f"{origin}, line {_line(text, name)}, {name}: {error}") from None


def _line(text: str, name: str) -> int:
    """The line on which an entry is given (the TOML parser does not tell), counted from 1."""
    entry = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
    return next((number for number, line in enumerate(text.splitlines(), start=1) if entry.match(line)), 1)
