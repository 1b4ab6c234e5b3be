"""Requests per second on one core: discovery, userinfo, token (refresh), QR logins.

    python -m bench.rates [--seconds 5] [--logins 200]

The server runs alone on core 0, the load on the other core. SQLite with
`synchronous=FULL`, one process, loopback, plain HTTP. `wrk` (Debian) drives
discovery and userinfo; refreshes and whole logins are driven from Python.
"""

import argparse
import asyncio
import os
import re
import subprocess
import tempfile
import time
from base64 import b64encode
from pathlib import Path

import httpx2
import orjson

from camdigikey.demo.run import CLIENT_ID, Demo
from camdigikey.phone import Phone, PhoneKeys
from idp.domain.accounts import AccountFacts
from idp.services import open_services
from sdk_web import CamDigiKeyClient, ClientSecretBasic, RelyingParty, Tokens
from tests.e2e.stack import Ports, free_ports

CONNECTIONS = 16


def wrk(url: str, seconds: int, *headers: str) -> float:
    """Return requests per second."""
    more = [part for header in headers for part in ("-H", header)]
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}"]
    command += [f"-d{seconds}s", *more, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    return float(found[1])


async def seeded_phone(demo: Demo, http: httpx2.AsyncClient, n: int) -> Phone:
    """Return a phone bound to a fresh account, written beside the running server."""
    keys = PhoneKeys()
    phone = Phone(http, demo.app_origin, demo.issuer, keys=keys)
    facts = AccountFacts(
        "សុខ", "ស្រីពៅ", "SOK", "SREYPOV", "1999-01-01", "F", f"{n:09d}",
        "2031-01-01", f"+8551{n:07d}",
    )  # fmt: skip
    async with open_services(demo.settings()) as services, services.store.begin() as tx:
        account = await services.accounts.open(tx, facts, level="substantial")
        await services.devices.bind(
            tx,
            device_id=keys.device_id,
            account_id=account.id,
            public_key=keys.jwk,
            pin_key=keys.pin_jwk(phone.pin),
            name="bench",
        )
    phone.account_id = account.id
    return phone


def portal(demo: Demo) -> CamDigiKeyClient:
    """Return the demo portal's client."""
    secret = re.search(
        r"CLIENT_SECRET=(\S+)", (demo.folder / "portal.secrets").read_text()
    )
    assert secret
    scopes = ("openid", "profile", "offline_access")
    party = RelyingParty(
        issuer=demo.issuer,
        client_id=CLIENT_ID,
        redirect_uri=f"{demo.portal}/callback",
        authentication=ClientSecretBasic(secret[1]),
        scopes=scopes,
    )
    return CamDigiKeyClient(party)


async def log_in(
    demo: Demo, phone: Phone, client: CamDigiKeyClient
) -> tuple[Tokens, float]:
    """Log in once; return the tokens and the seconds from approve to tokens."""
    async with httpx2.AsyncClient(timeout=30) as browser:
        started = await client.start_login()
        answer = await browser.get(started.url)
        page = str(answer.url.join(answer.headers["location"]))
        await browser.get(page)
        told = (await browser.get(f"{page}/status")).json()
        claimed = await phone.scan(told["data"]["codes"][0][1])
        token = phone.assertion(claimed)
        uv = phone.keys.pin_uv(token, phone.pin)
        path = f"/challenges/{claimed['challenge']}/approval"
        begun = time.perf_counter()
        await phone.post(path, {"assertion": token, "uv": uv})
        answer = await browser.post(
            f"{page}/finish", headers={"Origin": demo.issuer}, data={}
        )
        while not str(answer.headers.get("location")).startswith(demo.portal):
            answer = await browser.get(str(answer.url.join(answer.headers["location"])))
        tokens = await client.finish_login(
            started.transaction, answer.headers["location"]
        )
    return tokens, time.perf_counter() - begun


async def refreshes(demo: Demo, tokens: list[str], seconds: int) -> float:
    """Return refreshes per second; each connection spends its own family."""
    secrets = (demo.folder / "portal.secrets").read_text()
    secret = secrets.split("CLIENT_SECRET=")[1].split()[0]
    basic = b64encode(f"{CLIENT_ID}:{secret}".encode()).decode()
    deadline, done = time.perf_counter() + seconds, 0

    async def spend(token: str) -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("localhost", demo.ports.issuer)
        while time.perf_counter() < deadline:
            body = f"grant_type=refresh_token&refresh_token={token}".encode()
            writer.write(
                f"POST /token HTTP/1.1\r\nHost: localhost:{demo.ports.issuer}\r\n"
                f"Authorization: Basic {basic}\r\nContent-Length: {len(body)}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert b" 200 " in head, head
            assert length
            token = orjson.loads(await reader.readexactly(int(length[1])))[
                "refresh_token"
            ]
            done += 1
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(spend(token) for token in tokens))
    return done / (time.perf_counter() - begun)


async def measure(demo: Demo, seconds: int, logins: int) -> None:
    """Print every figure."""
    client = portal(demo)
    async with httpx2.AsyncClient(timeout=30) as http:
        phones = [await seeded_phone(demo, http, n) for n in range(CONNECTIONS)]
        for phone in phones:
            phone.keys.pin_jwk(phone.pin)
        tokens = [(await log_in(demo, phone, client))[0] for phone in phones]
        discovery = f"{demo.issuer}/.well-known/openid-configuration"
        bearer = f"Authorization: Bearer {tokens[0].access_token}"
        userinfo = f"{demo.issuer}/userinfo"
        print(f"discovery        {wrk(discovery, seconds):8.0f} /s")
        print(f"userinfo         {wrk(userinfo, seconds, bearer):8.0f} /s")
        families = [t.refresh_token for t in tokens if t.refresh_token]
        rate = await refreshes(demo, families, seconds)
        print(f"token (refresh)  {rate:8.0f} /s")
        took = sorted(
            [
                (await log_in(demo, phones[n % CONNECTIONS], client))[1] * 1000
                for n in range(logins)
            ]
        )
        median, p99 = took[logins // 2], took[int(logins * 0.99)]
        print(f"approve to tokens: median {median:.0f} ms, p99 {p99:.0f} ms")
    await client.aclose()


def main() -> None:
    """Run the demo's server on one core and measure it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--logins", type=int, default=100)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {0})  # the server inherits it
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(folder=Path(folder), ports=Ports(*free_ports(4)))
        try:
            demo.start()
            time.sleep(10)  # the image workers finish loading
            os.sched_setaffinity(0, {1})
            asyncio.run(measure(demo, asked.seconds, asked.logins))
        finally:
            demo.stop()


if __name__ == "__main__":
    main()
