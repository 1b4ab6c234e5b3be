"""What stays on record of a registration: checks of a card, a register and a face."""

from idp.domain.evidence import Engine, EvidenceKind
from idp.services import Services

ANSWERED_AT = 1_782_892_800  # 2026-07-01T08:00:00Z
REGISTER = Engine("KH/GOV/CO-REGISTER/NATIONAL-ID/verify", "2.0")
CHECKS: dict[EvidenceKind, tuple[Engine, dict[str, object]]] = {
    EvidenceKind.PORTRAIT: (
        Engine("reader", "1.0", "ab" * 32),
        {"proved": ["number"], "repaired": [], "composite": "proved"},
    ),
    EvidenceKind.REGISTER: (
        REGISTER,
        {
            "score": 1.0,
            "incorrect_fields": [],
            "message_id": "m-1",
            "answered_at": ANSWERED_AT,
        },
    ),
    EvidenceKind.FACE: (
        Engine("matcher", "2.0", "cd" * 32),
        {"similarity": 0.7, "threshold": 0.6, "liveness": None},
    ),
}


async def prove(
    services: Services,
    account_id: str,
    *,
    registration_id: str = "registration-1",
    without: tuple[EvidenceKind, ...] = (),
    incorrect: tuple[str, ...] = (),
) -> None:
    """Keep the records that a registration leaves behind."""
    async with services.store.begin() as tx:
        for kind, (engine, facts) in CHECKS.items():
            if kind in without:
                continue
            said = dict(facts)
            if kind is EvidenceKind.REGISTER:
                said["incorrect_fields"] = list(incorrect)
            await services.evidence.keep(
                tx, registration_id, kind, judged=b"", engine=engine, facts=said
            )
        await services.evidence.attach(tx, registration_id, account_id=account_id)
