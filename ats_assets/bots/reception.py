"""Where every front brings what it hears: who is it, may they, is it new; then the command runs, or the button's confirmation is taken.

A front says who sent it, where, and which update it was; it never decides what somebody may do. Whatever goes wrong becomes an answer in plain words.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ats_assets.bots.arguments import checked_arguments, parsed_line
from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.broadcasting.delivery_queue import DeliveryQueue
from ats_assets.bots.catalogue import catalogue, named
from ats_assets.bots.client import ApiClient
from ats_assets.bots.command import CANCEL, CONFIRM, GivenCommand, question
from ats_assets.bots.confirmations import Confirmations, NotConfirmed, OneMore
from ats_assets.bots.people import People, Person, PersonRole
from ats_assets.bots.reply import Reply, said
from ats_assets.bots.sending_requests import RequestSender
from ats_assets.bots.subscriptions.shop import Shop
from ats_assets.errors import AtsError, BotError

logger = logging.getLogger(__name__)

STRANGERS_SECONDS = 3600
"""Somebody unknown gets one answer in so many seconds."""
MOST_STRANGERS = 1000


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """From whom something came.

    Attributes
    ----------
    sender
        `telegram:123`; None where the front can't say who it is, such as an anonymous administrator or another bot.
    place
        The front and the chat: `telegram:-100123`.
    private
        Whether nobody else reads there.
    at
        When it was sent, as the front says.
    """

    sender: str | None
    place: str
    private: bool
    at: datetime


class Reception:
    """Answers what fronts hear.

    Parameters
    ----------
    chats
        The places, besides private ones, where it answers.
    max_age_seconds
        What was sent longer ago is not run: it was sent while no bot was there.
    per_minute
        How many commands and buttons one person may give in a minute.
    clock
        The time now, in UTC.
    shop, queue
        Plans and who has them, and what goes out to these; default: there are none.
    """

    def __init__(
        self,
        *,
        store: BotStore,
        people: People,
        service: ApiClient,
        confirmations: Confirmations,
        chats: frozenset[str] = frozenset(),
        max_age_seconds: int = 300,
        per_minute: int = 20,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        shop: Shop | None = None,
        queue: DeliveryQueue | None = None,
    ) -> None:
        self.store, self.people, self.service, self.confirmations = store, people, service, confirmations
        self.sender = RequestSender(service, confirmations, clock)
        self.clock = clock
        self.shop = shop or Shop(store, {}, timedelta(0), {})
        self.queue = queue or DeliveryQueue(store, secrets.token_hex(8), timedelta(days=1))
        self.chats, self._max_age, self._per_minute = chats, timedelta(seconds=max_age_seconds), per_minute
        self._given: dict[str, deque[datetime]] = {}
        self._strangers: dict[str, datetime] = {}

    async def line(self, heard: Incoming, word: str, rest: str) -> Reply | None:
        """The answer to a command as a line of text; None where there is none to give."""
        return await self._answered(heard, lambda person: self._run(person, heard, word, line=rest))

    async def command(self, heard: Incoming, word: str, given: Mapping[str, str]) -> Reply | None:
        """The answer to a command whose arguments have names."""
        return await self._answered(heard, lambda person: self._run(person, heard, word, given=given))

    async def button(self, heard: Incoming, data: str) -> Reply | None:
        """The answer to a button that was pressed."""
        return await self._answered(heard, lambda person: self._pressed(person, heard, data))

    async def _answered(self, heard: Incoming, run: Callable[[Person], Awaitable[Reply]]) -> Reply | None:
        try:
            person = await asyncio.to_thread(self.people.find, heard.sender) if heard.sender else None
            if person is None:
                person = await self._anybody(heard)
            if person is None:
                return await self._stranger(heard)
            if not heard.private and heard.place not in self.chats:
                return said(
                    "Not here", f"I answer in private, and in the places of bots.chats; this one is {heard.place}.", replaces_buttons=False
                )
            if self._too_many(person):
                return said("Slowly", f"At most {self._per_minute} commands a minute.", replaces_buttons=False)
            return await run(person)
        except AtsError as error:
            return said("Not done", _sentence(str(error)), replaces_buttons=False)
        except Exception:  # of any command: who gave it is answered, and the log has the traceback
            number = secrets.token_hex(4)
            logger.exception("a command failed; who gave it was told the number %s", number)
            return said("Not done", f"Something failed inside the bot: its log tells more under {number}.", replaces_buttons=False)

    async def _anybody(self, heard: Incoming) -> Person | None:
        """Whoever writes in private, where there is something to subscribe to; nobody who was revoked."""
        if (
            heard.sender is None
            or not heard.private
            or not self.shop.is_open
            or await asyncio.to_thread(self.store.is_revoked, heard.sender)
        ):
            return None
        return Person(id=heard.sender, role=PersonRole.PUBLIC, name=heard.sender)

    async def _stranger(self, heard: Incoming) -> Reply | None:
        """Somebody unknown is told their id, once in a while and in private: whoever runs this needs it to let them in. Nothing else is said."""
        now = self.clock()
        if heard.sender is None or not heard.private:
            return None
        last = self._strangers.get(heard.sender)
        if last is not None and now - last < timedelta(seconds=STRANGERS_SECONDS):
            return None
        if len(self._strangers) >= MOST_STRANGERS:
            self._strangers.pop(next(iter(self._strangers)))
        self._strangers[heard.sender] = now
        await asyncio.to_thread(self.store.note, now, heard.sender, heard.place, "unknown")
        return said("This is a private bot", f"You are {heard.sender}, and not known here.", replaces_buttons=False)

    def _too_many(self, person: Person) -> bool:
        now = self.clock()
        if len(self._given) >= MOST_STRANGERS:
            self._given = {id_: given for id_, given in self._given.items() if given and now - given[-1] <= timedelta(minutes=1)}
        given = self._given.setdefault(person.id, deque())
        while given and now - given[0] > timedelta(minutes=1):
            given.popleft()
        given.append(now)
        if len(given) > self._per_minute:
            given.pop()
            return True
        return False

    async def _run(
        self, person: Person, heard: Incoming, word: str, *, line: str | None = None, given: Mapping[str, str] | None = None
    ) -> Reply:
        now = self.clock()
        command, set_ = named(word.lower())
        if command.private and not heard.private:
            raise BotError(f"/{command.name} is answered in private: write to me there.")
        if not person.may(command.role):
            await asyncio.to_thread(self.store.note, now, person.id, heard.place, "refused", f"{command.name}: needs {command.role.word}")
            raise BotError(f"/{command.name} is for {command.role.word}s: you are a {person.role.word}.")
        if command.of_shop and not self.shop.is_open:
            raise BotError("There is nothing to subscribe to here.")
        if now - heard.at > self._max_age:
            raise BotError(f"/{command.name} was sent at {heard.at:%H:%M} UTC, while I was away: give it again if you still want it.")
        left = tuple(argument for argument in command.arguments if argument.name not in set_)
        arguments = parsed_line(left, line) if line is not None else checked_arguments(left, given or {})
        call = GivenCommand(
            person=person,
            place=heard.place,
            arguments={**set_, **arguments},
            service=self.service,
            store=self.store,
            people=self.people,
            confirmations=self.confirmations,
            shop=self.shop,
            queue=self.queue,
            catalogue=catalogue(),
            now=now,
        )
        return await command.run(call)

    async def _pressed(self, person: Person, heard: Incoming, data: str) -> Reply:
        verb, _, nonce = data.partition(":")
        if verb not in {CONFIRM, CANCEL}:
            raise BotError("This button is not known here: give the command again.")
        take = self.confirmations.press if verb == CONFIRM else self.confirmations.cancel
        taken = await asyncio.to_thread(take, nonce, person=person.id, place=heard.place, now=self.clock())
        if isinstance(taken, NotConfirmed):
            return said("Not done", taken.why, replaces_buttons=taken.over)
        if isinstance(taken, OneMore):
            return question("Really? Confirm once more", taken.summary, taken.nonce, self.confirmations.seconds)
        return await self.sender.send(taken)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
