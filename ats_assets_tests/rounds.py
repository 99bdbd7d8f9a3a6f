"""How often the long random tests go round: a few times by default, all of them in `dev.py test --full`.

A default round finds what breaks often; the rest is for a change of what such a test is about, and for the nights. Only the number of rounds differs: what each compares is the same.
"""

import os
from typing import Final

FULL: Final = bool(os.environ.get("ATS_TESTS_FULL"))
"""Whether all rounds are asked for; read before any test takes the environment's settings away."""


def rounds(short: int, full: int, by_hand: str = "") -> int:
    """The number of rounds.

    Parameters
    ----------
    short, full
        By default; with `dev.py test --full`.
    by_hand
        An environment variable that says another number.

    Examples
    --------
    >>> rounds(6, 20) in (6, 20)
    True
    """
    return int(os.environ.get(by_hand, full if FULL else short)) if by_hand else full if FULL else short
