"""Known vulnerabilities by a database on this machine: versions against ranges and lists, what can't be judged is not passed over, and an answer's age."""

import doctest
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from ats_assets_tests.deploy.files import ROOT, script

audit = script("audit")
LOCK = "solid-ore==2.0.1 \\\n    --hash=sha256:00\nother==1.0\nquiet==3.1\n"


def record(name: str, *, package: str = "Solid_Ore", events: list[dict[str, str]] | None = None, **more: Any) -> dict[str, Any]:
    """As the Python Packaging Advisory Database writes them."""
    affected: dict[str, Any] = {"package": {"name": package, "ecosystem": "PyPI", "purl": f"pkg:pypi/{package}"}}
    affected |= {"ranges": [{"type": "ECOSYSTEM", "events": events}]} if events else {}
    affected |= {"versions": more.pop("versions")} if "versions" in more else {}
    return {"id": name, "modified": "2026-07-23T10:00:00Z", "details": "A fault.\nWith lines.", "affected": [affected], **more}


AFFECTED = [{"introduced": "2.0"}, {"fixed": "2.0.2"}]
RECORDS = [
    record("PYSEC-2026-1", events=AFFECTED, aliases=["CVE-2026-1"]),
    record("PYSEC-2026-2", events=[{"introduced": "0"}, {"fixed": "2.0.1"}]),
    record("PYSEC-2026-3", events=AFFECTED, withdrawn="2026-07-01T00:00:00Z"),
    record("PYSEC-2026-4", package="other", versions=["0.9", "1.0.0"]),
    record("PYSEC-2026-5", package="absent", events=AFFECTED, modified="2026-07-24T10:00:00Z"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "advisories"
    for one in RECORDS:
        path = made / "vulns" / one["affected"][0]["package"]["name"].lower() / f"{one['id']}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(one, sort_keys=False))
    (made / "README.yaml").write_text("about: no record\n")
    (tmp_path / "own.lock").write_text(LOCK)
    return made


def test_what_is_known_is_told_with_its_fix(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main([str(folder), str(tmp_path / "own.lock")]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "other 1.0  PYSEC-2026-4 (no alias)  no fixed version is named",
        "    A fault. With lines.",
        "solid-ore 2.0.1  PYSEC-2026-1 (CVE-2026-1)  fixed in 2.0.2",
        "    A fault. With lines.",
    ]
    assert "3 packages, 2 of them with records; 2 found, 0 ignored. 5 records, the newest of 2026-07-24" in err
    assert re.search(r"24: \d+ days old", err)


def test_it_reads_a_zip_of_json_and_a_bill_of_materials_and_knows_two_records_of_one_fault(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = record("GHSA-aaaa-bbbb-cccc", events=AFFECTED, aliases=["CVE-2026-1"])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as whole:
        for one in [*RECORDS, same]:
            whole.writestr(f"{one['id']}.json", json.dumps(one, indent=4 if one is same else None))  # as GitHub and as OSV write them
    parts = [{"type": "library", "name": "solid-ore", "purl": "pkg:pypi/solid-ore@2.0.1"}]
    (tmp_path / "sbom.cdx.json").write_text(json.dumps({"bomFormat": "CycloneDX", "components": parts}))
    arguments = [str(tmp_path / "all.zip"), str(tmp_path / "sbom.cdx.json")]
    assert audit.main(arguments) == 1
    assert capsys.readouterr().out.splitlines()[::2] == ["solid-ore 2.0.1  GHSA-aaaa-bbbb-cccc (CVE-2026-1)  fixed in 2.0.2"]
    assert audit.main([*arguments, "--ignore", "CVE-2026-1"]) == 0
    assert "0 found, 1 ignored" in capsys.readouterr().err


def test_a_range_whose_end_is_no_version_of_pythons_is_left_to_the_list_or_to_a_person() -> None:
    """Records of PyTorch end at `2.6.0-cu124`, which `packaging` refuses."""
    events = [{"introduced": "0"}, {"last_affected": "2.6.0-cu124"}]
    assert audit.judge("solid-ore", "2.7", record("A", events=events)).judged is False
    assert audit.judge("solid-ore", "2.7", record("A", events=events, versions=["2.6.0"])) is None
    assert audit.judge("solid-ore", "2.6", record("A", events=events, versions=["2.6.0", "2.6.0-cu124"])).judged is True


def test_what_no_answer_can_be_built_on_has_a_status_of_its_own(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "none.lock").write_text("-r other.txt\n")
    (folder / "torn.json").write_text('{"modified": "2026-07-23T10:00:00Z", "name": "other"')
    lock = str(tmp_path / "own.lock")
    for arguments, said in [
        ([str(tmp_path / "empty"), lock], "has no record of OSV"),
        ([lock, lock], "neither a folder nor a zip"),
        ([str(folder), str(tmp_path / "none.lock")], "names no package"),
        ([str(folder), lock], "torn.json"),
        ([str(folder), str(tmp_path / "absent.lock")], "absent.lock"),
    ]:
        assert audit.main(arguments) == 2
        assert said in capsys.readouterr().err


def test_a_record_of_the_future_makes_no_database_newer(folder: Path) -> None:
    (folder / "late.json").write_text(json.dumps(record("PYSEC-2999-1", modified="2999-01-01T00:00:00Z"), indent=1))
    assert audit.database(folder, {"solid-ore"}).newest == date(2026, 7, 24)


VERSIONS = [str(Version(text)) for text in ("0.1", "1.0a1", "1.0", "1.0.post1", "1.1", "1.10", "2.0rc1", "2.0", "2!0.1")]
cuts = st.lists(st.sampled_from(range(len(VERSIONS))), unique=True, min_size=1, max_size=6).map(sorted)


@settings(max_examples=60, deadline=None)
@given(cuts=cuts, at=st.sampled_from(range(len(VERSIONS))), shuffled=st.randoms(use_true_random=False), inclusive=st.booleans())
def test_a_range_is_a_union_of_intervals(cuts: list[int], at: int, shuffled: Any, inclusive: bool) -> None:
    """By the places of versions in their order, whatever the order of the events."""
    assert sorted(VERSIONS, key=Version) == VERSIONS
    end = "last_affected" if inclusive else "fixed"
    pairs = [cuts[i : i + 2] for i in range(0, len(cuts), 2)]
    expected = any(one[0] <= at and (len(one) == 1 or at < one[1] or (inclusive and at == one[1])) for one in pairs)
    events = [{kind: VERSIONS[place]} for one in pairs for kind, place in zip(("introduced", end), one, strict=False)]
    shuffled.shuffle(events)
    inside, fixes = audit.in_range(Version(VERSIONS[at]), events)
    assert inside == expected
    assert all(Version(VERSIONS[at]) < one for one in fixes)


def test_before_every_version_is_before_pre_releases_and_the_example_holds() -> None:
    assert audit.in_range(Version("0.0.dev1"), [{"introduced": "0"}, {"fixed": "0.1"}])[0]
    assert doctest.testmod(audit, extraglobs={"Version": Version}).failed == 0


def test_the_locks_of_the_project_are_read() -> None:
    for lock in [ROOT / "requirements.lock", *sorted((ROOT / "deploy/images").glob("*.lock"))]:
        named = re.findall(r"^[\w.-]+==", lock.read_text(encoding="utf-8"), re.MULTILINE)
        assert {name for name, _ in audit.pins(lock)} == {audit.canonicalize_name(name[:-2]) for name in named}
