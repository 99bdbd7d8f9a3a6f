"""`/plans`: what can be subscribed to."""

from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said, tabled
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.bots.subscriptions.wording import WARNING


async def _run(call: GivenCommand) -> Reply:
    rows = [(plan.name, plan.shown_price, _trial(plan), _content(plan)) for plan in call.shop.plans.values()]
    reply = said("Plans", "/subscribe PLAN takes one, /subscription shows yours.", WARNING)
    return Reply(title=reply.title, lines=reply.lines, table=tabled(("plan", "price", "trial", "what"), rows))


def _trial(plan: SubscriptionPlan) -> str:
    return f"{plan.trial_days} days" if plan.trial_days else "-"


def _content(plan: SubscriptionPlan) -> str:
    late = f", {plan.delay_minutes} min later" if plan.delay_minutes else ", at once"
    of = f" of {', '.join(sorted(plan.strategies))}" if plan.strategies else ""
    return f"{plan.rows} signals{of}{late}"


COMMAND = Command(name="plans", role=PersonRole.PUBLIC, help="What can be subscribed to", run=_run, of_shop=True)
