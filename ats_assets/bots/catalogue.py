"""All commands: the modules of `commands/`, found by name."""

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from ats_assets.bots.command import Command
from ats_assets.errors import BotError

PACKAGE = "ats_assets.bots.commands"


@functools.cache
def catalogue() -> Mapping[str, Command]:
    """Name -> command, sorted by name.

    Examples
    --------
    >>> catalogue()["order"].role.word, catalogue()["order"].synopsis
    ('trader', '/order buy|sell SYMBOL QUANTITY [LIMIT]')
    """
    folder = importlib.import_module(PACKAGE).__path__
    found = [importlib.import_module(f"{PACKAGE}.{module.name}").COMMAND for module in pkgutil.iter_modules(folder)]
    return MappingProxyType({command.name: command for command in sorted(found, key=lambda command: command.name)})


def commands_there(commands: Mapping[str, Command], *, plans: bool) -> Mapping[str, Command]:
    """The commands that are there: those about subscriptions only where there are plans."""
    return commands if plans else {name: command for name, command in commands.items() if not command.of_shop}


def named(word: str) -> tuple[Command, Mapping[str, str]]:
    """The command that a word names, and the arguments that an alias sets.

    Raises
    ------
    BotError
        If there is none.

    Examples
    --------
    >>> command, set_ = named("weekly")
    >>> command.name, dict(set_)
    ('profit', {'period': 'weekly'})
    """
    commands = catalogue()
    if word in commands:
        return commands[word], {}
    for command in commands.values():
        if command.aliases and word in command.aliases:
            return command, command.aliases[word]
    raise BotError("There is no such command: /help lists yours.")
