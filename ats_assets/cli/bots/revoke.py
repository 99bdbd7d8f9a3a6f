"""`ats bots revoke`: take somebody's role away."""

import getpass
from datetime import UTC, datetime

from ats_assets.bots.people import PERSON
from ats_assets.cli.bots.run import open_people
from ats_assets.errors import SettingsError
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings


def revoke(person: str) -> None:
    """Take it away; bots that run keep to it at once.

    Raises
    ------
    SettingsError
        If that is nobody's id.
    """
    if not PERSON.fullmatch(person):
        raise SettingsError(f"{person!r} is nobody's id: write the front and the number that it gives, such as telegram:123456789")
    store, people = open_people(load_settings())
    with store:
        new = people.revoke(person, by=f"cli:{getpass.getuser()}", now=datetime.now(UTC))
    say(f"{person} is nobody from now on" if new else f"{person} had been revoked before")
