"""What a client may say, understood or refused. Nothing of a message is repeated in what is answered: it may hold a key."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ats_assets.serving.roles import Role
from ats_assets.serving.stream.feed import KEPT_TOPICS
from ats_assets.serving.stream.followed_session import BOOK_TOPICS, KINDS

_SYMBOL_TOPIC = re.compile(rf"(?:{'|'.join(KINDS)}):[A-Z0-9][A-Za-z0-9./:_-]{{0,31}}")
ROLES: Mapping[str, Role] = dict.fromkeys((*KEPT_TOPICS, *BOOK_TOPICS, *KINDS), Role.READ)
"""What a topic needs, by its name, or by how it begins."""
LONGEST_KEY, LONGEST_CURSOR = 200, 64


class MalformedError(Exception):
    """A message that can't be understood; its text says what is wrong with it."""


class UnknownTopicError(Exception):
    """There is no such topic."""


@dataclass(frozen=True, kw_only=True)
class Subscribe:
    """Send these topics from now on, those with a cursor from there on."""

    topics: tuple[str, ...]
    after: Mapping[str, str] = field(default_factory=dict)
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Unsubscribe:
    """Send these no more."""

    topics: tuple[str, ...]


def understood(text: str, most_topics: int) -> Subscribe | Unsubscribe:
    """A client's message.

    Raises
    ------
    MalformedError
        If it is none.
    UnknownTopicError
        If it names a topic that there is not.

    Examples
    --------
    >>> understood('{"type": "subscribe", "topics": ["orders"]}', 10).topics
    ('orders',)
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("it is no JSON") from None
    if not isinstance(found, dict):
        raise MalformedError("it is no JSON object")
    kind = found.get("type")
    known = (
        {"subscribe": {"type", "topics", "after", "key"}, "unsubscribe": {"type", "topics"}}.get(kind) if isinstance(kind, str) else None
    )
    if known is None:
        raise MalformedError('its type is neither "subscribe" nor "unsubscribe"')
    if found.keys() - known:
        raise MalformedError(f"a message of type {kind} has {', '.join(sorted(known))}, and nothing else")
    topics = _topics(found.get("topics"), most_topics)
    if kind == "unsubscribe":
        return Unsubscribe(topics=topics)
    return Subscribe(topics=topics, after=_after(found.get("after")), key=_key(found.get("key")))


def role_of(topic: str) -> Role:
    """What a topic needs."""
    return ROLES[topic.partition(":")[0]]


def _topics(found: Any, most: int) -> tuple[str, ...]:
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise MalformedError("topics is no list of names")
    if len(found) > most:
        raise MalformedError(f"a client may have {most} topics")
    if not all(one in (*KEPT_TOPICS, *BOOK_TOPICS) or _SYMBOL_TOPIC.fullmatch(one) for one in found):
        raise UnknownTopicError(f"topics are {', '.join((*KEPT_TOPICS, *BOOK_TOPICS))}, {', '.join(f'{kind}:SYMBOL' for kind in KINDS)}")
    return tuple(dict.fromkeys(found))


def _after(found: Any) -> Mapping[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(one, str) and len(one) <= LONGEST_CURSOR for one in found.values()):
        raise MalformedError("after is no object of a cursor a topic")
    return found


def _key(found: Any) -> str | None:
    if found is not None and not (isinstance(found, str) and len(found) <= LONGEST_KEY):
        raise MalformedError("key is no key")
    return found
