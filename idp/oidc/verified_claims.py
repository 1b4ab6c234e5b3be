"""`verified_claims`: what was checked of a person, by whom, when. Pure.

    records of the proofing --verification_of--> everything that stayed on record
                            --answer(asked)----> what was asked of it, or nothing

OpenID Connect for Identity Assurance 1.0; OpenID Identity Assurance Schema
Definition 1.0. Nothing is said that was not recorded: an account without an
agreeing answer of the register has no verified claims, and liveness and the
signature of that answer are absent until they are kept.

Identifiers of a check are pairwise by sector as `sub` is: two parties that compare
their evidence find nothing in common but times.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.domain.accounts import Account
from idp.domain.consents import VERIFIED_CLAIMS
from idp.domain.evidence import EvidenceRecord, Proofing
from idp.domain.subjects import reference_of
from idp.oidc.verified_request import CONSTRAINTS, AskedClaim, AskedVerified

TRUST_FRAMEWORK = "kh_camdigikey"
POLICY = "kh_camdigikey_proofing"
PROCEDURE = "remote_unattended"
DOCUMENT, RECORD = "document", "electronic_record"
ID_CARD, REGISTER = "idcard", "population_register"
CAMBODIA = "KHM"
# Check methods of the registry of identity assurance: an image taken remotely was
# inspected; a face was compared remotely; data was compared with a register's.
IMAGE, FACE, DATA = "vri", "bvr", "data"
# What register and card were asked about: a phone number was not.
VERIFIED_MEMBERS = (
    "name",
    "family_name",
    "given_name",
    "family_name#km",
    "given_name#km",
    "birthdate",
    "gender",
    "nationalities",
)
# An element that is told is told with what its schema requires of it.
ALWAYS = frozenset({"trust_framework", "type", "check_method"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A person, how they were checked, and who is told."""

    account: Account
    proofing: Proofing
    key: bytes
    sector: str
    released: frozenset[str]


class Unmet(Exception):
    """What is on record does not match what is asked (IDA 1.0, 5.7.4)."""


def assurance_metadata() -> dict[str, Any]:
    """Return the discovery members (IDA 1.0, 8)."""
    return {
        "verified_claims_supported": True,
        "trust_frameworks_supported": [TRUST_FRAMEWORK],
        "claims_in_verified_claims_supported": list(VERIFIED_MEMBERS),
        "evidence_supported": [DOCUMENT, RECORD],
        "documents_supported": [ID_CARD],
        "documents_check_methods_supported": [IMAGE, FACE],
        "electronic_records_supported": [REGISTER],
    }


def verified_claims(
    asked: Collection[AskedVerified],
    *,
    checked: Checked,
    members: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """Return the `verified_claims` member, or nothing at all.

    `members` is what may be told of the person; each request is answered by itself
    (IDA 1.0, 5.6).
    """
    if VERIFIED_CLAIMS not in checked.released:
        return {}
    record = verification_of(checked)
    if record is None:
        return {}
    told = {name: members[name] for name in VERIFIED_MEMBERS if name in members}
    answers = [answer(one, record=record, members=told, now=now) for one in asked]
    found = [one for one in answers if one is not None]
    if not found:
        return {}
    return {VERIFIED_CLAIMS: found[0] if len(found) == 1 else found}


def verification_of(checked: Checked) -> dict[str, Any] | None:
    """Return all of the `verification` element, None for a person nobody checked."""
    proofing = checked.proofing
    if proofing.register is None:
        return None
    evidence = [_document(checked), _record(checked, proofing.register)]
    return {
        "trust_framework": TRUST_FRAMEWORK,
        "assurance_level": checked.account.level,
        "assurance_process": {
            "policy": POLICY,
            "procedure": PROCEDURE,
            "assurance_details": _details(proofing, checked),
        },
        "time": _time(proofing.finished_at),
        "verification_process": _reference(checked, proofing.registration_id),
        "evidence": [item for item in evidence if item is not None],
    }


def answer(
    asked: AskedVerified,
    *,
    record: Mapping[str, Any],
    members: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any] | None:
    """Return one `verified_claims` element; None when its conditions are not met.

    A claim whose own condition is not met is left out by itself. Without a claim
    that could be told there is nothing to be verified.
    """
    try:
        verification = _Selection(now).element(asked.verification, record)
    except Unmet:
        return None
    _drop_dangling(verification)
    claims = {
        claim.name: members[claim.name]
        for claim in asked.claims
        if claim.name in members and _would_do(claim, members[claim.name])
    }
    if asked.claims and not claims:
        return None
    return {"verification": verification, "claims": claims}


def _would_do(claim: AskedClaim, value: Any) -> bool:
    return not claim.values or value in claim.values


def _document(checked: Checked) -> dict[str, Any] | None:
    record, face = checked.proofing.document, checked.proofing.face
    if record is None:
        return None
    checks = [_check(checked, record, IMAGE)]
    if face is not None:
        checks.append(_check(checked, face, FACE))
    facts = checked.account.facts
    details: dict[str, Any] = {"type": ID_CARD, "issuer": {"country_code": CAMBODIA}}
    if "document_number" in checked.released:
        details["document_number"] = facts.document_number
    if "document_expires" in checked.released:
        details["date_of_expiry"] = facts.document_expires
    return {"type": DOCUMENT, "check_details": checks, "document_details": details}


def _record(checked: Checked, record: EvidenceRecord) -> dict[str, Any]:
    organization = record.engine.rpartition(" ")[0]
    check = {**_check(checked, record, DATA), "organization": organization}
    source = {"name": organization, "country_code": CAMBODIA}
    return {
        "type": RECORD,
        "check_details": [check],
        "record": {"type": REGISTER, "source": source},
    }


def _check(checked: Checked, record: EvidenceRecord, method: str) -> dict[str, Any]:
    answered_at = record.facts.get("answered_at")
    at = answered_at * 1000 if isinstance(answered_at, int) else record.at
    return {
        "check_method": method,
        "check_id": _reference(checked, record.id),
        "time": _time(at),
    }


def _details(proofing: Proofing, checked: Checked) -> list[dict[str, Any]]:
    """Return which checks fulfil which part of the process."""
    parts = (
        ("evidence_validation", (proofing.document, proofing.register)),
        ("verification", (proofing.face,)),
    )
    found = [
        (name, [_reference(checked, one.id) for one in records if one is not None])
        for name, records in parts
    ]
    return [
        {"assurance_type": name, "evidence_ref": [{"check_id": one} for one in ids]}
        for name, ids in found
        if ids
    ]


def _reference(checked: Checked, record_id: str) -> str:
    return reference_of(checked.key, sector=checked.sector, record_id=record_id)


def _time(millis: int) -> str:
    return datetime.fromtimestamp(millis // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _drop_dangling(verification: dict[str, Any]) -> None:
    """Leave out references to checks that are not told (Schema 1.0, 5.4.2)."""
    process = verification.get("assurance_process", {})
    if "assurance_details" not in process:
        return
    told = {
        check.get("check_id")
        for item in verification.get("evidence", ())
        for check in item.get("check_details", ())
    }
    kept = [
        item
        for item in process["assurance_details"]
        if all(ref["check_id"] in told for ref in item["evidence_ref"])
    ]
    process.pop("assurance_details")
    if kept:
        process["assurance_details"] = kept
    if not process:
        verification.pop("assurance_process")


@dataclass(frozen=True, slots=True)
class _Selection:
    """What a request's template picks of a record."""

    now: datetime

    def element(
        self, template: Mapping[str, Any], record: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the asked members; raises Unmet when a condition is not met."""
        told = {name: record[name] for name in ALWAYS if name in record}
        for name, inner in template.items():
            if name in CONSTRAINTS:
                continue
            if name in record:
                told[name] = self.value(inner, record[name], name=name)
            else:
                _expect_no_condition(inner)
        return {name: value for name, value in told.items() if value is not None}

    def value(self, template: Any, value: Any, *, name: str) -> Any:
        """Return one value as the template asks for it; raises Unmet."""
        # Asking for details of the process filters nothing (IDA 1.0, 5.4).
        if template is None or name == "assurance_details":
            return value
        if isinstance(value, list) or isinstance(template, list):
            return self.items(template, value)
        self.check(template, value)
        if isinstance(value, dict) and not set(template) <= CONSTRAINTS:
            return self.element(template, value)
        return value

    def items(self, templates: Any, items: Any) -> list[Any]:
        """Return the items that any of the templates describes; raises Unmet."""
        if not isinstance(templates, list) or not isinstance(items, list):
            raise Unmet
        found = [self.first(templates, item) for item in items]
        told = [item for item in found if item is not None]
        if not told:
            raise Unmet
        return told

    def first(self, templates: list[Any], item: Any) -> Any:
        """Return the item by the first template that describes it, else None."""
        for template in templates:
            try:
                return self.value(template, item, name="")
            except Unmet:
                continue
        return None

    def check(self, template: Mapping[str, Any], value: Any) -> None:
        """Check `value`, `values` and `max_age`; raises Unmet."""
        if "value" in template and value != template["value"]:
            raise Unmet
        if "values" in template and value not in template["values"]:
            raise Unmet
        if "max_age" in template and self.age_of(value) > template["max_age"]:
            raise Unmet

    def age_of(self, value: Any) -> float:
        """Return the seconds since the last valid second of a value (IDA, 5.5.2)."""
        try:
            since = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise Unmet from None
        if since.tzinfo is None:
            since = since.replace(tzinfo=UTC) + timedelta(days=1, seconds=-1)
        return (self.now - since).total_seconds()


def _expect_no_condition(template: Any) -> None:
    """Refuse a condition on what is not on record; raises Unmet."""
    if isinstance(template, list):
        for item in template:
            _expect_no_condition(item)
    elif isinstance(template, dict):
        if {"value", "values", "max_age"} & set(template):
            raise Unmet
        for inner in template.values():
            if isinstance(inner, dict | list):
                _expect_no_condition(inner)
