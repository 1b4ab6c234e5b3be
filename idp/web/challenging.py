"""Open, renew and end the challenge of a login page.

One interaction has one open challenge. A new one begins only after the one before
has ended: what nobody claimed ends at once; what a phone has claimed or approved
ends by the durable row for which the phone's answer races.
"""

from idp.domain.audit import EventTag
from idp.domain.challenge_records import Challenge, Channel, State
from idp.domain.decisions import Verdict
from idp.domain.interactions import Interaction
from idp.domain.shown_parties import shown_claims, shown_party
from idp.errors import ChallengeClosed, NotFound
from idp.services import Services
from idp.storage.columns import to_millis
from idp.web.shown import parties_of

MOST_BY_HAND = 20  # challenges of one interaction, whoever asks
HIGH = "high"


def offers_qr(interaction: Interaction) -> bool:
    """Say whether a QR code will do: a high login has none (login.md, 7)."""
    return interaction.request.acr != HIGH


def may_renew(services: Services, interaction: Interaction, *, automatic: bool) -> bool:
    """Say whether the page (or, by hand, the person) may have another code."""
    most = services.settings.challenge_renewals if automatic else MOST_BY_HAND
    return interaction.renewals < most


async def open_first(services: Services, interaction: Interaction) -> Interaction:
    """Open the QR challenge of a page that is seen for the first time."""
    if interaction.challenge_id or not offers_qr(interaction):
        return interaction
    return await open_next(services, interaction, channel=Channel.QR)


async def open_next(
    services: Services, interaction: Interaction, *, channel: Channel
) -> Interaction:
    """Open a challenge and name it; raises ChallengeClosed when another was first."""
    parties = await parties_of(services, interaction.request)
    challenge = await services.challenges.open(
        interaction,
        party=shown_party(parties[0]),
        claims=shown_claims(interaction.request, parties=parties),
        channel=channel,
    )
    try:
        return await services.interactions.attach(
            interaction, challenge_id=challenge.id
        )
    except ChallengeClosed:
        await services.challenges.cancel_pending(challenge)
        raise


async def end_current(
    services: Services, interaction: Interaction, *, tag: EventTag, automatic: bool
) -> None:
    """End the challenge that the page shows; raises ChallengeClosed.

    A page that renews by itself never ends a claimed or approved one.
    """
    try:
        challenge = await services.challenges.find(interaction.challenge_id)
    except NotFound:
        await _withdraw(services, interaction, tag=tag)
        return
    if await services.challenges.cancel_pending(challenge):
        return
    challenge = await services.challenges.find(challenge.id)
    state = challenge.state_at(to_millis(services.clock.now()))
    if state is State.CONSUMED:
        raise ChallengeClosed("finished")
    if state not in {State.CLAIMED, State.APPROVED}:
        return
    if automatic:
        raise ChallengeClosed("a phone has it")
    if state is State.CLAIMED:
        await _cancel_claimed(services, challenge, tag=tag)
    else:
        await _withdraw(services, interaction, tag=tag)
        await services.challenges.cancel(challenge, was=State.APPROVED)


async def _cancel_claimed(
    services: Services, challenge: Challenge, *, tag: EventTag
) -> None:
    """Race the phone's answer for the durable row; raises ChallengeClosed."""
    verdict = Verdict(
        state=State.CANCELLED,
        jti="",
        account_id=challenge.account_id,
        device_id=challenge.device_id,
    )
    async with services.store.begin() as tx:
        if not await services.decisions.decide(tx, challenge, verdict):
            raise ChallengeClosed("the phone was faster")
        await services.audit.record(
            tx,
            tag,
            account=challenge.account_id,
            device=challenge.device_id,
            relying_party=challenge.interaction.request.client_id,
        )
    await services.challenges.cancel(challenge, was=State.CLAIMED)


async def _withdraw(
    services: Services, interaction: Interaction, *, tag: EventTag
) -> None:
    """Turn an approval into nothing, if there is one."""
    async with services.store.begin() as tx:
        decision = await services.decisions.find(tx, interaction.challenge_id)
        if decision is None or not await services.decisions.cancel(
            tx, decision.challenge_id
        ):
            return
        await services.audit.record(
            tx,
            tag,
            account=decision.verdict.account_id,
            device=decision.verdict.device_id,
            relying_party=interaction.request.client_id,
        )
