"""What a front is: it runs until it is stopped, and can tell a person something."""

from typing import Protocol

from ats_assets.bots.reply import Reply


class Front(Protocol):
    """Telegram or Discord."""

    name: str
    """As in `telegram:123`."""

    async def run(self) -> None:
        """Hear and answer until `stop`.

        Raises
        ------
        BotError
            If the service does not take the token, or can't be used at all.
        """
        ...

    async def stop(self) -> None:
        """End what is under way, and close."""
        ...

    async def tell(self, person: str, reply: Reply) -> None:
        """Tell a person something in private.

        Raises
        ------
        BotError
            If it was not taken: whoever has something important tries again.
        """
        ...

    async def tell_once(self, person: str, reply: Reply, nonce: str) -> None:
        """Tell a person something in private with one try, as one message.

        Parameters
        ----------
        nonce
            The same for the same message, for a service that knows what it has taken.

        Raises
        ------
        MessageRefusedError
            If it was surely not taken.
        RecipientGoneError
            If the person has blocked the bot, or is no more.
        BotError
            If it is not known whether it was taken.
        """
        ...
