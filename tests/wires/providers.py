"""What each provider's server answers, as its documentation says."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.wires.server import Asked

PLASGATE_ID = "0b3ad0b7-6d3c-4a53-9f31-6c0a2f1f6b10"


@dataclass
class Plasgate:
    """cloudapi.plasgate.com: POST /rest/send."""

    private_key: str = "specimen-private"
    secret: str = "specimen-secret"
    bad_numbers: tuple[str, ...] = ()

    def __call__(self, asked: Asked) -> tuple[int, Any]:
        if (asked.method, asked.path) != ("POST", "/rest/send"):
            return 404, {}
        if asked.query.get("private_key") != self.private_key:
            return 401, {"message": "Unauthorized"}
        if asked.headers.get("x-secret") != self.secret:
            return 401, {"message": "Unauthorized"}
        if asked.json["to"] in self.bad_numbers:
            return 422, {"to": ["Not a valid number."]}
        return 200, {"message_count": 1, "queue_id": PLASGATE_ID}


@dataclass
class Telegram:
    """gatewayapi.telegram.org: each method by POST, `{"ok": …}` always 200."""

    token: str = "specimen-token"
    without_telegram: tuple[str, ...] = ()
    broken: str = ""
    statuses: dict[str, str] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> tuple[int, Any]:  # noqa: C901, PLR0911
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return 200, {"ok": False, "error": "ACCESS_TOKEN_INVALID"}
        if self.broken:
            return 200, {"ok": False, "error": self.broken}
        body = asked.json
        method = asked.path.lower()
        if method == "/checksendability":
            if body["phone_number"] in self.without_telegram:
                return 200, {"ok": False, "error": "PHONE_NUMBER_NOT_AVAILABLE"}
            return 200, {"ok": True, "result": self._request("1", body)}
        if method == "/sendverificationmessage":
            if body.get("request_id") != "request-1":
                return 200, {"ok": False, "error": "REQUEST_ID_INVALID"}
            self.statuses["request-1"] = "sent"
            return 200, {"ok": True, "result": self._request("1", body)}
        if method == "/checkverificationstatus":
            status = {"status": self.statuses[body["request_id"]], "updated_at": 1}
            return 200, {
                "ok": True,
                "result": {**self._request("1", {}), "delivery_status": status},
            }
        if method == "/revokeverificationmessage":
            self.statuses[body["request_id"]] = "revoked"
            return 200, {"ok": True, "result": True}
        return 200, {"ok": False, "error": "UNKNOWN_METHOD"}

    def _request(self, number: str, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "request_id": f"request-{number}",
            "phone_number": body.get("phone_number", ""),
            "request_cost": 0.01,
        }


@dataclass
class Nomsa:
    """api.nomsa.gov.kh: send, then ask."""

    key: str = "specimen-key"
    statuses: dict[str, str] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            return 401, {"message": "Unauthorized"}
        if asked.method == "POST" and asked.path == "/v1/transactional/sms/send":
            if not asked.json["recipient"].startswith("+855"):
                return 422, {"message": "recipient"}
            self.statuses["nomsa-1"] = "UNSENT"
            return 202, {"data": {"id": "nomsa-1", "status": "UNSENT"}}
        name = asked.path.removeprefix("/v1/transactional/sms/")
        if name in self.statuses:
            return 200, {"data": {"id": name, "status": self.statuses[name]}}
        return 404, {}


@dataclass
class TwilioVerify:
    """verify.twilio.com: POST and GET /v2/Services/{VA…}/Verifications."""

    service: str
    status: str = "pending"

    def __call__(self, asked: Asked) -> tuple[int, Any]:
        folder = f"/v2/Services/{self.service}/Verifications"
        if not asked.path.startswith(folder):
            return 404, {"code": 20404, "message": "not found", "status": 404}
        if asked.method == "POST" and asked.path == folder:
            if asked.form["To"] == "+85510000000":
                return 400, {"code": 60200, "message": "Invalid `To`", "status": 400}
            return 201, self._verification()
        if asked.method == "POST":
            self.status = asked.form["Status"]
        return 200, self._verification()

    def _verification(self) -> dict[str, Any]:
        sid = "VE" + "1" * 32
        fields = (
            '{"lookup": {}, "amount": null, "payee": null, "send_code_attempts": []}'
        )
        return {
            **json.loads(fields),
            "sid": sid,
            "service_sid": self.service,
            "account_sid": "AC" + "0" * 32,
            "to": "",
            "channel": "sms",
            "status": self.status,
            "valid": False,
            "date_created": "2026-01-05T08:00:00Z",
            "date_updated": "2026-01-05T08:00:00Z",
            "url": "https://verify.twilio.com/",
        }
