"""camdigikey camdx: verify what members of CamDX signed."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from camdigikey.commands.camdx_texts import REASONS, WARNINGS, WORDS
from camdx_bridge import DocumentRefused, Refusal
from camdx_bridge.documents import (
    Judgement,
    Options,
    Verdict,
    Verified,
    judge_file,
)
from camdx_bridge.documents.containers import MESSAGE
from camdx_bridge.trust import SharedParameters, read_shared_parameters
from idp.translations import khmer_digits

app = typer.Typer(help="CamDX, Cambodia's X-Road.", no_args_is_help=True)
_MARKS = {Verdict.VALID: "✓", Verdict.INVALID: "✗", Verdict.UNUSABLE: "?"}
_STATUS = {Verdict.INVALID: 1, Verdict.UNUSABLE: 2}
_LONGEST = 200
# What a message that the log kept only in part is refused for.
_AS_IF_WITHHELD = frozenset({Refusal.DIGEST_MISMATCH, Refusal.HASH_CHAIN_REFERENCE})


class Language(StrEnum):
    """Languages of the command."""

    KHMER = "km"
    ENGLISH = "en"


@app.callback()
def about() -> None:
    """Verify what members of CamDX signed."""


@app.command()
def verify(
    file: Annotated[
        Path, typer.Argument(help="A container, an archive (mlog-*.zip) or a folder.")
    ],
    trust: Annotated[
        Path, typer.Option(help="shared-params.xml, or its folder; you vouch for it.")
    ],
    message_withheld: Annotated[
        bool,
        typer.Option(
            help="The log keeps no message bodies: do not verify the message."
        ),
    ] = False,
    language: Annotated[
        str, typer.Option(envvar="LANG", help="km or en; else by LANG.")
    ] = "en",
) -> None:
    """Say whether signed messages hold; status 0 valid, 1 invalid, 2 unusable."""
    speaker = _Speaker(_language(language))
    parameters = _trust(trust, speaker)
    options = Options(message_withheld=message_withheld)
    counts: Counter[Verdict] = Counter()
    for judgement in judge_file(file, trust=parameters, options=options):
        counts[judgement.verdict] += 1
        for line in speaker.lines(judgement):
            typer.echo(line)
    if counts.total() > 1:
        typer.echo(speaker.say("summary", **{v: counts[v] for v in Verdict}))
    for verdict, status in _STATUS.items():
        if counts[verdict]:
            raise typer.Exit(status)


def _language(text: str) -> Language:
    """Read `km`, or what LANG holds: `km_KH.UTF-8`; English is what else counts as."""
    return Language.KHMER if text.lower().startswith("km") else Language.ENGLISH


def _trust(path: Path, speaker: "_Speaker") -> SharedParameters:
    place = path / "shared-params.xml" if path.is_dir() else path
    try:
        return read_shared_parameters(place.read_bytes())
    except OSError as error:
        detail = error.strerror or type(error).__name__
    except DocumentRefused as error:
        detail = f"{speaker.reason(error.code)} ({error.detail})"
    typer.echo(speaker.say("trust", detail=detail), err=True)
    raise typer.Exit(_STATUS[Verdict.UNUSABLE])


class _Speaker:
    """Tells verdicts in one language."""

    def __init__(self, language: Language) -> None:
        self._words = WORDS[language]
        self._column = (Language.ENGLISH, Language.KHMER).index(language)
        self._is_khmer = language is Language.KHMER

    def say(self, key: str, **values: object) -> str:
        """Return a text with its places filled; numbers in the language's digits."""
        text = self._words[key]
        return text.format_map({k: self._value(v) for k, v in values.items()})

    def reason(self, code: Refusal) -> str:
        """Return what a code means."""
        return REASONS[code][self._column]

    def lines(self, judgement: Judgement) -> Iterator[str]:
        """Yield the lines about one document."""
        verdict = self.say(judgement.verdict)
        yield f"{_MARKS[judgement.verdict]} {verdict}  {_shown(judgement.name)}"
        if judgement.verified is not None:
            yield from self._facts(judgement.verified)
        if judgement.code is not None:
            detail = f" {_shown(judgement.detail)}" if judgement.detail else ""
            reason = self.reason(judgement.code)
            yield self._line("reason", f"{reason} [{judgement.code}{detail}]")
        if judgement.code in _AS_IF_WITHHELD and judgement.detail == MESSAGE:
            yield f"  {self.say('hint')}"

    def _facts(self, found: Verified) -> Iterator[str]:
        server = self.say("server", server=found.server_code)
        yield self._line("signer", f"{found.signer} ({server})")
        if found.head is not None:
            kind = "request" if found.head.is_request else "response"
            yield self._line(
                "message",
                self.say(
                    kind,
                    id=found.head.message_id,
                    client=found.head.client,
                    provider=found.head.provider,
                    service=found.head.service,
                ),
            )
        at = self._time(found.stamped_at)
        said = self.say("stamped_by", at=at, authority=found.stamped_by)
        yield self._line("stamped", said)
        if found.claimed_at is not None:
            yield self._line("claimed", self._time(found.claimed_at))
        yield self._line("status", self._time(found.status_at))
        yield self._line("covered", _names(found.covered) or self.say("nothing"))
        for key, names in (
            ("unverified", found.unverified),
            ("unsigned", found.unsigned),
        ):
            if names:
                yield self._line(key, self.say(f"{key}_note", names=_names(names)))
        for warning in found.warnings:
            yield self._line("warning", WARNINGS[warning][self._column])

    def _line(self, key: str, text: str) -> str:
        separator = "៖ " if self._is_khmer else ": "
        return f"  {self.say(key)}{separator}{text}"

    def _time(self, at: datetime) -> str:
        text = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return f"{khmer_digits(text) if self._is_khmer else text} UTC"

    def _value(self, value: object) -> str:
        if isinstance(value, int):
            return khmer_digits(str(value)) if self._is_khmer else str(value)
        return _shown(str(value))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(_shown(name) for name in names)


def _shown(text: str) -> str:
    """Keep a stranger's text on its line: no control and no direction characters."""
    kept = "".join(c if c.isprintable() else "�" for c in text)
    return kept if len(kept) <= _LONGEST else f"{kept[:_LONGEST]}…"
