"""What a journey leaves behind: what its account will hold, and what stays. Pure."""

from idp.domain.accounts import AccountFacts
from idp.domain.registration_rows import Told


def finished(told: Told, result: dict[str, str]) -> Told:
    """Return what stays of a registration that is done: identifiers and levels."""
    judged = {name: told.judged.get(name, "") for name in ("level", "reviewed")}
    return Told(
        phone="",
        locale=told.locale,
        result=result,
        judged=judged,
        account_id=told.account_id,
        recovery=told.recovery,
    )


def facts_of(told: Told) -> AccountFacts:
    """Return what the account will hold: the confirmed details, never the picture."""
    details, document = told.details, told.document
    nationality = str(document.get("nationality", ""))
    return AccountFacts(
        surname_khmer=details["surname_khmer"],
        given_name_khmer=details["given_name_khmer"],
        surname_latin=details["surname_latin"],
        given_name_latin=details["given_name_latin"],
        birth_date=details["birth_date"],
        sex=details["sex"],
        document_number=details["number"],
        document_expires=details["expiry_date"],
        phone=told.phone,
        nationality=nationality,
        document_kind=str(document.get("kind", "id_card")),
        document_issuer=str(document.get("issuer") or nationality or "KHM"),
    )
