"""The lab over HTTP, on loopback: configuration source, OCSP responder, time-stamps.

GET  /internalconf?version=3        the signed directory; 404 for another version
GET  /V3/shared-params.xml          the files that it names
POST /ocsp                          about any certificate that the lab issued
POST /tsa                           a time-stamp
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509 import ocsp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from camdx_bridge.trust.directory import PRIVATE, SHARED
from camdx_bridge.trust_lab.instance import LabInstance
from camdx_bridge.trust_lab.ocsp_answers import OcspDesk
from camdx_bridge.trust_lab.publisher import Publisher

VERSION = 3
LIFE = timedelta(minutes=10)
_LARGEST_QUESTION = 64 * 1024
_BAD, _GONE = 400, 404


@dataclass(slots=True)
class LabServer:
    """One instance served. `clock` tells the lab's time; `is_away` plays an outage."""

    instance: LabInstance
    publisher: Publisher
    clock: Callable[[], datetime]
    life: timedelta = LIFE
    is_away: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the configuration by their kind."""
        keys = tuple(key.certificate for key in self.publisher.keys)
        return {
            SHARED: self.instance.shared_params(configuration_keys=keys),
            PRIVATE: self.instance.private_params(),
        }

    def app(self) -> Starlette:
        """Return the lab as an application."""
        return Starlette(
            routes=[
                Route("/internalconf", self._watched(self._directory)),
                Route(f"/V{VERSION}/{{name}}", self._watched(self._file)),
                Route("/ocsp", self._watched(self._ocsp), methods=["POST"]),
                Route("/tsa", self._watched(self._stamp), methods=["POST"]),
            ]
        )

    def _watched(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Count each call, and refuse it while its service is away."""

        async def watch(request: Request) -> Response:
            name = request.url.path.split("/")[1]
            self.counts[name] = self.counts.get(name, 0) + 1
            if name in self.is_away:
                return Response(status_code=503)
            return await answer(request)

        return watch

    async def _directory(self, request: Request) -> Response:
        if request.query_params.get("version") != str(VERSION):
            return Response(status_code=_GONE)
        data = self.publisher.directory(
            self.files, now=self.clock(), life=self.life, version=VERSION
        )
        head, _, body = data.partition(b"\r\n\r\n")
        kind = head.decode().removeprefix("Content-Type: ")
        return Response(body, headers={"Content-Type": kind})

    async def _file(self, request: Request) -> Response:
        names = {"shared-params.xml": SHARED, "private-params.xml": PRIVATE}
        kind = names.get(request.path_params["name"])
        if kind is None:
            return Response(status_code=_GONE)
        return Response(self.files[kind], media_type="text/xml")

    async def _ocsp(self, request: Request) -> Response:
        question = await _small(request)
        try:
            asked = ocsp.load_der_ocsp_request(question)
            desk, certificate = self._desk(asked.serial_number)
        except (ValueError, KeyError):
            return Response(status_code=_BAD)
        answer = desk.answer(certificate, at=self.clock())
        return Response(answer, media_type="application/ocsp-response")

    def _desk(self, serial: int) -> tuple[OcspDesk, x509.Certificate]:
        """Return who answers for a serial number; KeyError for an unknown one."""
        between = self.instance.authority.certificate
        if serial == between.serial_number:
            return self.instance.root_ocsp, between
        issued = {
            member.holder.certificate.serial_number: member.holder.certificate
            for member in self.instance.members
        }
        return self.instance.ocsp, issued[serial]

    async def _stamp(self, request: Request) -> Response:
        try:
            answer = self.instance.tsa.answer(await _small(request), at=self.clock())
        except (ValueError, TypeError):
            return Response(status_code=_BAD)
        return Response(answer, media_type="application/timestamp-reply")


async def _small(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_QUESTION:
            raise ValueError("too large")
    return body
