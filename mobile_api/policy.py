"""The policy of proofing: every threshold and every rule, in one value with a version.

What an operator does not say stays as it is here. The version and the hash of the
whole value go into the evidence of each decision, so that years later it can be said
by which rules a person was accepted. Pure but for `load_policy`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from idp.domain.assurance import LEVELS
from mobile_api.liveness_limits import LivenessLimits

ANY: Final = "*"
HASH_DIGITS: Final = 16


class PolicyInvalid(ValueError):
    """Say what is wrong with a policy file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceBand:
    """Where one engine's similarity is accepted, doubtful, refused (0 to 1)."""

    engine: str
    accept: float
    refuse: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRule:
    """What one kind of document can prove.

    `issuer` is a code of ICAO 9303-3 or `*`. `level` is the most that machines give
    ("" gives none: a person decides first), `reviewed` what a person may give.
    """

    kind: str
    issuer: str
    asks_register: bool
    level: str
    reviewed: str


@dataclass(frozen=True, kw_only=True)
class ProofingPolicy:
    """All that proofing is judged by. Similarities and scores run from 0 to 1."""

    version: str = "2026-11"
    documents: tuple[DocumentRule, ...] = (
        DocumentRule(
            kind="id_card",
            issuer="KHM",
            asks_register=True,
            level="high",
            reviewed="substantial",
        ),
        # The register's public service knows cards only: a passport has no second
        # witness until a person has looked at it.
        DocumentRule(
            kind="passport",
            issuer=ANY,
            asks_register=False,
            level="low",
            reviewed="substantial",
        ),
    )
    faces: tuple[FaceBand, ...] = (
        FaceBand(engine="sface", accept=0.45, refuse=0.36),
        FaceBand(engine="face-recognition", accept=0.40, refuse=0.34),
    )
    least_face: int = 80  # pixels, shorter side
    register_face_accept: float = 0.80
    register_face_doubt: float = 0.40
    duplicate: float = 0.55
    liveness: LivenessLimits = field(default_factory=LivenessLimits)
    least_age: int = 15

    @cached_property
    def fingerprint(self) -> str:
        """Return the start of the SHA-256 of the whole value, in hex."""
        plain = json.dumps(asdict(self), sort_keys=True, default=str)
        return sha256(plain.encode()).hexdigest()[:HASH_DIGITS]

    @property
    def recorded(self) -> dict[str, str]:
        """Return how the evidence names this policy."""
        return {"policy": self.version, "policy_hash": self.fingerprint}

    def rule_of(self, kind: str, issuer: str) -> DocumentRule | None:
        """Return the rule of a document, the issuer's own first; None: not accepted."""
        known = {(one.kind, one.issuer): one for one in self.documents}
        return known.get((kind, issuer)) or known.get((kind, ANY))

    def band_of(self, engine: str, *, threshold: float) -> FaceBand:
        """Return the band of an engine; an unknown one is taken at its own word."""
        known = next((one for one in self.faces if one.engine == engine), None)
        return known or FaceBand(engine=engine, accept=threshold, refuse=threshold)


def load_policy(path: str) -> ProofingPolicy:
    """Read a policy file (JSON, only what differs); "" is the policy as shipped.

    Raises PolicyInvalid, OSError.
    """
    if not path:
        return ProofingPolicy()
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise PolicyInvalid("not JSON") from error
    return read_policy(told)


def read_policy(told: Any) -> ProofingPolicy:
    """Return the policy that a JSON object describes; raises PolicyInvalid."""
    if not isinstance(told, dict) or not told.get("version"):
        raise PolicyInvalid("an object with a version is needed")
    if told["version"] == ProofingPolicy.version:
        raise PolicyInvalid("another version than the shipped one is needed")
    policy: ProofingPolicy = _filled(ProofingPolicy(), told)
    _check(policy)
    return policy


def _filled(default: Any, told: Mapping[str, Any]) -> Any:
    """Return `default` with the members that are told, of the types it has."""
    known = {one.name: getattr(default, one.name) for one in fields(default)}
    if unknown := sorted(told.keys() - known.keys()):
        raise PolicyInvalid(f"unknown members: {', '.join(unknown)}")
    return replace(
        default, **{name: _value(name, known[name], told[name]) for name in told}
    )


def _value(name: str, default: Any, told: Any) -> Any:
    if isinstance(default, tuple):
        if not isinstance(told, list) or not all(isinstance(o, dict) for o in told):
            raise PolicyInvalid(f"{name}: a list of objects is needed")
        return tuple(_entry(name, type(default[0]), one) for one in told)
    if hasattr(default, "__dataclass_fields__") and isinstance(told, dict):
        return _filled(default, told)
    is_number = isinstance(default, float) and type(told) is int
    if type(told) is not type(default) and not is_number:
        raise PolicyInvalid(f"{name}: {type(default).__name__} is needed")
    return type(default)(told)


def _entry(name: str, kind: type[Any], told: dict[str, Any]) -> Any:
    try:
        return kind(**told)
    except TypeError as error:
        raise PolicyInvalid(f"{name}: all members of an entry are needed") from error


def _check(policy: ProofingPolicy) -> None:
    """Refuse rules that contradict themselves; raises PolicyInvalid."""
    for rule in policy.documents:
        _check_rule(rule)
    for band in policy.faces:
        if not 0 < band.refuse <= band.accept <= 1:
            raise PolicyInvalid("faces: 0 < refuse <= accept <= 1")
    if not 0 < policy.register_face_doubt <= policy.register_face_accept <= 1:
        raise PolicyInvalid("register_face_doubt <= register_face_accept")
    if not 0 < policy.duplicate <= 1:
        raise PolicyInvalid("duplicate: between 0 and 1")


def _check_rule(rule: DocumentRule) -> None:
    if not {rule.level, rule.reviewed} <= {"", *LEVELS}:
        raise PolicyInvalid(f"documents: a level is one of {', '.join(LEVELS)}")
    if rule.level == "high" and not rule.asks_register:
        raise PolicyInvalid("documents: no level `high` without the register")
    if rule.reviewed == "high":
        raise PolicyInvalid("documents: no level `high` by review")
