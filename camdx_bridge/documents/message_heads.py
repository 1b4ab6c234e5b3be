"""Who speaks in a message: its client if it is a request, its service if an answer."""

import re
from dataclasses import dataclass

from camdx_bridge.errors import BridgeError, IdentifierInvalid, MessageInvalid, refused
from camdx_bridge.formats.xml_documents import XmlReader
from camdx_bridge.formats.xml_outlines import outline_xml
from camdx_bridge.identifiers import ClientId, ServiceId
from camdx_bridge.messages import (
    CLIENT,
    MESSAGE_ID,
    SERVICE,
    CanonicalRequest,
    CanonicalResponse,
    Headers,
)
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.reading import IDENTIFIERS, XROAD, read_client_id

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_REST_PATH = re.compile(r"/r[0-9]+/((?:[^/]+/){4}[^/]+)(?:/.*)?")
_LONGEST_ID = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHead:
    """What a message says of itself; `is_request` is None when its body was removed."""

    message_id: str
    client: ClientId
    provider: ClientId
    service: str
    is_request: bool | None

    @property
    def speakers(self) -> frozenset[ClientId]:
        """The members, one of whom must have signed."""
        if self.is_request is None:
            return frozenset({self.client.member_id, self.provider.member_id})
        speaker = self.client if self.is_request else self.provider
        return frozenset({speaker.member_id})


def read_head(message: bytes) -> MessageHead:
    """Read a REST message's canonical bytes, or a SOAP 4.0 envelope."""
    try:
        if message.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return _soap(message)
        return _rest(message)
    except (IdentifierInvalid, MessageInvalid) as error:
        raise refused(Refusal.MESSAGE_MALFORMED, _plain(error)) from None


def _plain(error: BridgeError) -> str:
    return str(error)[:100]


def _rest(message: bytes) -> MessageHead:
    if message[:1].isdigit():
        response = CanonicalResponse.parse(message)
        service = ServiceId.parse(_last(response.headers, SERVICE))
        return _head(response.headers, service, is_request=False)
    request = CanonicalRequest.parse(message)
    found = _REST_PATH.fullmatch(request.target.partition("?")[0])
    if not found:
        raise refused(Refusal.MESSAGE_MALFORMED, "path")
    return _head(request.headers, ServiceId.parse(found[1]), is_request=True)


def _head(headers: Headers, service: ServiceId, *, is_request: bool) -> MessageHead:
    return MessageHead(
        message_id=_bounded(_last(headers, MESSAGE_ID)),
        client=ClientId.parse(_last(headers, CLIENT)),
        provider=service.provider,
        service=service.service,
        is_request=is_request,
    )


def _last(headers: Headers, name: str) -> str:
    found = [value for key, value in headers if key.lower() == name.lower()]
    if not found:
        raise refused(Refusal.MESSAGE_MALFORMED, f"no {name}")
    return found[-1]


def _bounded(text: str) -> str:
    if not text or len(text) > _LONGEST_ID or not text.isprintable():
        raise refused(Refusal.MESSAGE_MALFORMED, "message id")
    return text


def _soap(message: bytes) -> MessageHead:
    outline = outline_xml(message, f"{{{SOAP}}}Header")
    envelope = XmlReader(outline, Refusal.MESSAGE_MALFORMED)
    if envelope.name != f"{{{SOAP}}}Envelope":
        raise envelope.error("another root")
    header = envelope.one(f"{{{SOAP}}}Header")
    service = header.one(f"{{{XROAD}}}service")
    code = service.one(f"{{{IDENTIFIERS}}}serviceCode").text
    return MessageHead(
        message_id=_bounded(header.one(f"{{{XROAD}}}id").text),
        client=read_client_id(header.one(f"{{{XROAD}}}client")),
        provider=read_client_id(service),
        service=_bounded(code),
        is_request=_is_request(envelope.one(f"{{{SOAP}}}Body"), code),
    )


def _is_request(body: XmlReader, code: str) -> bool | None:
    """Compare the body's element with the service: `code`, `codeResponse`, a fault."""
    children = body.children()
    if not children:
        return None
    if children[0].name == f"{{{SOAP}}}Fault":
        return False
    local = children[0].name.rpartition("}")[2]
    if local not in {code, f"{code}Response"}:
        raise body.error("another service")
    return local == code
