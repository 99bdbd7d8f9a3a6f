"""What is wrong with settings, in words that say what to do: pydantic's own for an unknown key ("Extra inputs are not permitted") name no way out."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ats_assets.errors import how_many
from ats_assets.secrecy import redacted

Place = tuple[int | str, ...]
_OF_A_KEY: Final = "[key]"
"""Pydantic's last word of a place where a name itself is wrong."""


def wrong_settings(error: ValidationError, kind: type[BaseModel]) -> list[tuple[Place, str]]:
    """Where each wrong setting is, and what is wrong with it.

    Parameters
    ----------
    error
        Of the validation of `kind`.
    kind
        The class of the settings: of an unknown key the names are told that could have been meant.

    Returns
    -------
    list of (place, message)
        In the order of pydantic, each place once, as it is written in a settings file. No message holds a value, except what a validator of ours tells.

    Examples
    --------
    >>> from ats_assets.settings.vendors import VendorsSettings
    >>> try:
    ...     VendorsSettings.model_validate({"some": {"max_attempts": 0}})
    ... except ValidationError as error:
    ...     wrong_settings(error, VendorsSettings)
    [(('some', 'max_attempts'), 'Input should be greater than or equal to 1')]
    """
    found: dict[Place, list[str]] = {}
    for fault in error.errors():
        found.setdefault(_as_written(fault["loc"], kind), []).append(_said(fault, kind))
    return [(place, "; or ".join(dict.fromkeys(said))) for place, said in found.items()]


def told_faults(error: ValidationError, kind: type[BaseModel], section: str) -> str:
    """All that is wrong with one section, with the settings that it knows, told once and without secrets.

    Examples
    --------
    >>> from pydantic import create_model
    >>> kind = create_model("Kind", __config__={"extra": "forbid"}, near=(int, 1), far=(int, 2))
    >>> try:
    ...     kind(nearr=2)
    ... except ValidationError as error:
    ...     told_faults(error, kind, "mine")
    '[mine] has 1 wrong setting: nearr: there is no such setting; did you mean near? It knows near, far'
    """
    faults = wrong_settings(error, kind)
    told = redacted("; ".join(f"{'.'.join(map(str, where)) or section}: {what}" for where, what in faults))
    text, known = f"[{section}] has {how_many(len(faults), 'wrong setting')}: {told}", ", ".join(kind.model_fields)
    return text if f"there are {known}" in told else f"{text.removesuffix('.')}{'' if text.endswith('?') else '.'} It knows {known}"


def _as_written(place: Place, kind: type[BaseModel]) -> Place:
    """A place without what nobody writes: the field that gathers tables, and which of several kinds of value was tried."""
    found, at = list[int | str](), cast("Any", kind)
    for name in place:
        kinds = _alternatives(at)
        section = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)
        table = next((get_args(one) for one in kinds if get_origin(one) in {dict, Mapping}), None)
        if section is not None and str(name) in section.model_fields:
            at = section.model_fields[str(name)].annotation
            if name != getattr(section, "gathered", None):
                found.append(name)
        elif name != _OF_A_KEY and (table or section or isinstance(name, int) or at is Any):
            found.append(name)
            at = table[1] if table else Any
    return tuple(found)


def _alternatives(annotation: Any) -> list[Any]:
    """A type, or those of a union, bare of what is annotated."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _alternatives(parts[0])
    return [one for part in parts for one in _alternatives(part)] if origin in {Union, UnionType} else [annotation]


def _said(fault: Mapping[str, Any], kind: type[BaseModel]) -> str:
    if fault["type"] != "extra_forbidden":
        return fault["msg"].removeprefix("Value error, ")  # pydantic's, before what a validator of ours says
    *above, name = fault["loc"]
    section = _section(kind, above)
    known = [] if section is None else list(section.model_fields)
    if near := get_close_matches(str(name), known, n=1):
        return f"there is no such setting; did you mean {near[0]}?"
    return "; there are ".join(["there is no such setting", *([", ".join(known)] if known else [])])


def _section(kind: type[BaseModel], place: list[int | str]) -> type[BaseModel] | None:
    """The class of the table at a place, None where it is not told by the names of fields alone."""
    for name in place:
        field = kind.model_fields.get(str(name))
        classes = [] if field is None else [one for one in _classes(field.annotation) if issubclass(one, BaseModel)]
        if len(classes) != 1:
            return None
        kind = classes[0]
    return kind


def _classes(annotation: Any) -> list[type]:
    """A class, or those of a union (`Drift | None`)."""
    if isinstance(annotation, type):
        return [annotation]
    return [one for part in get_args(annotation) for one in _classes(part)]
