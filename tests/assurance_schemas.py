"""The official schemas of identity assurance, with dates that are looked at."""

import json
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)
from referencing import Registry, Resource

FOLDER = Path(__file__).parent / "vectors" / "identity_assurance"
NAMES = ("verified_claims", "verified_claims_request", "claims_schema")
FORMATS = FormatChecker(())
# RFC 3339, 5.6
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@FORMATS.checks("date-time", raises=ValueError)  # type: ignore[untyped-decorator]
def is_instant(value: object) -> bool:
    return isinstance(value, str) and bool(
        INSTANT.fullmatch(value) and datetime.fromisoformat(value)
    )


@FORMATS.checks("date", raises=ValueError)  # type: ignore[untyped-decorator]
def is_date(value: object) -> bool:
    return isinstance(value, str) and bool(date.fromisoformat(value))


@cache
def _validator(name: str) -> Draft202012Validator:
    schemas = {
        name: json.loads((FOLDER / f"{name}.json").read_text()) for name in NAMES
    }
    resources = [Resource.from_contents(schema) for schema in schemas.values()]
    registry: Registry[Any] = Registry().with_resources(
        [(one.id() or "", one) for one in resources]
    )
    Draft202012Validator.check_schema(schemas[name])
    return Draft202012Validator(
        schemas[name], registry=registry, format_checker=FORMATS
    )


def check_response(claims: Any) -> None:
    """Raise ValidationError unless the schema of `verified_claims` allows it."""
    _validator("verified_claims").validate(claims)


def check_request(claims: Any) -> None:
    """Raise ValidationError unless the schema of the request allows it."""
    _validator("verified_claims_request").validate(claims)
