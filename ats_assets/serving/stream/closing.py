"""Why a connection is closed, as a code and a reason: those of 4000 and more are the application's own."""

from typing import NamedTuple


class Close(NamedTuple):
    """A close frame."""

    code: int
    reason: str


MALFORMED = Close(4400, "the message can't be understood")
NO_TOPIC = Close(4400, "there is no such topic: the page of the stream (docs/stream.md) lists them")
"""By name in an error, which may be longer than what a close frame takes."""
NO_KEY = Close(4401, "no valid key: send one in the first message, or log in")
NOT_ALLOWED = Close(4403, "the key's role does not allow this")
SILENT = Close(4408, "nothing was subscribed to in time")
TOO_LARGE = Close(4413, "the message is too large")
TOO_MANY = Close(4429, "too many clients")
TOO_OFTEN = Close(4429, "too many messages")
SLOW_READER = Close(4508, "slow reader: messages come faster than they are read; resume by the cursors")
