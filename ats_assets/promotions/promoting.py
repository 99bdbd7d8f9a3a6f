"""A person's decision on who is champion: written into the journal, from where `raw_promotions` delivers it."""

from dataclasses import dataclass
from datetime import date, datetime

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, SettingsError
from ats_assets.promotions.decision_journal import PromotionDecision, effective_session, journal_of

READ_AT_ONCE = 126
"""Sessions of `champion`, going back."""


@dataclass(frozen=True, kw_only=True)
class Promoted:
    """A decision that was written down, and what there is to say of it."""

    decision: PromotionDecision
    effective: date | None
    remark: str = ""


def promote(deployment: Deployment, name: str, *, who: str, reason: str, known_at: datetime) -> Promoted:
    """Have a model be champion from the session on that has not closed at a time.

    Raises
    ------
    SettingsError
        If there are no champions to decide on, no such model, or no reason is given.
    CorruptPartitionError
        If the journal is damaged.
    """
    _require_titles(deployment)
    names = deployment.settings.candidates
    if name not in names:
        raise SettingsError(f"there is no model {name!r} to promote: choose one of {', '.join(names)}")
    return _written(deployment, PromotionDecision(action="promote", model=name, who=who, reason=_said(reason), known_at=known_at))


def roll_back(deployment: Deployment, *, who: str, reason: str, known_at: datetime) -> Promoted:
    """Have that model be champion again which was it before the one that is.

    Raises
    ------
    AtsError
        If there was none.
    SettingsError, CorruptPartitionError
        As `promote`.
    """
    _require_titles(deployment)
    now, before = _last_two(deployment)
    if before is None:
        raise AtsError(
            f"{now or 'nobody'} is the only champion that is stored: there is none to go back to. Name one: ats models promote NAME"
        )
    if before not in deployment.settings.candidates:
        raise SettingsError(
            f"{before}, which was champion before {now}, is in the settings no more: name another with ats models promote NAME"
        )
    return _written(deployment, PromotionDecision(action="rollback", model=before, who=who, reason=_said(reason), known_at=known_at))


def already_decided(deployment: Deployment, *, who: str, known_at: datetime) -> PromotionDecision | None:
    """What somebody decided at that very moment, as the journal has it: a process that died after it need not decide again."""
    same = (one for one in deployment.of(journal_of).decisions() if (one.who, one.known_at) == (who, known_at))
    return next(same, None)


def _require_titles(deployment: Deployment) -> None:
    settings = deployment.settings
    if len(settings.models) == 1:
        raise SettingsError(f"{next(iter(settings.models))} is the only model, which is traded: there is nothing to promote")
    if not settings.takes_promotions:
        raise SettingsError(
            f'champion.rule is {settings.champion.rule!r}, under which nobody is promoted: set champion.rule = "challenge", or name the model '
            'with rule = "fixed" and model = NAME'
        )


def _said(reason: str) -> str:
    if not reason.strip():
        raise SettingsError("a promotion needs a reason, which its rows will tell: --reason TEXT")
    return " ".join(reason.split())


def _written(deployment: Deployment, decision: PromotionDecision) -> Promoted:
    deployment.of(journal_of).add(decision)
    effective = effective_session(deployment.calendar, decision.known_at)
    return Promoted(decision=decision, effective=effective, remark=_remark(deployment, effective))


def _remark(deployment: Deployment, effective: date | None) -> str:
    ends, stored = deployment.source_ends, deployment.warehouse.stored_sessions("champion")
    if effective is None or (ends is not None and effective > ends):
        at = "a later session than the calendar has" if effective is None else str(effective)
        return f"the source ends {f'at {ends}' if ends else 'before'}, so no session will follow it ({at}): for a session that is still to be made, give its time with --at"
    if stored and effective <= stored[-1]:
        return f"champion of {stored[-1]} is made already, as of what was known then: it follows from the next session on"
    return ""


def _last_two(deployment: Deployment) -> tuple[str | None, str | None]:
    """Who is champion, with what was decided and is in no partition yet, and who was it before."""
    stored = deployment.warehouse.stored_sessions("champion")
    newest = stored[-1] if stored else date.min
    names = [
        one.model
        for one in deployment.of(journal_of).decisions()
        if (at := effective_session(deployment.calendar, one.known_at)) is not None and at > newest
    ]
    names.reverse()
    for end in range(len(stored), 0, -READ_AT_ONCE):
        rows = deployment.warehouse.read("champion", stored[max(0, end - READ_AT_ONCE) : end]).filter("is_champion")
        names += rows.sort("session", descending=True)["model"].to_list()
        found = list(dict.fromkeys(names))
        if len(found) > 1:
            return found[0], found[1]
    found = list(dict.fromkeys(names))
    return (found[0] if found else None), (found[1] if len(found) > 1 else None)
