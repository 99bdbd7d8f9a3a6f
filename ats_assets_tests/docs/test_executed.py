"""Each command of `ats` is carried out by a test, and each line that a page shows in the form that it has there. One that is new fails here until it is."""

import ast

import pytest

from ats_assets_tests.docs.commands import ROOT, PageCommand
from ats_assets_tests.docs.executed import command_of, executed, executed_by, options
from ats_assets_tests.docs.test_commands import OF_ATS
from ats_assets_tests.docs.test_synopsis import real

AS_CHILDREN = {"orders desk": "desk", "trade paced": "sessions"}
"""What `ats up` starts, and a test of it kills and sees started again: command -> its name among the processes."""
OF_SHELLS = {"--install-completion": "cli/test_completion.py", "--help": "cli/test_command_line.py"}
"""Options of no command -> the test that gives them."""
FOLLOWED = {"docs/tutorial.md"}
"""Pages whose every line is carried out as it stands."""


def given_by_tests(command: str) -> set[str]:
    """The options that files which carry a command out write anywhere, since some put their arguments together first."""
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in executed().get(command, {})]
    return {option for option in real()[command][0] if any(f'"{option}"' in text or f"{option} " in text for text in texts)}


def test_each_command_is_carried_out() -> None:
    page = {command_of(one.of_ats) for one in OF_ATS if one.of_ats and one.page in FOLLOWED}
    assert not set(real()) - set(executed()) - set(AS_CHILDREN) - page, "has no test that calls it"
    assert set(AS_CHILDREN) <= set(real()) - set(executed())
    killed = (ROOT / "ats_assets_tests" / "cli" / "test_up.py").read_text(encoding="utf-8")
    assert all(f'"{name}"' in killed for name in AS_CHILDREN.values())


@pytest.mark.parametrize(
    "one", [one for one in OF_ATS if one.page not in FOLLOWED], ids=lambda one: f"{one.page}: {one.text.splitlines()[0][:60]}"
)
def test_each_line_of_a_page_is_carried_out_in_its_form(one: PageCommand) -> None:
    """The command, with each option of the line."""
    assert one.of_ats is not None
    command = command_of(one.of_ats)
    if command is None:
        assert (ROOT / "ats_assets_tests" / OF_SHELLS[one.of_ats[0]]).is_file()
        assert f'"{one.of_ats[0]}' in (ROOT / "ats_assets_tests" / OF_SHELLS[one.of_ats[0]]).read_text(encoding="utf-8").replace(
            "ats ", '"'
        )
        return
    assert not set(options(one.of_ats)) - given_by_tests(command), f"no test that calls ats {command} gives them"


def test_what_is_only_named_is_not_taken_for_carried_out() -> None:
    text = """
def told(*arguments):
    return CliRunner().invoke(app, ["sources", *arguments])

def test_it(command, made):
    warehouse.write("drift", day, rows)
    assert refused(("explain", "AAPL")) and unknown(("stale", "--healing"))
    told("health", "--format", "json")
    command("orders", "status", *(["--json"] if as_json else []), home=made[0])
    Popen([sys.executable, "-m", "ats_assets.cli", "exporter", "--port", "0"])
"""
    found = list(executed_by(ast.parse(text)))
    assert {command_of(words) for words in found} - {None} == {"sources health", "orders status", "exporter"}
    assert ("sources", "health", "--format", "json") in found
    assert ("orders", "status", "--json") in found
