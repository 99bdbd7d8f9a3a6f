"""Who is who: people by the ids that the services give them, each with one role. Whoever is not named is nobody, and an empty list means that nobody is.

Roles are given in the settings file and nowhere else; what a bot can do is to take one away (`revoke`), which holds until the command line gives it back. So a chat
account that falls into the wrong hands can make nobody a trader.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from ats_assets.bots.bot_store import BotStore
from ats_assets.errors import SettingsError

PERSON = re.compile(r"(telegram|discord):[1-9][0-9]{0,19}")
"""How a person is written: the front and the id that it gives."""


class PersonRole(IntEnum):
    """What a person may call: each role may all that those below it may."""

    PUBLIC = 0
    """Whoever is not named: what is for subscribers, and only where there are plans."""
    VIEWER = 1
    TRADER = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As settings and messages write it.

        Examples
        --------
        >>> PersonRole.TRADER.word, PersonRole.ADMIN >= PersonRole.VIEWER
        ('trader', True)
        """
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who is known.

    Attributes
    ----------
    id
        `telegram:123` or `discord:456`, which the service takes as on whose behalf a request is.
    """

    id: str
    role: PersonRole
    name: str

    def may(self, needed: PersonRole) -> bool:
        """Whether the role is enough."""
        return self.role >= needed


class People:
    """Those whom the settings name, less those who were revoked.

    Parameters
    ----------
    named
        Id -> role and name, as the settings have them.
    store
        Where it is kept who was revoked.

    Raises
    ------
    SettingsError
        If an id is none, or a role is none.
    """

    def __init__(self, named: Mapping[str, tuple[str, str]], store: BotStore) -> None:
        self._named = {id_: _person(id_, role, name) for id_, (role, name) in named.items()}
        self._store = store

    def find(self, id_: str) -> Person | None:
        """The person of an id; None for whoever is not named or was revoked."""
        person = self._named.get(id_)
        return None if person is None or self._store.is_revoked(id_) else person

    def of_front(self, front: str) -> list[Person]:
        """Everybody of one front who may call something."""
        return [person for id_ in self._named if id_.startswith(f"{front}:") and (person := self.find(id_))]

    def listed(self) -> list[tuple[Person, bool]]:
        """Everybody whom the settings name, and whether they were revoked."""
        return [(person, self._store.is_revoked(id_)) for id_, person in self._named.items()]

    def revoke(self, id_: str, *, by: str, now: datetime) -> bool:
        """Take somebody's role away; False if it was taken before. An unknown id can be revoked, too: it stays nobody if a setting names it later."""
        return self._store.revoke(id_, by=by, now=now)

    def restore(self, id_: str, *, by: str, now: datetime) -> bool:
        """Let the settings count again for somebody who was revoked; False if nobody of that id was."""
        return self._store.restore(id_, by=by, now=now)


def _person(id_: str, role: str, name: str) -> Person:
    if not PERSON.fullmatch(id_):
        raise SettingsError(
            f"bots.people names {id_!r}, which is nobody's id: write the front and the number that it gives, such as telegram:123456789"
        )
    try:
        return Person(id=id_, role=PersonRole[role.upper()], name=name or id_)
    except KeyError:
        choices = ", ".join(one.word for one in PersonRole)
        raise SettingsError(f"bots.people.{id_!r}.role is {role!r}, which is no role: choose one of {choices}") from None
