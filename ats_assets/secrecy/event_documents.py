"""Texts inside of Dagster's stored documents: events, ticks, heartbeats. They are redacted one by one, and nothing else of a document is.

A document also holds what things are found by: partition and asset keys, run ids, tags, paths. A secret may well be `2024-03-01` or `close`, and a partition whose key
became `***` would be lost.
"""

import json
from collections.abc import Mapping
from typing import Any

from ats_assets.secrecy.redaction import Redactor, current_redactor

TEXTS: Mapping[str, frozenset[str]] = {
    name: frozenset(fields)
    for name, fields in {
        "EventLogEntry": ("user_message", "message"),
        "DagsterEvent": ("message",),
        "SerializableErrorInfo": ("message", "stack"),
        "TextMetadataEntryData": ("text",),
        "MarkdownMetadataEntryData": ("md_str",),
        "JsonMetadataEntryData": ("data",),
        "UrlMetadataEntryData": ("url",),
        "TableRecord": ("data",),
        "EventMetadataEntry": ("description",),
        "Materialization": ("description",),
        "AssetMaterialization": ("description",),
        "AssetObservation": ("description",),
        "AssetCheckEvaluation": ("description",),
        "ExpectationResult": ("description",),
        "TypeCheckData": ("description",),
        "UserFailureData": ("description",),
        "TickData": ("skip_reason",),
    }.items()
}
"""Class of an object, as Dagster writes it -> its fields that are for people to read; each may hold a text, a list of them, or a document of the user's own."""

IDENTIFIERS = ("dagster/", ".dagster/", "ats/")
"""How tags begin that runs are found by."""


class RedactedDocument(str):
    """A document that `redacted_document` has looked at; it leaves one as it is."""

    __slots__ = ()


def redacted_document(document: str) -> str:
    """A document as Dagster stores it, without the secrets of the environment in its texts; the very same one where it has none."""
    if isinstance(document, RedactedDocument):
        return document
    redactor = current_redactor()
    if redactor(document) == document:
        return document
    try:
        parsed = json.loads(document)
    except ValueError:
        return redactor(document)
    return json.dumps(_without_secrets(parsed, redactor))


def redacted_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags of a run: those of a user's own are texts, all others are what runs are found by."""
    redactor = current_redactor()
    return {key: value if key.startswith(IDENTIFIERS) else _redact(value, redactor, key=key) for key, value in tags.items()}


def _without_secrets(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, list):
        return [_without_secrets(one, redactor) for one in value]
    if not isinstance(value, dict):
        return value
    texts = TEXTS.get(value.get("__class__", ""), frozenset())
    return {key: (_redact if key in texts else _without_secrets)(one, redactor) for key, one in value.items()}


def _redact(value: Any, redactor: Redactor, *, key: str = "") -> Any:
    """Redact a text, or what JSON says, with the names in it: `password` before a value is what shows it to be secret."""
    if isinstance(value, str) and not key:
        return redactor(value)
    return json.loads(redactor(json.dumps({key: value})))[key] if key else json.loads(redactor(json.dumps(value)))
