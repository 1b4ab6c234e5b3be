"""Pages as answers: Jinja templates, their texts and the headers that guard them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from idp.errors import (
    ChallengeClosed,
    Exhausted,
    IdentityError,
    Malformed,
    NotFound,
    Refused,
    Unavailable,
)
from idp.translations import LOCALES, catalogue, pick_locale, translate

STATUSES: Final[tuple[tuple[type[IdentityError], int], ...]] = (
    (Malformed, HTTPStatus.BAD_REQUEST),
    (NotFound, HTTPStatus.NOT_FOUND),
    (ChallengeClosed, HTTPStatus.CONFLICT),
    (Refused, HTTPStatus.FORBIDDEN),
    (Exhausted, HTTPStatus.TOO_MANY_REQUESTS),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
# Strict, for it goes into a header: a `;` or a space would begin another directive.
ORIGIN: Final = re.compile(
    r"(https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?)(?:[/?#]|$)",
    re.ASCII,
)
PLAIN_TEXT: Final = re.compile(r'\{\{ t\("([a-z0-9_.-]+)"\) \}\}')


class TextsInPlace(Extension):
    """Writes texts without places into a template as it is compiled, escaped."""

    def preprocess(
        self, source: str, _name: str | None, _filename: str | None = None
    ) -> str:
        """Return the source in the language of its environment."""
        locale = str(self.environment.globals["locale"])
        return PLAIN_TEXT.sub(lambda found: _in_place(found[1], locale), source)


def _in_place(key: str, locale: str) -> str:
    """Return a text as HTML that no template syntax can hide in."""
    return str(escape(translate(key, locale))).replace("{", "&#123;")


@cache
def templates(locale: str) -> Environment:
    """Return the templates of one language, each compiled once."""
    found = Environment(
        loader=PackageLoader("idp.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.globals |= {"locale": locale, "other": _other(locale), "t": _texts(locale)}
    found.add_extension(TextsInPlace)
    return found


def _texts(locale: str) -> Callable[..., str]:
    def text(key: str, **places: object) -> str:
        return translate(key, locale, **places)

    return text


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that says one thing: what happened, and what to do next."""

    title: str
    text: str = ""
    next: str = ""
    fine: str = ""


def render(
    template: str,
    *,
    locale: str,
    status: int = HTTPStatus.OK,
    form_targets: Iterable[str] = (),
    switch: bool = True,
    **values: object,
) -> HTMLResponse:
    """Return a page in a language, never cached, without inline script or style.

    `form_targets` are origins that a form of this page may lead to by redirects:
    Chromium applies `form-action` to every hop. Without `switch` the page offers no
    other language: the answer to a POST cannot be asked for again.
    """
    html = templates(locale).get_template(template).render(switch=switch, **values)
    headers = {
        "content-security-policy": policy(form_targets),
        "cache-control": "no-store",
        "content-language": locale,
        "vary": "Accept-Language, Cookie",
        # With no-referrer a form is sent with `Origin: null` (Fetch, 3.2): the
        # Origin check needs the true one, and nothing is told to other sites.
        "referrer-policy": "same-origin",
    }
    return HTMLResponse(html, status_code=status, headers=headers)


def policy(form_targets: Iterable[str] = ()) -> str:
    """Return the content security policy of a page."""
    origins = filter(None, map(_origin, form_targets))
    targets = " ".join(dict.fromkeys(("'self'", *origins)))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def notice(
    said: Notice,
    *,
    locale: str,
    status: int = HTTPStatus.BAD_REQUEST,
    switch: bool = False,
) -> HTMLResponse:
    """Return a page that says one thing."""
    return render(
        "notice.html", locale=locale, status=status, switch=switch, notice=said
    )


def refusal(error: IdentityError, *, locale: str) -> HTMLResponse:
    """Return what a person is told of a refusal: the public text, nothing else."""
    said = Notice(
        title=translate(f"error.{error.code}.title", locale),
        next=translate(f"error.{error.code}.next", locale),
    )
    page = notice(said, locale=locale, status=status_of(error))
    if isinstance(error, Exhausted | Unavailable):
        page.headers["retry-after"] = str(error.retry_after)
    return page


def problem(code: str, *, locale: str, status: int) -> HTMLResponse:
    """Return the page of a code that is no refusal of the domain."""
    known = f"error.{code}.title" in catalogue(locale)
    code = code if known else "unexpected"
    said = Notice(
        title=translate(f"error.{code}.title", locale),
        next=translate(f"error.{code}.next", locale),
    )
    return notice(said, locale=locale, status=status)


def start_again(*, locale: str) -> HTMLResponse:
    """Return the page for a login that this browser does not have."""
    said = Notice(
        title=translate("start_again.title", locale),
        text=translate("start_again.text", locale),
        next=translate("start_again.next", locale),
    )
    return notice(said, locale=locale, status=HTTPStatus.NOT_FOUND)


def status_of(error: IdentityError) -> int:
    """Return the HTTP status of a refusal."""
    return next(
        (status for kind, status in STATUSES if isinstance(error, kind)),
        HTTPStatus.BAD_REQUEST,
    )


def locale_of(
    request: Request, default: str | None = None, *, ui_locales: str | None = None
) -> str:
    """Return the language of a page: its switch, the request's, the browser's."""
    chosen = request.query_params.get("lang")
    if chosen in LOCALES:
        return chosen
    if default in LOCALES:
        return default
    return pick_locale(request.headers.get("accept-language"), ui_locales)


def _other(locale: str) -> str:
    return "en" if locale == "km" else "km"


def _origin(target: str) -> str:
    """Return the origin of an address, or "" when it cannot stand in a policy."""
    found = ORIGIN.match(target)
    return found[1] if found else ""
