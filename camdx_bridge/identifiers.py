"""Names of X-Road members, services and security servers.

Written `INSTANCE/CLASS/MEMBER[/SUBSYSTEM[/SERVICE]]`, each part percent-encoded UTF-8
(PR-REST §4.1, §4.8). Reading is lenient about the letters used: CamDX switches the
strict check off and has `_` in its subsystem codes.
"""

import re
from dataclasses import astuple, dataclass
from typing import Self
from urllib.parse import quote, unquote_to_bytes

from camdx_bridge.errors import IdentifierInvalid

_LONGEST_PART = 255
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Identifier:
    instance: str
    member_class: str
    member: str

    def __post_init__(self) -> None:
        for part in self.parts:
            _check(part)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are there, decoded."""
        return tuple(part for part in astuple(self) if part is not None)

    def __str__(self) -> str:
        return "/".join(quote(part, safe="") for part in self.parts)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an identifier; IdentifierInvalid when it is none."""
        parts = [_decode(part) for part in text.strip(" \t").split("/")]
        try:
            return cls(*parts)
        except TypeError:
            raise IdentifierInvalid(f"{cls.__name__}: {len(parts)} parts") from None


@dataclass(frozen=True, slots=True)
class ClientId(_Identifier):
    """A member, or one of its subsystems: three or four parts."""

    subsystem: str | None = None

    @property
    def member_id(self) -> "ClientId":
        """The member, whichever of its subsystems this is."""
        return ClientId(self.instance, self.member_class, self.member)


@dataclass(frozen=True, slots=True)
class ServiceId(_Identifier):
    """A service of a subsystem: exactly five parts."""

    subsystem: str
    service: str

    @property
    def provider(self) -> ClientId:
        """The subsystem that offers the service."""
        return ClientId(self.instance, self.member_class, self.member, self.subsystem)


@dataclass(frozen=True, slots=True)
class SecurityServerId(_Identifier):
    """A security server of a member: exactly four parts."""

    server: str


def _check(part: str) -> None:
    # "." and ".." would be resolved away as path segments by anything in between.
    if not part or part in {".", ".."}:
        raise IdentifierInvalid("an identifier has an empty part")
    if len(part) > _LONGEST_PART:
        raise IdentifierInvalid("a part of an identifier is too long")
    if _NOT_PRINTED.search(part):
        raise IdentifierInvalid("an identifier holds a control character")


def _decode(part: str) -> str:
    if _BROKEN_ESCAPE.search(part):
        raise IdentifierInvalid("an identifier has a broken percent escape")
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeError:
        raise IdentifierInvalid("an identifier is not UTF-8") from None
