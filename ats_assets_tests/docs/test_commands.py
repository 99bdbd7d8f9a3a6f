"""No command of a page rots: each is given to the real command line, which must take it; those of some pages are carried out.

What is demanded of a page: in a shell block (```sh) each line that calls `ats`, `dev.py`, `dagster` or an example can be typed as it is, once what is in
capitals is filled in. A command with its choices and brackets, such as `[--json]`, belongs in a block without a language.
"""

import re

import pytest

from ats_assets_tests.cli.conftest import Command, command, made  # noqa: F401 - fixtures
from ats_assets_tests.docs.commands import ROOT, PageCommand, named_commands, pages, refused, shell_commands, unknown
from ats_assets_tests.test_dev import dev

COMMANDS = [one for page in pages() for one in shell_commands(page)]
OF_ATS = [one for one in COMMANDS if one.of_ats is not None]
NAMED = [one for page in pages() for one in named_commands(page)]
RUN = {
    "README.md": r"ats (signals|report|features|models|doctor|--help|sql)",
    "docs/settings.md": r"ats config",
}
"""Page -> which of its commands are carried out, in their order, over the tiny market of the command line's tests; all of them only read.

Others are by tests of their own: docs/features.md (cli/test_features_page), docs/sql.md (cli/test_sql), docs/tutorial.md (docs/test_tutorial),
docs/add_your_own.md, docs/predict.md (cli/test_predict_bars), docs/stores.md, docs/live.md (cli/test_trade_live), `ats trade` and `ats orders` (cli/test_trade, cli/orders), examples (examples/).
"""
OF_THE_TINY_MARKET = {
    "SYN0049": "SYN0000",
    "2023-12-01": "2021-03-29",
    "2023-12-28": "2021-03-30",
    "2023-12-29": "2021-03-31",
    "crypto.toml": str(ROOT / "crypto.toml"),
    "ats.toml": str(ROOT / "ats.toml"),
}
"""What pages say of the default market -> what there is of it in the tiny one."""


def _id(one: PageCommand) -> str:
    return f"{one.page}: {one.text.splitlines()[0][:60]}"


def test_the_commands_of_the_pages_are_found() -> None:
    assert len(OF_ATS) > 50
    assert len(NAMED) > 100
    assert {"ats sql", "ats run", "ats config"} <= {f"ats {one.of_ats[0]}" for one in OF_ATS if one.of_ats}
    texts = [one.text for one in OF_ATS]
    assert any("\n" in text for text in texts), "a query over several lines is one command"
    (with_environment,) = [one for one in OF_ATS if "REFIT" not in one.text and one.environment.get("ATS_SOURCE__KIND") == "files"]
    assert with_environment.of_ats == ("run", "--from", "2013-02-08", "--to", "2018-02-07")


@pytest.mark.parametrize("one", OF_ATS, ids=_id)
def test_each_command_of_a_shell_block_is_taken_by_the_command_line(one: PageCommand) -> None:
    assert one.of_ats is not None
    assert refused(one.of_ats) is None, f"{one.page}: {one.text}"


def test_each_command_that_a_text_names_is_there_with_its_options() -> None:
    wrong = {(one.page, one.text): told for one in NAMED if one.of_ats and (told := unknown(one.of_ats))}
    assert not wrong


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ats run --form 2021-01-04", "No such option"),
        ("ats signals --format xml", "xml"),
        ("ats nothing", "nothing"),
        ("ats explain AAPL", "Missing argument"),
        ("ats run --chunk many", "valid integer"),
    ],
)
def test_what_is_wrong_would_be_found(line: str, told: str) -> None:
    assert told in str(refused(tuple(line.split()[1:])))


def test_what_is_named_wrongly_would_be_found() -> None:
    assert unknown(("stale", "--healing")) == "ats stale has no option --healing"
    assert unknown(("models", "forget")) == "there is no command models forget"
    assert unknown(("explain",)) is None


def test_the_settings_before_a_command_are_sections() -> None:
    from ats_assets.settings import Settings  # noqa: PLC0415

    named = {(one.page, name) for one in COMMANDS for name in one.environment if re.match(r"ATS_\w+__", name)}
    assert named
    assert not {(page, name) for page, name in named if name[4:].split("__")[0].lower() not in Settings.model_fields}


def test_the_other_programs_of_the_pages_are_there() -> None:
    """dev.py's commands, and programs of the project that Python runs."""
    missing = set()
    for one in COMMANDS:
        words = [word for word in one.words if word not in {"python3", "python", ".venv/bin/python"}]
        if words[:1] == ["dev.py"] and len(words) > 1 and words[1] not in dev.COMMANDS:
            missing.add((one.page, f"dev.py {words[1]}"))
        if words and re.match(r"(examples|benchmarks|findings|deploy)/\S+\.(py|sh)$", words[0]) and not (ROOT / words[0]).is_file():
            missing.add((one.page, words[0]))
        if words[:1] == ["-m"] and words[1].startswith("ats_assets") and not _module(words[1]):
            missing.add((one.page, words[1]))
    assert not missing


def _module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_each_command_of_dagster_is_taken_by_it() -> None:
    from click import ClickException  # noqa: PLC0415
    from dagster._cli import cli  # noqa: PLC0415

    asked = [one for one in COMMANDS if one.words[0].rpartition("/")[2] == "dagster"]
    assert asked
    for one in asked:
        called, rest = cli, list(one.words[1:])
        while below := getattr(called, "commands", None):
            assert rest[0] in below, one.text
            called = below[rest.pop(0)]
        try:
            called.make_context("dagster", rest)
        except ClickException as error:
            pytest.fail(f"{one.page}: {one.text}: {error.format_message()}")


@pytest.mark.parametrize("page", sorted(RUN))
def test_its_commands_are_carried_out(page: str, command: Command) -> None:  # noqa: F811
    chosen = [one for one in OF_ATS if one.page == page and re.search(RUN[page], one.text)]
    assert chosen
    for one in chosen:
        assert one.of_ats is not None
        run = command(*map(_of_tiny, one.of_ats), **one.environment)
        assert run.exit_code == 0, f"{page}: {one.text}\n{run.stdout}{run.stderr}"
        assert run.stdout or run.stderr


def _of_tiny(word: str) -> str:
    for ours, theirs in OF_THE_TINY_MARKET.items():
        if word == ours or (" " in word and ours in word):
            word = word.replace(ours, theirs)
    return word
