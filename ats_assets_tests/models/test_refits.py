from ats_assets.models import is_refit_session, last_refit
from ats_assets_tests.models.fits import CALENDAR, SETTINGS


def test_each_session_belongs_to_the_newest_refit_session_up_to_it() -> None:
    sessions = CALENDAR.window(CALENDAR.offset(CALENDAR.first, 99), 100)
    refits = [day for day in sessions if is_refit_session(CALENDAR, day, SETTINGS)]
    assert [CALENDAR.position(day) for day in refits] == [0, 21, 42, 63, 84]
    for day in sessions:
        assert last_refit(CALENDAR, day, SETTINGS) == max(refit for refit in refits if refit <= day)


def test_nightly_is_every_session() -> None:
    nightly = SETTINGS.model_copy(update={"refit_every_sessions": 1})
    day = CALENDAR.offset(CALENDAR.first, 13)
    assert is_refit_session(CALENDAR, day, nightly)
    assert last_refit(CALENDAR, day, nightly) == day
