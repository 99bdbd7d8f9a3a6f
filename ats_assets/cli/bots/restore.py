"""`ats bots restore`: let the settings count again for somebody who was revoked."""

import getpass
from datetime import UTC, datetime

from ats_assets.cli.bots.run import open_people
from ats_assets.errors import SettingsError
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings


def restore(person: str) -> None:
    """Undo what took the role away.

    Raises
    ------
    SettingsError
        If nobody of that id was revoked.
    """
    store, people = open_people(load_settings())
    with store:
        if not people.restore(person, by=f"cli:{getpass.getuser()}", now=datetime.now(UTC)):
            raise SettingsError(f"{person} was not revoked: ats bots people lists who was")
        found = people.find(person)
    say(f"{person} is {found.role.word} again" if found else f"{person} was revoked, and is not in bots.people either: add them there")
