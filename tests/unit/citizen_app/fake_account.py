"""The account in the fake mobile API: devices, PIN, contacts, documents, messages,
recoveries that an old phone is asked about. Kept in memory, strict in what it takes.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.routing import Route

from tests.unit.citizen_app.fake_checks import (
    Refused,
    check_ecdsa,
    thumbprint,
    unb64,
)

AT = 1_780_000_000
DAY = 86_400
CODE = "493027"
OTHER = "A" * 43


class Server(Protocol):
    """What the account asks of the server it is part of."""

    device: dict[str, Any]
    nonces: list[str]

    def route(self, path: str, act: Any, *methods: str) -> Route: ...

    def verified(self, key: Any, body: Any, *, typ: str) -> dict[str, Any]: ...

    def open(self, answer: dict[str, Any]) -> dict[str, Any]: ...


def document(number: str, **facts: Any) -> dict[str, Any]:
    return {
        "id": f"doc-{number}",
        "kind": "id_card",
        "issuer": "KHM",
        "number": number,
        "expires": "2031-01-01",
        "level": "substantial",
        "is_valid": True,
        "added_at": AT,
        "replaced_at": None,
        **facts,
    }


def message(name: str, notice: str, **facts: Any) -> dict[str, Any]:
    title = {"km": "មានគេកំពុងស្ដារគណនី", "en": "Somebody recovers your account"}
    text = {"km": "សូមបើកកម្មវិធី។", "en": "Open the app on one of your phones."}
    told = {"id": name, "notice": notice, "at": AT, "seen": False}
    return {**told, "title": title, "text": text, "detail": {}, **facts}


@dataclass
class FakeAccount:
    """Tests turn its knobs and read what became of it."""

    server: Server
    others: list[dict[str, Any]] = field(default_factory=list)
    own_name: str = ""
    standing: str = "bound"
    contacts: dict[str, Any] = field(
        default_factory=lambda: {
            "phone_hint": "+855 •• ••• 678",
            "email": None,
            "changes": [],
        }
    )
    documents: list[dict[str, Any]] = field(
        default_factory=lambda: [document("012345678")]
    )
    messages: list[dict[str, Any]] = field(default_factory=list)
    recoveries: list[dict[str, Any]] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)

    def check_standing(self, path: str) -> None:
        """Refuse a phone that was stopped; only resuming is left to a lost one."""
        if self.standing == "revoked":
            raise Refused(403, "device-revoked")
        if self.standing == "suspended" and path != "/devices/resumption":
            raise Refused(403, "device-suspended")

    def signed(self, key: Any, body: Any, kind: str) -> dict[str, Any]:
        """Return the claims of an action on a target."""
        claims = self.server.verified(key, body, typ=f"camdigikey-{kind}+jwt")
        assert claims["nonce"] in self.server.nonces
        assert claims["uv_method"] in {"pin", "webauthn"}
        self.said.append((claims["action"], claims.get("target", "")))
        return claims

    # -- devices

    def own_id(self) -> str:
        return thumbprint(self.server.device["jwk"])

    def add_other(self, name: str = "Old phone", **facts: Any) -> None:
        row = {"id": OTHER, "name": name, "made_at": AT, "last_used_at": AT + 60}
        flags = {"this": False, "biometric": False, "hardware": False}
        self.others.append({**row, **flags, "suspended": False, **facts})

    def devices(self, *_: Any) -> Any:
        name = self.own_name or self.server.device["name"]
        row = {"id": self.own_id(), "name": name, "made_at": AT}
        flags = {"last_used_at": AT + 60, "this": True, "biometric": True}
        own = {**row, **flags, "hardware": False, "suspended": False}
        return self.server.open({"devices": [own, *self.others]})

    def rename(self, key: Any, body: Any, device: str) -> Any:
        assert set(body) == {"name"}
        if device == self.own_id():
            self.own_name = body["name"]
        for one in self.others:
            if one["id"] == device:
                one["name"] = body["name"]
        return self.devices(key, body)

    def revoke(self, key: Any, body: Any, device: str) -> None:
        claims = self.signed(key, body, "device")
        assert (claims["action"], claims["target"]) == ("revoke", device)
        if device == self.own_id():
            self.standing = "revoked"
        self.others = [one for one in self.others if one["id"] != device]

    def revoke_others(self, key: Any, body: Any) -> None:
        claims = self.signed(key, body, "device")
        wanted = ("revoke_others", self.own_id())
        assert (claims["action"], claims["target"]) == wanted
        self.others = []

    def resume(self, key: Any, body: Any) -> None:
        claims = self.signed(key, body, "device")
        assert claims["uv_method"] == "pin"
        assert (claims["action"], claims["target"]) == ("resume", self.own_id())
        self.standing = "bound"

    def change_pin(self, key: Any, body: Any) -> None:
        assert set(body) == {"pin_key", "assertion", "uv", "new_uv"}
        claims = self.signed(key, body, "pin")
        assert claims["uv_method"] == "pin"
        assert claims["key"] == thumbprint(body["pin_key"])
        signed = b"camdigikey-uv-pin1|" + body["assertion"].encode()
        assert check_ecdsa(body["pin_key"], unb64(body["new_uv"]), signed)
        self.server.device["pin"] = body["pin_key"]

    # -- contacts

    def contact(self, name: str) -> dict[str, Any]:
        found: dict[str, Any]
        for found in self.contacts["changes"]:
            if found["id"] == name:
                return found
        raise Refused(404, "not-found")

    def list_contacts(self, *_: Any) -> Any:
        return self.server.open(self.contacts)

    def change_contact(self, key: Any, body: Any, kind: str) -> Any:
        claims = self.signed(key, body, "contact")
        value = body[kind]
        assert (claims["action"], claims["target"]) == (f"change_{kind}", value)
        if value.endswith("000"):
            raise Refused(422, "phone-invalid")
        change = {"id": f"c-{kind}", "kind": kind, "state": "pending", "value": value}
        kept = [one for one in self.contacts["changes"] if one["kind"] != kind]
        self.contacts["changes"] = [*kept, {**change, "ready_at": None}]
        return self.contacts["changes"][-1]

    def remove_email(self, key: Any, body: Any) -> None:
        claims = self.signed(key, body, "contact")
        assert (claims["action"], claims["target"]) == ("remove_email", "")
        self.contacts["email"] = None

    def prove_contact(self, _: Any, body: Any, contact: str) -> Any:
        found = self.contact(contact)
        if body["code"] != CODE:
            raise Refused(422, "code-wrong", attempts_left=4)
        if found["kind"] == "email":
            self.contacts["email"] = found["value"]
            self.contacts["changes"] = []
        else:
            ready_at = int(time.time()) + DAY
            found.update(state="waiting", ready_at=ready_at)
        return self.server.open(self.contacts)

    def ask_old(self, _: Any, __: Any, contact: str) -> None:
        assert self.contact(contact)["state"] == "waiting"

    def prove_old(self, _: Any, body: Any, contact: str) -> Any:
        found = self.contact(contact)
        if body["code"] != CODE:
            raise Refused(422, "code-wrong", attempts_left=4)
        self.contacts["phone_hint"] = "+855 •• ••• " + found["value"][-3:]
        self.contacts["changes"] = []
        return self.server.open(self.contacts)

    def object_contact(self, key: Any, body: Any, contact: str) -> None:
        claims = self.signed(key, body, "contact")
        assert (claims["action"], claims["target"]) == ("object", contact)
        self.contact(contact)
        kept = [one for one in self.contacts["changes"] if one["id"] != contact]
        self.contacts["changes"] = kept

    # -- messages, documents

    def list_messages(self, *_: Any) -> Any:
        return self.server.open({"messages": self.messages})

    def seen(self, _: Any, body: Any) -> None:
        for one in self.messages:
            one["seen"] = one["seen"] or one["id"] in body["ids"]

    def list_documents(self, *_: Any) -> Any:
        return self.server.open({"documents": self.documents})

    # -- recoveries

    def recovered_elsewhere(self, state: str = "open", **facts: Any) -> None:
        row = {"id": "rec-1", "state": state, "started_at": int(time.time())}
        self.recoveries = [{**row, "ready_at": None, **facts}]

    def list_recoveries(self, *_: Any) -> Any:
        return {"recoveries": self.recoveries}

    def approve(self, key: Any, body: Any, recovery: str) -> Any:
        return self.say_yes(key, body, ("approve", recovery))

    def add(self, key: Any, body: Any, recovery: str) -> Any:
        return self.say_yes(key, body, ("add", recovery))

    def say_yes(self, key: Any, body: Any, signed: tuple[str, str]) -> Any:
        claims = self.signed(key, body, "recovery")
        assert (claims["action"], claims["target"]) == signed
        right = body["binding_code"] == "42"
        self.recoveries = []
        return {"state": "approved" if right else "ended"}

    def object_recovery(self, key: Any, body: Any, recovery: str) -> None:
        claims = self.signed(key, body, "recovery")
        assert (claims["action"], claims["target"]) == ("object", recovery)
        self.recoveries = []

    def routes(self) -> list[Route]:
        one = self.server.route
        contact = "/contacts/{contact}"
        return [
            one("/devices", self.devices, "GET"),
            one("/devices/revocations", self.revoke_others),
            one("/devices/resumption", self.resume),
            one("/devices/{device}/name", self.rename),
            one("/devices/{device}/revocation", self.revoke),
            one("/pin", self.change_pin),
            one("/contacts", self.list_contacts, "GET"),
            one("/contacts/email/removal", self.remove_email),
            one("/contacts/{kind}", self.change_contact),
            one(contact + "/code", self.prove_contact),
            one(contact + "/old-code", self.ask_old),
            one(contact + "/old-proof", self.prove_old),
            one(contact + "/objection", self.object_contact),
            one("/messages", self.list_messages, "GET"),
            one("/messages/seen", self.seen),
            one("/documents", self.list_documents, "GET"),
            one("/recoveries", self.list_recoveries, "GET"),
            one("/recoveries/{recovery}/approval", self.approve),
            one("/recoveries/{recovery}/addition", self.add),
            one("/recoveries/{recovery}/objection", self.object_recovery),
        ]
