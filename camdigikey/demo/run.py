"""Put the demo's folder in order, start its processes, say what to do."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from pydantic import SecretStr

from camdigikey.demo.development_ca import make_certificates
from camdigikey.demo.processes import Processes
from camdx_bridge.simulator import CLIENT as REGISTER_CLIENT
from camdx_bridge.simulator import SERVICE as REGISTER_SERVICE
from idp.domain.relying_parties import RelyingParty
from idp.errors import RelyingPartyUnknown
from idp.services import open_services
from idp.settings import IdpSettings
from idp.storage.columns import new_id
from idp.storage.database import migrate

CLIENT_ID = "online-business-registration"
SPECIMENS = Path(__file__).parent.parent / "specimens"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each part listens."""

    issuer: int = 8000
    app: int = 8001
    portal: int = 8002
    register: int = 8003


@dataclass(slots=True)
class Demo:
    """The whole demo. `lan` is this machine's address, or empty for localhost.

    `store` and `redis` are addresses; the embedded defaults when empty.
    """

    folder: Path
    lan: str = ""
    ports: Ports = Ports()
    store: str = ""
    redis: str = ""
    processes: Processes = field(init=False)
    certificates: tuple[Path, Path, Path] | None = None

    def __post_init__(self) -> None:
        self.processes = Processes(self.folder / "logs")

    @property
    def issuer(self) -> str:
        """The provider's origin."""
        return self._origin(self.ports.issuer)

    @property
    def app_origin(self) -> str:
        """The citizen app's origin."""
        return self._origin(self.ports.app)

    @property
    def portal(self) -> str:
        """The portal's origin."""
        return self._origin(self.ports.portal)

    def start(self) -> None:
        """Start everything; raises DemoFailed."""
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        if self.lan:
            self.certificates = make_certificates(self.folder, address=self.lan)
        settings = self.settings()
        migrate(settings.store)
        asyncio.run(self._register_portal(settings))
        self._start_register()
        self._start_server()
        self._start_portal()
        for name, port in (
            ("register", self.ports.register),
            ("server", self.ports.app),
            ("portal", self.ports.portal),
        ):
            self.processes.wait_for(name, port)

    def settings(self) -> IdpSettings:
        """Return the provider's settings in this demo."""
        return IdpSettings(
            environment="development",
            issuer=self.issuer,
            app_origin=self.app_origin,
            store=self.store or f"sqlite:///{self.folder / 'camdigikey.sqlite3'}",
            redis=SecretStr(self.redis) if self.redis else None,
            master_key_file=self.folder / "master.key",
            sms_sender="idp.engines.development:create",
        )

    def environment(self) -> Mapping[str, str]:
        """Return the environment of the server process."""
        settings = self.settings()
        shared = {"IDP_REDIS": self.redis} if self.redis else {}
        return {
            **shared,
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "HOME": str(self.folder),
            "PYTHONPATH": str(Path(__file__).parent.parent.parent),
            "PYTHONUNBUFFERED": "1",
            "IDP_ENVIRONMENT": settings.environment,
            "IDP_ISSUER": settings.issuer,
            "IDP_APP_ORIGIN": settings.app_origin,
            "IDP_STORE": settings.store,
            "IDP_MASTER_KEY_FILE": str(settings.master_key_file),
            "IDP_SMS_SENDER": settings.sms_sender,
            "MOBILE_POLICY_FILE": str(self._policy()),
            "CAMDX_SECURITY_SERVER": f"http://127.0.0.1:{self.ports.register}",
            "CAMDX_CONNECTION": "plain-http",
            "CAMDX_CLIENT": str(REGISTER_CLIENT),
            "CAMDX_NATIONAL_REGISTER": str(REGISTER_SERVICE),
        }

    def _policy(self) -> Path:
        """Write the demo policy: that all specimens have one face is no doubt."""
        path = self.folder / "policy.json"
        path.write_bytes(orjson.dumps({"version": "demo", "duplicate": 1.0}))
        return path

    def outbox(self) -> str:
        """Return what the server has printed: the text messages are there."""
        return (self.folder / "logs" / "server.log").read_text(errors="replace")

    def welcome(self) -> str:
        """Say where everything is and what to do."""
        lines = [
            "",
            "[bold]CamDigiKey is running on this machine.[/]",
            "",
            f"  portal        {self.portal}   (open this in one window)",
            f"  citizen app   {self.app_origin}   (open this in another, as the phone)",
            f"  provider      {self.issuer}",
            "",
            "1. In the citizen app: register. The code of the text message appears",
            "   here. Card: choose the file",
            f"   {SPECIMENS / 'sreypov-card.jpg'}",
            "   Khmer surname សុខ, given name ស្រីពៅ, date of issue 2021-01-02.",
            "   Face: the specimens have one that you have not, so press",
            "   “Use the drawn head”. Only a development installation offers it.",
            "2. In the portal: log in with CamDigiKey, and scan the code with the",
            "   app (or paste its text).",
            "",
            "Without a camera: make demo DEMO=--phone    Stop: Ctrl-C",
        ]
        if self.certificates is not None:
            lines.insert(6, f"  install on the phone first: {self.certificates[0]}")
        return "\n".join(lines)

    def wait(self) -> None:
        """Show the text messages until stopped; raises DemoFailed."""
        seen = 0
        while True:
            self.processes.check()
            lines = self.outbox().splitlines()
            for line in lines[seen:]:
                if line.startswith("SMS to"):
                    print(line, flush=True)  # noqa: T201 - this is the demo's console
            seen = len(lines)
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop every process."""
        self.processes.stop()

    def restart_server(self, *, kill: bool = False) -> None:
        """Stop the server, or kill it as a crash would, and start it again."""
        self.processes.end("server", kill=kill)
        self._start_server()
        self.processes.wait_for("server", self.ports.app)

    def _origin(self, port: int) -> str:
        return f"https://{self.lan}:{port}" if self.lan else f"http://localhost:{port}"

    async def _register_portal(self, settings: IdpSettings) -> None:
        """Register the demo portal, once; its secret is kept for it alone."""
        async with open_services(settings) as services:
            try:
                async with services.store.read() as tx:
                    await services.relying_parties.find(tx, CLIENT_ID)
            except RelyingPartyUnknown:
                secret = new_id(octets=32)
                async with services.store.begin() as tx:
                    party = _portal_party(self.portal)
                    await services.relying_parties.add(tx, party, secret=secret)
                self._keep_secret(secret)

    def _keep_secret(self, secret: str) -> None:
        path = self.folder / "portal.secrets"
        path.touch(mode=0o600)
        cookie_key = secrets.token_hex(32)
        path.write_text(f"CLIENT_SECRET={secret}\nCOOKIE_KEY={cookie_key}\n")

    def _start_register(self) -> None:
        citizens = self.folder / "citizens.json"
        citizens.write_bytes(orjson.dumps(_citizens()))
        self.processes.start(
            "register",
            "camdx_bridge.simulator",
            ["--port", str(self.ports.register), "--citizens", str(citizens)],
            environment=self.environment(),
            port=self.ports.register,
        )

    def _start_server(self) -> None:
        arguments = ["--host", "0.0.0.0" if self.lan else "127.0.0.1"]  # noqa: S104 - asked for by --lan
        if self.certificates is not None:
            _, chain, key = self.certificates
            arguments += ["--certificate", str(chain), "--certificate-key", str(key)]
        self.processes.start(
            "server",
            "camdigikey.cli",
            ["serve", *arguments],
            environment=self.environment(),
            port=self.ports.app,
        )

    def _start_portal(self) -> None:
        arguments = ["--port", str(self.ports.portal), "--issuer", self.issuer]
        arguments += ["--client-id", CLIENT_ID, "--base-url", self.portal]
        arguments += ["--secrets", str(self.folder / "portal.secrets")]
        if self.certificates is not None:
            ca, chain, key = self.certificates
            arguments += ["--host", "0.0.0.0", "--ca-file", str(ca)]  # noqa: S104
            arguments += ["--certificate", str(chain), "--certificate-key", str(key)]
        self.processes.start(
            "portal",
            "camdigikey.portal",
            arguments,
            environment=self.environment(),
            port=self.ports.portal,
        )


def _citizens() -> list[dict[str, str]]:
    """Return the specimens as the register knows them."""
    persons = orjson.loads((SPECIMENS / "persons.json").read_bytes())
    return [{name: person[name] for name in REGISTER_FIELDS} for person in persons]


REGISTER_FIELDS = (
    "number",
    "surname_khmer",
    "given_name_khmer",
    "surname_latin",
    "given_name_latin",
    "sex",
    "birth_date",
    "issue_date",
    "expiry_date",
)


def _portal_party(origin: str) -> RelyingParty:
    return RelyingParty(
        id=CLIENT_ID,
        name_km="ការចុះបញ្ជីអាជីវកម្មតាមអនឡាញ (សាកល្បង)",
        name_en="Online Business Registration (demo)",
        domain=origin.split("://", 1)[1],
        purpose_km="ដើម្បីបំពេញពាក្យស្នើសុំចុះបញ្ជីអាជីវកម្មរបស់អ្នក",
        purpose_en="To fill in your application to register a business",
        redirect_uris=(f"{origin}/callback",),
        post_logout_redirect_uris=(f"{origin}/",),
        scopes=("openid", "profile", "phone", "document", "offline_access"),
        acr="low",
    )
