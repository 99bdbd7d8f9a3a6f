"""Discord, through discord.py: slash commands, buttons, charts as attachments, over the gateway. It asks for no intents: it sees no message that is not for it.

1. Every command of the catalogue is a slash command; they are sent to Discord where they differ from those sent last.
2. An interaction is acknowledged at once (Discord waits three seconds), runs, and is answered where it was asked, for the one who asked alone, unless the channel is
   one of `bots.chats`. One that Discord has given up is not run: who gave it was told that it failed.
3. A session that is resumed may bring what was seen before: each interaction is run once.
"""

import asyncio
import contextlib
import hashlib
import inspect
import io
import json
import logging
from collections.abc import Callable
from datetime import UTC
from typing import Any, Literal, Optional

import aiohttp
import discord
from discord import app_commands
from typing_extensions import override

from ats_assets.bots.arguments import Argument
from ats_assets.bots.catalogue import catalogue, commands_there
from ats_assets.bots.command import CANCEL, CONFIRM, Command
from ats_assets.bots.inbox import Inbox
from ats_assets.bots.reception import Incoming, Reception
from ats_assets.bots.rendering import DISCORD, rendered
from ats_assets.bots.reply import Button, Reply, said
from ats_assets.errors import BotError, MessageRefusedError, RecipientGoneError
from ats_assets.secrecy import hold_secret_text, redacted

logger = logging.getLogger(__name__)
for _name in ("discord.http", "discord.webhook.async_", "discord.gateway"):
    logging.getLogger(_name).setLevel(
        logging.INFO
    )  # the lines of DEBUG hold the tokens of interactions: who has one answers as the bot for a quarter of an hour
for _name in ("discord.client", "discord.state"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # they warn of voice and of intents, neither of which the bot wants

_LONGEST_WAIT = 60.0
_NOTHING = said("This is a private bot", "You are not known here.")
_STYLES = {"plain": discord.ButtonStyle.secondary, "go": discord.ButtonStyle.success, "danger": discord.ButtonStyle.danger}
_TOKEN_IS_WRONG = 4004
"""The gateway's close code."""


class DiscordFront:
    """Discord.

    Parameters
    ----------
    token
        Of the bot, as the developer portal gave it.
    connector
        Makes what connects to Discord, as discord.py takes it: for a proxy, or a test.
    """

    name = "discord"

    def __init__(
        self,
        token: str,
        reception: Reception,
        *,
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
        retry_seconds: float = 1.0,
    ) -> None:
        hold_secret_text(token)
        self._token, self._reception = token, reception
        self._connector, self._retry = connector, retry_seconds
        self._inbox = Inbox(reception.store, self.name)
        self._stopping = asyncio.Event()
        self._client: _Client | None = None

    async def run(self) -> None:
        """Hear and answer until `stop`."""
        wait = self._retry
        while not self._stopping.is_set():
            self._client = _Client(self, self._connector() if self._connector else None)
            try:
                await self._client.start(self._token)
            except discord.LoginFailure:
                raise _wrong_token() from None
            except discord.ConnectionClosed as error:
                if error.code == _TOKEN_IS_WRONG:
                    raise _wrong_token() from None
                logger.warning("Discord: the gateway closed the connection with %s; again in %.0f s", error.code, wait)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                logger.warning("Discord: no connection (%s); again in %.0f s", _reason(error), wait)
            except Exception:  # whatever it is, the next connection may do without it
                logger.exception("Discord: the bot failed; again in %.0f s", wait)
            finally:
                await self._client.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def stop(self) -> None:
        """End what is under way, and close."""
        self._stopping.set()
        if self._client:
            await self._client.close()

    @property
    def sells(self) -> bool:
        """Whether there is anything to subscribe to."""
        return self._reception.shop.is_open

    async def tell(self, person: str, reply: Reply) -> None:
        """Tell a person something in a direct message."""
        if self._client is None or not self._client.is_ready():
            raise BotError("Discord is not connected")
        try:
            user = await self._client.fetch_user(int(person.partition(":")[2]))
            for message in _messages(reply):
                await user.send(**message)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise BotError(f"Discord did not take a message for {person}: {_reason(error)}") from None

    async def tell_once(self, person: str, reply: Reply, nonce: str) -> None:
        """Tell a person something with one try, as one message: what Discord has taken under a nonce it does not take again."""
        if self._client is None or not self._client.is_ready():
            raise MessageRefusedError("Discord is not connected", 5.0)
        try:
            user = await self._client.fetch_user(int(person.partition(":")[2]))
            await user.send(_messages(reply)[0]["content"], nonce=f"{nonce}-{person[-12:]}"[:25])
        except (discord.Forbidden, discord.NotFound):
            raise RecipientGoneError(f"{person} takes no messages of the bot, or is no more") from None
        except aiohttp.ClientConnectorError:
            raise MessageRefusedError("Discord can't be reached", 0.0) from None
        except discord.HTTPException as error:
            if error.status < 500:
                raise MessageRefusedError(f"Discord does not take it: {_reason(error)}", 30.0 if error.status == 429 else None) from None
            raise BotError(f"Discord gave no answer: {_reason(error)}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise BotError(f"Discord gave no answer: {_reason(error)}") from None

    async def ran(self, interaction: discord.Interaction, command: Command, given: dict[str, Any]) -> None:
        """Run a slash command."""
        incoming = _incoming(interaction)
        private = interaction.guild_id is None or incoming.place not in self._reception.chats
        if not await self._is_new(interaction):
            return
        with _failures(interaction):
            await interaction.response.defer(ephemeral=private, thinking=True)
            texts = {name: str(value) for name, value in given.items() if value is not None}
            reply = await self._reception.command(incoming, command.name, texts) or _NOTHING
            first, *others = _messages(reply)
            files = [first.pop("file")] if "file" in first else []
            await interaction.edit_original_response(**first, attachments=files)
            for message in others:
                await interaction.followup.send(**message, ephemeral=private)

    async def pressed(self, interaction: discord.Interaction, data: str) -> None:
        """Take a button."""
        if not await self._is_new(interaction):
            return
        with _failures(interaction):
            await interaction.response.defer()
            reply = await self._reception.button(_incoming(interaction), data) or _NOTHING
            first, *_ = _messages(reply)
            if reply.replaces_buttons:
                await interaction.edit_original_response(content=first["content"], view=first.get("view"))
            else:
                await interaction.followup.send(**first, ephemeral=True)

    async def sent_commands(self, tree: app_commands.CommandTree) -> None:
        """Send the commands to Discord, for servers and direct messages alike, unless it has them."""
        payload = [command.to_dict(tree) for command in tree.get_commands()]
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()
        mark = f"discord commands {tree.client.application_id}"
        if await asyncio.to_thread(self._reception.store.mark, mark) != digest:
            await tree.sync()
            await asyncio.to_thread(self._reception.store.set_mark, mark, digest)

    async def _is_new(self, interaction: discord.Interaction) -> bool:
        now, id_ = self._reception.clock(), str(interaction.id)
        if not await asyncio.to_thread(self._inbox.keep, [(id_, None)], now):
            return False
        await asyncio.to_thread(self._inbox.done, id_, now)
        return True


class _Client(discord.Client):
    """One connection's client; the next one has another."""

    def __init__(self, front: DiscordFront, connector: aiohttp.BaseConnector | None) -> None:
        super().__init__(
            intents=discord.Intents.none(), connector=connector, max_messages=None, allowed_mentions=discord.AllowedMentions.none()
        )
        self.front = front
        self.tree = app_commands.CommandTree(self)
        for command in commands_there(catalogue(), plans=front.sells).values():
            self.tree.add_command(_slash_command(front, command))
        self.add_dynamic_items(_NonceButton)

    @override
    async def setup_hook(self) -> None:
        await self.front.sent_commands(self.tree)

    @override
    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        logger.exception("Discord: %s failed", event_method)


class _NonceButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=rf"(?P<verb>{CONFIRM}|{CANCEL}):(?P<nonce>[\w-]{{1,64}})"):
    """A button whose id is all that there is of it: it works after a restart, too."""

    def __init__(self, button: Button) -> None:
        super().__init__(discord.ui.Button(label=button.label, style=_STYLES[button.style], custom_id=button.data))
        self.data = button.data

    @classmethod
    @override
    async def from_custom_id(cls, interaction: discord.Interaction, item: discord.ui.Item[Any], match: Any, /) -> "_NonceButton":
        return cls(Button(label=getattr(item, "label", None) or "-", data=match[0]))

    @override
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.front.pressed(interaction, self.data)


def _slash_command(front: DiscordFront, command: Command) -> app_commands.Command[Any, ..., None]:
    """A slash command with the arguments that a command has: discord.py reads them from a signature."""

    async def callback(interaction: discord.Interaction, **given: Any) -> None:
        await front.ran(interaction, command, given)

    position = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter("interaction", position, annotation=discord.Interaction),
        *(
            inspect.Parameter(one.name, position, annotation=_annotation(one), default=inspect.Parameter.empty if one.required else None)
            for one in command.arguments
        ),
    ]
    callback.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    described = app_commands.describe(**{one.name: one.help[:100] for one in command.arguments})(callback)
    return app_commands.Command(name=command.name, description=command.help[:100], callback=described)


def _annotation(argument: Argument) -> Any:
    """As discord.py reads it."""
    if argument.kind == "choice":
        kind: Any = Literal[argument.choices]
    elif argument.kind == "count":
        kind = app_commands.Range[int, 1, argument.most]
    else:
        kind = app_commands.Range[str, 1, 200]
    return kind if argument.required else Optional[kind]  # noqa: UP045 - `|` is not what discord.py takes


def _incoming(interaction: discord.Interaction) -> Incoming:
    sender = None if interaction.user.bot else f"discord:{interaction.user.id}"
    return Incoming(sender=sender, place=f"discord:{interaction.channel_id}", private=True, at=interaction.created_at.astimezone(UTC))


def _messages(reply: Reply) -> list[dict[str, Any]]:
    """The messages of a reply; the picture is with the first, the buttons with the last."""
    texts = rendered(reply, DISCORD) or [""]
    messages: list[dict[str, Any]] = [{"content": text} for text in texts]
    if reply.picture:
        messages[0]["file"] = discord.File(io.BytesIO(reply.picture.content), reply.picture.name, description=reply.picture.shows)
    if reply.buttons:
        view = discord.ui.View(timeout=None)
        for button in reply.buttons:
            view.add_item(_NonceButton(button))
        messages[-1]["view"] = view
    return messages


@contextlib.contextmanager
def _failures(interaction: discord.Interaction) -> Any:
    """What Discord does not take is logged: by then whoever waits has been told so by Discord itself."""
    try:
        yield
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        logger.warning("Discord: the answer to interaction %s was not taken: %s", interaction.id, _reason(error))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {redacted(str(error))[:200]}"


def _wrong_token() -> BotError:
    return BotError("Discord does not take the token: DISCORD_BOT_TOKEN was reset or is another's; the developer portal gives a new one")
