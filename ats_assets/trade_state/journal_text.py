"""Fields of events and decisions as text, and back, digit for digit: times and decimals are objects of one key."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


def to_text(fields: Mapping[str, Any]) -> str:
    """JSON with sorted keys, so that equal fields are equal texts.

    Examples
    --------
    >>> to_text({"quantity": Decimal("1.50"), "at": datetime(2024, 3, 4, 14, 30, tzinfo=UTC)})
    '{"at": {"utc": "2024-03-04T14:30:00"}, "quantity": {"decimal": "1.50"}}'
    """
    return json.dumps(_finite(fields), default=_plain, sort_keys=True, allow_nan=False)


def of_text(text: str) -> dict[str, Any]:
    """The fields of a text.

    Examples
    --------
    >>> of_text(to_text({"quantity": Decimal("1.50")}))
    {'quantity': Decimal('1.50')}
    """
    return json.loads(text, object_hook=_typed)


def _finite(value: Any) -> Any:
    """Numbers that are none (of events that are refused for it) as nothing."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return {"utc": value.astimezone(UTC).replace(tzinfo=None).isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    raise TypeError(f"{value!r} has no text in the journal")


def _typed(found: dict[str, Any]) -> Any:
    if found.keys() == {"utc"}:
        return datetime.fromisoformat(found["utc"]).replace(tzinfo=UTC)
    return Decimal(found["decimal"]) if found.keys() == {"decimal"} else found
