"""Dagster's events as the JSON that it stores, in half the time.

Dagster's `serialize_value` asks of each value anew what it is and by which rules it is written. Here the rules of a class are looked up once:

1. Text, numbers, lists and dictionaries are taken as they are.
2. A named tuple, as events and all that they consist of are, is a dictionary of its fields by Dagster's serializer of its class (`_packer`): names in storage, fields that
   are left out where they are empty, and fields with a serializer of their own.
3. Everything else is packed by Dagster.

That the texts are Dagster's own is shown by a test, for the events of a run with all kinds of metadata.
"""

import functools
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.metadata import MetadataFieldSerializer
from dagster_shared.serdes import pack_value
from dagster_shared.serdes.serdes import _WHITELIST_MAP, EMPTY_VALUES_TO_SKIP, NamedTupleSerializer

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_encode: Final = json.JSONEncoder(sort_keys=True).encode
Packer = Callable[[Any], Any]


def event_text(event: Any) -> str:
    """What Dagster's `serialize_value` makes of an event, or of anything else that it can store.

    Raises
    ------
    SerializationError
        If it can't store it.

    Examples
    --------
    >>> import dagster as dg
    >>> event_text(dg.AssetKey(["bars"]))
    '{"__class__": "AssetKey", "path": ["bars"]}'
    """
    return _encode(_packed(event))


def event_row(event: dg.EventLogEntry, timestamp: datetime) -> dict[str, Any]:
    """An event as a row of Dagster's tables of events, as its storage's `_event_to_row` makes it."""
    own = event.dagster_event
    return {
        "run_id": event.run_id,
        "event": event_text(event),
        "dagster_event_type": own.event_type_value if own else None,
        "timestamp": timestamp,
        "step_key": own.step_key if own else event.step_key,
        "asset_key": own.asset_key.to_string() if own and own.asset_key else None,
        "partition": (own.partition or None) if own else None,
    }


def _packed(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {key: _packed(one) for key, one in value.items()}
    if kind is list:
        return [_packed(one) for one in value]
    return _packer(kind)(value)


@functools.cache
def _packer(kind: type) -> Packer:
    """What packs the values of a class."""
    rules = _WHITELIST_MAP.object_serializers.get(kind.__name__)
    if not isinstance(rules, NamedTupleSerializer) or not issubclass(kind, tuple):
        return pack_value
    if (
        type(rules).pack_items is not NamedTupleSerializer.pack_items
    ):  # of few classes, in whose texts there are more fields than they have, or fewer
        return pack_value
    name, old = rules.get_storage_name(), rules.old_fields
    places = rules.storage_field_names
    own: dict[str, Packer] = {key: _packer_of_field(custom) for key, custom in rules.field_serializers.items()}
    if_empty, if_none = rules.skip_when_empty_fields, rules.skip_when_none_fields

    looks_first = [getattr(type(rules), of) is not getattr(NamedTupleSerializer, of) for of in ("before_pack", "object_as_mapping")]
    names: list[str] = []

    def fields(value: Any) -> Iterable[tuple[str, Any]]:
        if any(looks_first):
            return rules.object_as_mapping(rules.before_pack(value)).items()
        if not names:  # as Dagster's constructors call them, of all values of the class
            names.extend(rules.object_as_mapping(value))
        return zip(names, tuple.__iter__(value), strict=True)  # a record hides that it can be iterated over

    def pack(value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"__class__": name}
        for key, one in fields(value):
            content = own[key](one) if key in own else one
            if not ((key in if_empty and content in EMPTY_VALUES_TO_SKIP) or (key in if_none and content is None)):
                found[places.get(key, key)] = content if key in own else _packed(content)
        found.update(old)
        return found

    return pack


def _packer_of_field(custom: Any) -> Packer:
    """What packs a field that has a serializer of its own: metadata are the many ones."""
    if type(custom) is MetadataFieldSerializer:
        return lambda metadata: [
            {"__class__": "EventMetadataEntry", "label": label, "entry_data": _packed(one), "description": None}
            for label, one in metadata.items()
        ]
    return lambda content: _packed(custom.pack(content, whitelist_map=_WHITELIST_MAP, descent_path=""))
