"""The pages that the protocol door asks for: back to a party, refused, logged out."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from idp.translations import catalogue, translate
from idp.web import pages


class ProtocolPages:
    """Draws in our style and the person's language what cannot be a redirect."""

    def form_post(
        self, request: Request, *, action: str, fields: Mapping[str, str], locale: str
    ) -> Response:
        """Post an answer to the relying party: by a script, or by the button."""
        return pages.render(
            "form_post.html",
            locale=pages.locale_of(request, locale),
            switch=False,
            form_targets=(action,),
            action=action,
            fields=fields,
        )

    def refused(self, request: Request, *, code: str, status: int) -> Response:
        """Say that a request cannot be served; the code is for the developer."""
        locale = _locale(request)
        known = code if f"error.{code}.title" in catalogue(locale) else "malformed"
        said = pages.Notice(
            title=translate(f"error.{known}.title", locale),
            next=translate(f"error.{known}.next", locale),
            fine=translate("page.code", locale, code=code),
        )
        return pages.notice(said, locale=locale, status=status)

    def confirm_logout(
        self,
        request: Request,
        *,
        action: str,
        fields: Mapping[str, str],
        ui_locales: str | None,
    ) -> Response:
        """Ask whether to log out; the form may lead back to the relying party."""
        return pages.render(
            "logout.html",
            locale=pages.locale_of(request, ui_locales=ui_locales),
            switch=False,
            form_targets=filter(None, [fields.get("post_logout_redirect_uri")]),
            action=action,
            fields=fields,
        )

    def logged_out(self, request: Request, *, ui_locales: str | None) -> Response:
        """Say that this browser is logged out."""
        locale = pages.locale_of(request, ui_locales=ui_locales)
        said = pages.Notice(
            title=translate("logged_out.title", locale),
            text=translate("logged_out.text", locale),
        )
        return pages.notice(said, locale=locale, status=HTTPStatus.OK)


def _locale(request: Request) -> str:
    return pages.locale_of(request, ui_locales=request.query_params.get("ui_locales"))
