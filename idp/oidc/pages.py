"""The few pages that the protocol itself needs, behind one Protocol.

The provider's own pages (templates, style, language) come from `idp.app`; the plain
ones here need nothing and say the same in Khmer and English.
"""

from collections.abc import Mapping
from html import escape
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
STYLE = (
    "body{font:1.1rem/1.7 system-ui;max-width:34rem;margin:15vh auto;padding:0 1rem}"
)


class Pages(Protocol):
    """Draws what cannot be a redirect."""

    def form_post(
        self, request: Request, *, action: str, fields: Mapping[str, str], locale: str
    ) -> Response:
        """Post `fields` to a relying party at `action`: by itself, or by a button."""
        ...

    def refused(self, request: Request, *, code: str, status: int) -> Response:
        """Say that a request cannot be served; `code` is for the developer."""
        ...

    def confirm_logout(
        self,
        request: Request,
        *,
        action: str,
        fields: Mapping[str, str],
        ui_locales: str | None,
    ) -> Response:
        """Ask "sign out?": a form that posts `fields` to `action`."""
        ...

    def logged_out(self, request: Request, *, ui_locales: str | None) -> Response:
        """Say that this browser is signed out."""
        ...


class PlainPages:
    """Pages without templates."""

    def form_post(
        self, _request: Request, *, action: str, fields: Mapping[str, str], locale: str
    ) -> Response:
        """Post `fields` to a relying party by a button."""
        heading, button = {
            "km": ("អ្នកនឹងត្រឡប់ទៅសេវាវិញ", "បន្ត"),
            "en": ("Back to the service", "Continue"),
        }[locale]
        body = (
            f'<h1>{heading}</h1><form method="post" action="{escape(action)}">'
            f"{_hidden(fields)}<button>{button}</button></form>"
        )
        return _page(body, title="CamDigiKey")

    def refused(self, _request: Request, *, code: str, status: int) -> Response:
        """Say that a request cannot be served."""
        body = (
            "<h1>មិនអាចបន្តបានទេ</h1><p>សេវាដែលអ្នកចង់ចូលប្រើ បានផ្ញើសំណើមិនត្រឹមត្រូវ។"
            " សូមត្រឡប់ទៅសេវានោះវិញ ហើយព្យាយាមម្ដងទៀត។</p>"
            '<div lang="en"><h1>This cannot continue</h1><p>The service you came from'
            " sent a request that is not right. Please go back to it and try"
            f" again.</p><p><code>{escape(code)}</code></p></div>"
        )
        return _page(body, title="CamDigiKey", status=status)

    def confirm_logout(
        self,
        _request: Request,
        *,
        action: str,
        fields: Mapping[str, str],
        ui_locales: str | None,  # noqa: ARG002 - both languages stand on the page
    ) -> Response:
        """Ask "sign out?"."""
        body = (
            "<h1>តើអ្នកចង់ចាកចេញមែនទេ?</h1>"
            '<p lang="en">Do you want to sign out of CamDigiKey in this browser?</p>'
            f'<form method="post" action="{escape(action)}">{_hidden(fields)}'
            '<button>ចាកចេញ · <span lang="en">Sign out</span></button></form>'
        )
        return _page(body, title="ចាកចេញ")

    def logged_out(
        self,
        _request: Request,
        *,
        ui_locales: str | None,  # noqa: ARG002
    ) -> Response:
        """Say that this browser is signed out."""
        body = (
            "<h1>អ្នកបានចាកចេញហើយ</h1>"
            '<p lang="en">You are signed out of CamDigiKey in this browser.</p>'
        )
        return _page(body, title="ចាកចេញ")


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def _page(body: str, *, title: str, status: int = 200) -> Response:
    html = (
        f'<!doctype html><html lang="km"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><main>{body}</main></html>"
    )
    return HTMLResponse(html, status_code=status, headers=HEADERS)
