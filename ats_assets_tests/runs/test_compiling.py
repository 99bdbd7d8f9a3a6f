"""What is compiled ahead comes in parts, which the set-up compiles beside each other."""

import re
from pathlib import Path

import pytest

from ats_assets.runs import compiling

DEV = Path(__file__).resolve().parents[2] / "dev.py"


def test_the_set_up_asks_for_each_part_once() -> None:
    asked = re.findall(r"\[\*compiling, ([^]]+)\]", DEV.read_text(encoding="utf-8"))
    assert len(asked) > 1
    assert sorted(re.findall(r'"(\w+)"', " ".join(asked))) == sorted(compiling.PARTS)


def test_parts_are_compiled_as_asked_for_and_all_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(compiling, "PARTS", {name: lambda name=name: done.append(name) for name in ("one", "other")})
    compiling.main(["other"])
    compiling.main()
    assert done == ["other", "one", "other"]
    with pytest.raises(SystemExit, match="no such part: third; there are one, other"):
        compiling.main(["third"])
