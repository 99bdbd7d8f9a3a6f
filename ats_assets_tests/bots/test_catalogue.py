"""Every command: its role, its confirmations, its words on both fronts. A new one without a role fails here."""

import re
from pathlib import Path

import pytest

from ats_assets.bots import commands
from ats_assets.bots.arguments import Argument
from ats_assets.bots.catalogue import catalogue, named
from ats_assets.bots.command import Command
from ats_assets.bots.people import PersonRole
from ats_assets.errors import BotError

PUBLIC, VIEWER, TRADER, ADMIN = PersonRole
ROLES = {
    "plans": PUBLIC,
    "subscribe": PUBLIC,
    "subscription": PUBLIC,
    "unsubscribe": PUBLIC,
    "broadcast": ADMIN,
    "give": ADMIN,
    "subscribers": ADMIN,
    "alerts": VIEWER,
    "audit": ADMIN,
    "balance": VIEWER,
    "cancel": TRADER,
    "chart": VIEWER,
    "explain": VIEWER,
    "exposure": VIEWER,
    "fills": VIEWER,
    "health": VIEWER,
    "help": PUBLIC,
    "logs": ADMIN,
    "models": VIEWER,
    "order": TRADER,
    "orders": VIEWER,
    "pause": TRADER,
    "people": ADMIN,
    "performance": VIEWER,
    "portfolio": VIEWER,
    "profit": VIEWER,
    "report": VIEWER,
    "requests": VIEWER,
    "resume": TRADER,
    "revoke": ADMIN,
    "risk": VIEWER,
    "settings": ADMIN,
    "signals": VIEWER,
    "status": VIEWER,
    "trades": VIEWER,
    "universe": VIEWER,
    "version": VIEWER,
    "whoami": VIEWER,
}
"""Written down a second time on purpose: who changes a role says so here."""
CONFIRMED = {"order": 1, "cancel": 1, "pause": 2, "resume": 2}


def test_each_command_has_the_role_that_is_meant() -> None:
    assert {name: command.role for name, command in catalogue().items()} == ROLES


def test_a_command_can_not_be_made_without_a_role() -> None:
    with pytest.raises(TypeError, match="role"):
        Command(name="new", help="", run=lambda _: None)  # type: ignore[call-arg,arg-type,return-value]


def test_whatever_asks_the_service_for_something_is_confirmed() -> None:
    """What a command proposes it does by its own module: whoever proposes says how often it is confirmed, and nobody else writes."""
    assert {name: command.confirmed for name, command in catalogue().items() if command.confirmed} == CONFIRMED
    folder = Path(commands.__file__).parent
    sources = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    assert {name for name, text in sources.items() if "propose(" in text} == CONFIRMED.keys()
    assert not [name for name, text in sources.items() if re.search(r"service\.(ask|confirm)\(", text)]
    assert all(catalogue()[name].role >= TRADER for name in CONFIRMED)


def test_a_module_is_the_command_of_its_name() -> None:
    folder = Path(commands.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == catalogue().keys()


@pytest.mark.parametrize("command", catalogue().values(), ids=lambda command: command.name)
def test_the_words_of_a_command_fit_both_fronts(command: Command) -> None:
    words = [command.name, *(command.aliases or {}), *(argument.name for argument in command.arguments)]
    assert all(re.fullmatch(r"[a-z][a-z_]{0,31}", word) for word in words)
    assert 0 < len(command.help) <= 100
    assert all(0 < len(argument.help) <= 100 for argument in command.arguments)
    required = [argument.required for argument in command.arguments]
    assert required == sorted(required, reverse=True), "what may be left out comes last"
    assert all(argument.kind != "text" for argument in command.arguments[:-1]), "the rest of the line is the last argument"
    assert all(bool(argument.choices) is (argument.kind == "choice") for argument in command.arguments)


def test_a_word_is_one_command_s() -> None:
    words = [word for command in catalogue().values() for word in (command.name, *(command.aliases or {}))]
    assert len(words) == len(set(words))
    for command in catalogue().values():
        for alias, given in (command.aliases or {}).items():
            assert named(alias) == (command, given)
            assert given.keys() <= {argument.name for argument in command.arguments}


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(BotError, match="no such command"):
        named("forceexit")


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (Argument(name="s", help="", kind="symbol"), "AAPL; DROP"),
        (Argument(name="s", help="", kind="symbol"), "../me"),
        (Argument(name="s", help="", kind="symbol"), "A" * 40),
        (Argument(name="n", help="", kind="count", most=50), "51"),
        (Argument(name="n", help="", kind="count"), "0"),
        (Argument(name="n", help="", kind="count"), "²"),
        (Argument(name="q", help="", kind="amount"), "1e5"),
        (Argument(name="q", help="", kind="amount"), "-3"),
        (Argument(name="q", help="", kind="amount"), "0.0"),
        (Argument(name="q", help="", kind="amount"), "1,000"),
        (Argument(name="q", help="", kind="amount"), "nan"),
        (Argument(name="q", help="", kind="amount"), "٣"),
        (Argument(name="d", help="", kind="day"), "2024-02-30"),
        (Argument(name="i", help="", kind="id"), "a/../b"),
        (Argument(name="c", help="", kind="choice", choices=("buy", "sell")), "hold"),
    ],
)
def test_a_wrong_argument_is_an_error_that_repeats_it_briefly(argument: Argument, text: str) -> None:
    with pytest.raises(BotError) as error:
        argument.parsed(text)
    assert len(str(error.value)) < 150
