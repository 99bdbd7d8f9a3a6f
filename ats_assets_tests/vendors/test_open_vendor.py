"""A client of a vendor as the settings want it."""

from pathlib import Path

import pytest

import ats_assets
from ats_assets.errors import SettingsError
from ats_assets.settings import load_settings
from ats_assets.vendors.open_vendor import limits_of, open_state, open_vendor
from ats_assets.vendors.vendor_limits import Limit, VendorLimits
from ats_assets_tests.vendors.doubles import Mishap, Told, VendorDouble, Wrong


def test_settings_say_how_a_vendor_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ats.toml").write_text("[vendors]\naudit_days = 7\n[vendors.some]\nrequests_per_minute = 100\nmax_attempts = 1\n")
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    monkeypatch.setenv("ATS_VENDORS__SOME__REQUESTS_PER_SECOND", "7")
    settings = load_settings()
    assert settings.vendors.audit_days == 7
    assert settings.vendors.state == tmp_path / "data" / "vendors.sqlite"
    own = VendorLimits((Limit(5, 60.0), Limit(10_000, 86_400.0)))
    assert limits_of(settings, "some", own).limits == (Limit(10_000, 86_400.0), Limit(100, 60.0), Limit(7, 1.0))
    assert limits_of(settings, "other", own) == own
    with VendorDouble(lambda _: Told({})) as double:
        double.script.append(Mishap(Wrong.ERROR))
        asking = open_vendor(settings, "some", double.url, None, own)
        with pytest.raises(Exception, match=r"failed \(503\): wait"):
            asking.get("/")
        asking.get("/")
    state = open_state(settings)
    assert [(use.units, use.most) for use in state.budget_use()] == [(2, 10_000), (2, 100), (0, 7)] or state.budget_use()[2].units <= 2
    state.close()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[vendors.some]\nrequests_per_hour = 3\n", r": vendors\.some\.requests_per_hour: "),
        ("[vendors.some]\nrequests_per_minute = 0\n", r": vendors\.some\.requests_per_minute: "),
        ("[vendors.alpaca]\ntimeout_seconds = 3\n", "write alpaca.timeout_seconds"),
        ("[vendors]\naudit = 3\n", "vendors.audit"),
    ],
)
def test_wrong_settings_are_named(written: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ats.toml").write_text(written)
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "ats.toml"))
    with pytest.raises(SettingsError, match=said):
        load_settings()


def test_every_vendor_is_asked_over_what_all_processes_share():
    """A source that made a client of its own would count its requests alone, keep no audit log, and pass over `[vendors.<name>]`: exchanges once did, after a merge that went wrong."""
    package = Path(ats_assets.__file__).parent
    made = {str(path.relative_to(package)) for path in package.rglob("*.py") if "VendorHttp(" in path.read_text()}
    assert made == {"vendors/open_vendor.py"}
