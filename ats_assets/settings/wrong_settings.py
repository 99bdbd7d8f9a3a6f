"""What is wrong with settings, in words that say what to do: pydantic's own for an unknown key ("Extra inputs are not permitted") name no way out."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ats_assets.errors import how_many
from ats_assets.secrecy import redacted

Place = tuple[int | str, ...]


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
        In the order of pydantic. No message holds a value, except what a validator of ours tells.
    """
    return [(fault["loc"], _said(fault, kind)) for fault in error.errors()]


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
    told = redacted("; ".join(f"{'.'.join(map(str, where)) or section}: {what}" for where, what in wrong_settings(error, kind)))
    text, known = f"[{section}] has {how_many(error.error_count(), 'wrong setting')}: {told}", ", ".join(kind.model_fields)
    return text if f"there are {known}" in told else f"{text.removesuffix('.')}{'' if text.endswith('?') else '.'} It knows {known}"


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
