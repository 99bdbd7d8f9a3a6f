"""What a command is. Each module of `commands/` holds one object `COMMAND`; its name is what people type, and it can't be made without a role."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ats_assets.bots.arguments import Argument
from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.broadcasting.delivery_queue import DeliveryQueue
from ats_assets.bots.client import ApiClient
from ats_assets.bots.confirmations import Confirmations, Proposal
from ats_assets.bots.people import People, Person, PersonRole
from ats_assets.bots.reply import Button, Reply
from ats_assets.bots.subscriptions.shop import Shop

CONFIRM, CANCEL = "ok", "no"
"""What the data of a button begins with; the nonce follows."""


@dataclass(frozen=True, kw_only=True)
class GivenCommand:
    """A command that somebody gave, and what it may use.

    Attributes
    ----------
    place
        Where it was given: the front and the id of the chat or channel.
    arguments
        By name, as `Argument.parsed` gives them.
    catalogue
        All commands, by name.
    """

    person: Person
    place: str
    arguments: Mapping[str, str]
    service: ApiClient
    store: BotStore
    people: People
    confirmations: Confirmations
    shop: Shop
    queue: DeliveryQueue
    catalogue: "Mapping[str, Command]"
    now: datetime

    async def propose(self, proposal: Proposal) -> Reply:
        """Ask before it is done: a summary with two buttons that only this person can press, here, and for a while."""
        nonce = await asyncio.to_thread(self.confirmations.ask, proposal, person=self.person.id, place=self.place, now=self.now)
        return question("Confirm?", proposal.summary, nonce, self.confirmations.seconds)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command.

    Attributes
    ----------
    role
        The least that whoever gives it must have.
    confirmed
        How often it is confirmed before anything is asked of the service; 0: it changes nothing there.
    aliases
        Other words for it, each with arguments that are set.
    of_shop
        Whether it is about subscriptions: it is there only where there are plans.
    private
        Whether it is answered in private alone.
    """

    name: str
    role: PersonRole
    help: str
    run: Callable[[GivenCommand], Awaitable[Reply]]
    arguments: tuple[Argument, ...] = ()
    confirmed: int = 0
    aliases: Mapping[str, Mapping[str, str]] | None = None
    of_shop: bool = False
    private: bool = False

    @property
    def synopsis(self) -> str:
        """The command with its arguments, as it is typed."""
        return " ".join([f"/{self.name}", *(argument.shown for argument in self.arguments)])


def question(title: str, summary: tuple[str, ...], nonce: str, seconds: int) -> Reply:
    """A question with its two buttons."""
    buttons = (Button("Confirm", f"{CONFIRM}:{nonce}", "danger"), Button("Cancel", f"{CANCEL}:{nonce}"))
    return Reply(title=title, lines=(*summary, f"For {seconds} seconds, by you, in this chat."), buttons=buttons)
