"""A Django portal on mozilla-django-oidc, as a process of its own.

    python -m tests.interop.django_portal '{"port": …, "issuer": …, …}'

`/me` says who is signed in; everything else is the library's.
"""

import json
import sys
import tempfile
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: object) -> None:
        """Do nothing."""


def configure(wanted: dict[str, str]) -> None:
    issuer, folder = wanted["issuer"], tempfile.mkdtemp(prefix="camdigikey-django.")
    settings.configure(
        SECRET_KEY="only for this test, and long enough for it",
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF="tests.interop.django_urls",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{folder}/portal.sqlite3",
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "mozilla_django_oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "mozilla_django_oidc.middleware.SessionRefresh",
        ],
        AUTHENTICATION_BACKENDS=["tests.interop.django_backend.BySubject"],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer",
        OIDC_RP_CLIENT_ID=wanted["client_id"],
        OIDC_RP_CLIENT_SECRET=wanted["secret"],
        OIDC_RP_SIGN_ALGO=wanted["alg"],
        OIDC_RP_SCOPES="openid profile",
        OIDC_USE_PKCE=True,
        OIDC_PKCE_CODE_CHALLENGE_METHOD="S256",
        OIDC_OP_AUTHORIZATION_ENDPOINT=f"{issuer}/authorize",
        OIDC_OP_TOKEN_ENDPOINT=f"{issuer}/token",
        OIDC_OP_USER_ENDPOINT=f"{issuer}/userinfo",
        OIDC_OP_JWKS_ENDPOINT=f"{issuer}/jwks",
        OIDC_STORE_ID_TOKEN=True,
        OIDC_TOKEN_USE_BASIC_AUTH=True,
        LOGIN_REDIRECT_URL="/me",
        LOGIN_REDIRECT_URL_FAILURE="/failed",
    )
    django.setup()
    call_command("migrate", verbosity=0)


def main() -> None:
    wanted = json.loads(sys.argv[1])
    configure(wanted)
    application = get_wsgi_application()
    with make_server(
        "127.0.0.1", int(wanted["port"]), application, handler_class=Quiet
    ) as server:
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        server.serve_forever()


if __name__ == "__main__":
    main()
