"""`ats sources health`, `ats sources audit`, and what `ats doctor` says of vendors."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ats_assets.cli import app
from ats_assets.runs.vendor_diagnosis import diagnose_vendors
from ats_assets.settings import Settings, load_settings
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.credentials import VendorKeys
from ats_assets.vendors.errors import VendorError
from ats_assets.vendors.http import VendorHttp
from ats_assets.vendors.open_vendor import open_state, open_vendor
from ats_assets.vendors.vendor_limits import VendorLimits
from ats_assets_tests.vendors.doubles import Mishap, Told, VendorDouble, Wrong

KEY = "kEyOfTheVendor0123456789"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "ats.toml").write_text("[vendors.some]\nmax_attempts = 1\n")
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    monkeypatch.setenv("SOME_API_KEY", KEY)
    return load_settings()


def told(*arguments: str) -> str:
    run = CliRunner().invoke(app, ["sources", *arguments])
    assert run.exit_code == 0, run.output
    return run.output


def asking(settings: Settings, double: VendorDouble) -> VendorHttp:
    backoff = Backoff(max_seconds=1, sleep=lambda _: None)
    return open_vendor(settings, "some", double.url, VendorKeys("SOME_API_KEY"), VendorLimits.per_minute(50), backoff=backoff)


def test_a_look_at_vendors_before_and_after_they_were_asked(project: Settings):
    assert "no vendor has been asked yet" in told("health")
    assert json.loads(told("health", "--format", "json")) == json.loads(told("audit", "--format", "json")) == []
    assert "nothing was asked since" in told("audit")
    assert list(diagnose_vendors(project)) == []
    assert not project.vendors.state.exists(), "a look writes nothing"
    with VendorDouble(lambda _: Told({"n": 1}), keys={KEY}) as double:
        http = asking(project, double)
        for _ in range(2):
            http.get("/v1/thing", {"symbol": "A,B"}, ttl_seconds=60)
        (found,) = diagnose_vendors(project)
        assert found.status == "ok"
        assert "1 request in the last day, 50% of what may be kept came from the cache" in found.text
        double.script.append(Mishap(Wrong.ERROR, times=None))
        for _ in range(3):
            with pytest.raises(VendorError):
                http.get("/v1/other")
    health = told("health")
    for part in ("some", "open", "4/50 in 60 s", "50%", "failed (503)"):
        assert part in health
    (row,) = json.loads(told("health", "--format", "json"))
    assert (row["vendor"], row["breaker"], row["succeeded"], row["failed"], row["recent_requests"]) == ("some", "open", 1, 3, 4)
    assert row["budgets"][0]["units"] == 4
    assert "GET" in told("audit", "--since", "1h", "--vendor", "some")
    lines = list(csv.DictReader(io.StringIO(told("audit", "--format", "csv"))))
    assert [(line["path"], line["outcome"], line["status"]) for line in lines] == [
        ("/v1/thing?symbol=A%2CB", "answered", "200"),
        ("/v1/thing?symbol=A%2CB", "from cache", ""),
        *[("/v1/other", "lost", "503")] * 3,
    ]
    assert len(json.loads(told("audit", "--limit", "2", "--format", "json"))) == 2
    assert "nothing was asked of none" in told("audit", "--vendor", "none")
    assert CliRunner().invoke(app, ["sources", "audit", "--since", "soon"]).exit_code == 2
    (found,) = diagnose_vendors(project)
    assert (found.status, "3 failures in a row; its breaker is open" in found.text) == ("warn", True)
    assert KEY not in health + found.text + str(lines)
    open_state(project).close()


def test_a_table_of_a_vendor_that_nobody_asks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the name was once passed over in silence, with all that the table says."""
    (tmp_path / "ats.toml").write_text(
        "[vendors.masive]\nrequests_per_minute = 5\n[vendors.another]\nmax_attempts = 2\n[vendors.massive]\n"
    )
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    settings = load_settings()
    with VendorDouble(lambda _: Told({})) as double:
        open_vendor(settings, "massive", double.url, None, VendorLimits()).get("/")
    found = {one.subject: (one.status, one.advice) for one in diagnose_vendors(settings)}
    assert found["vendor masive"] == ("warn", "rename the table to vendors.massive, if that is meant")
    assert found["vendor another"][0] == "ok"
    assert found["vendor massive"][0] == "ok"
    open_state(settings).close()
