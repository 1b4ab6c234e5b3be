"""How one claim, and one `verified_claims`, is asked for: the shapes. Pure.

Core 1.0, 5.5.1 gives `essential`, `value` and `values`; OpenID Connect for Identity
Assurance 1.0, 5.2 to 5.6 nests them and adds `max_age`. Members of an asked claim
that are not known are ignored, as both require.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_ASKED = 8
MAX_VALUES = 32
MAX_NAME = 128
EVIDENCE_TYPES = ("document", "electronic_record")


class Wrong(Exception):
    """Not the agreed shape; the text holds nothing of the request."""


@dataclass(frozen=True, slots=True)
class AskedClaim:
    """One claim; `values` are those that would do, empty when any does."""

    name: str
    is_essential: bool = False
    values: tuple[Any, ...] = ()

    @property
    def written(self) -> dict[str, Any] | None:
        """Return it as JSON, in its shortest form."""
        essential = {"essential": True} if self.is_essential else {}
        values = {"values": list(self.values)} if self.values else {}
        return {**essential, **values} or None


@dataclass(frozen=True, slots=True)
class AskedVerified:
    """One `verified_claims`: what of the verification, and which claims."""

    verification: Mapping[str, Any]
    claims: tuple[AskedClaim, ...]

    @property
    def written(self) -> dict[str, Any]:
        """Return it as JSON."""
        claims = {claim.name: claim.written for claim in self.claims}
        return {"verification": dict(self.verification), "claims": claims or None}

    @property
    def document_members(self) -> tuple[str, ...]:
        """Return the members of a document that are asked for as evidence."""
        asked = self.verification.get("evidence") or ()
        return tuple(name for item in asked for name in item.get(DETAILS) or ())


DETAILS = "document_details"


def asked_claims(raw: Mapping[str, Any]) -> Iterator[AskedClaim]:
    """Read the members of `userinfo`, `id_token` or `claims`; raises Wrong."""
    for name, how in raw.items():
        if len(name) > MAX_NAME:
            raise Wrong("a name is too long")
        yield AskedClaim(name, *_how(how))


def read_verified(raw: Any) -> tuple[AskedVerified, ...]:
    """Read `verified_claims`: one object or an array of them; raises Wrong."""
    if raw is None:
        return ()
    asked = raw if isinstance(raw, list) else [raw]
    if not 0 < len(asked) <= MAX_ASKED:
        raise Wrong("verified_claims is empty or too long")
    return tuple(_verified(item) for item in asked)


def _verified(raw: Any) -> AskedVerified:
    if not isinstance(raw, dict) or not isinstance(raw.get("verification"), dict):
        raise Wrong("verified_claims needs a verification")
    verification, claims = raw["verification"], raw.get("claims")
    if "trust_framework" not in verification:
        raise Wrong("a verification needs a trust_framework")
    if "claims" not in raw or not isinstance(claims, dict | None):
        raise Wrong("verified_claims needs claims")
    _check_verification(verification)
    return AskedVerified(verification, tuple(asked_claims(claims or {})))


def _check_verification(raw: Mapping[str, Any]) -> None:
    for name, inner in raw.items():
        if name == "evidence":
            _check_evidence(inner)
        else:
            check_template(inner)


def _check_evidence(raw: Any) -> None:
    if not isinstance(raw, list) or not 0 < len(raw) <= MAX_ASKED:
        raise Wrong("evidence is an array")
    for item in raw:
        if not isinstance(item, dict) or not isinstance(item.get("type"), dict):
            raise Wrong("evidence needs a type")
        # One entry filters one type (IDA 1.0, 5.4): never several.
        if not isinstance(item["type"].get("value"), str) or "values" in item["type"]:
            raise Wrong("the type of evidence is one value")
        if not isinstance(item.get(DETAILS), dict | None):
            raise Wrong("document_details is an object")
        check_template(item)


def check_template(raw: Any) -> None:
    """Check what is asked of one element and all below it; raises Wrong.

    An element is null, an object with constraints, an object of elements, or an
    array of such objects.
    """
    if isinstance(raw, list):
        if not 0 < len(raw) <= MAX_VALUES:
            raise Wrong("an array is empty or too long")
        for item in raw:
            check_template(item)
    elif isinstance(raw, dict):
        _check_element(raw)
    elif raw is not None:
        raise Wrong("an element is neither null nor an object")


def _check_element(raw: Mapping[str, Any]) -> None:
    _how(raw)
    age = raw.get("max_age", 0)
    if type(age) is not int or age < 0:
        raise Wrong("max_age is a number of seconds")
    for name, inner in raw.items():
        if name not in CONSTRAINTS:
            check_template(inner)


CONSTRAINTS = frozenset({"essential", "value", "values", "max_age", "purpose"})


def _how(raw: Any) -> tuple[bool, tuple[Any, ...]]:
    """Return whether it is essential, and which values would do."""
    if raw is None:
        return False, ()
    if not isinstance(raw, dict):
        raise Wrong("a claim is asked for by null or an object")
    essential = raw.get("essential", False)
    if not isinstance(essential, bool):
        raise Wrong("essential is true or false")
    if "value" in raw and "values" in raw:
        raise Wrong("value and values exclude each other")
    values = [raw["value"]] if "value" in raw else raw.get("values", [])
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        raise Wrong("values is an array")
    if "values" in raw and not values:
        raise Wrong("values is empty")
    return essential, tuple(values)
