"""What each request of the protocol costs the server: CPU per operation, one core.

    python -m bench.protocol [--seconds 4]

Starts `bench.target` on core 0 and asks from core 1 over kept connections, 16 at
once, every request made beforehand (proofs and codes are used once). CPU is that of
the server's process from /proc: "per core" is 1 / CPU, whatever the driver costs.
"""

import argparse
import asyncio
import os
import re
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from bench.target import BACK
from idp.domain import jws
from idp.domain.jws import header_bytes
from idp.storage.columns import b64encode as b64url

CONNECTIONS = 16
CODES = 640
PORT = 9106
ISSUER = f"http://127.0.0.1:{PORT}"
TICK = os.sysconf("SC_CLK_TCK")
WEB = {"client_id": "bench-web"}


def basic(client_id: str) -> str:
    """Return the header of a client with its secret."""
    pair = f"{client_id}:{client_id}-secret".encode()
    return f"Basic {b64encode(pair).decode()}"


def http(
    method: str, path: str, *headers: str, form: dict[str, str] | None = None
) -> bytes:
    """Return one request, ready to be written."""
    body = urlencode(form or {}).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{PORT}", *headers]
    if form is not None:
        lines.append("Content-Type: application/x-www-form-urlencoded")
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    fields = text.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def ask(requests: Iterator[bytes], seconds: float, expected: int) -> int:
    """Send requests until they or the time run out; return how many."""
    deadline, done = time.perf_counter() + seconds, 0

    async def worker() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            assert int(head[9:12]) == expected, head + body
            done += 1
            if time.perf_counter() > deadline:
                break
        writer.close()

    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return done


@dataclass(frozen=True)
class Bench:
    """The server under test and a browser for its preparation."""

    pid: int
    seconds: float
    http: httpx2.AsyncClient

    async def print(
        self, name: str, requests: Iterator[bytes], *, expected: int = 200
    ) -> None:
        """Measure one operation and print it."""
        before, begun = cpu(self.pid), time.perf_counter()
        done = await ask(requests, self.seconds, expected)
        wall = time.perf_counter() - begun
        each = (cpu(self.pid) - before) / max(done, 1)
        print(
            f"{name:28}{each * 1000:8.3f} ms CPU{1 / max(each, 1e-9):9.0f} /s a core"
            f"{done / wall:9.0f} /s seen",
            flush=True,
        )

    async def code(self, challenge: str) -> str:
        """Log in as the test citizen; return the code."""
        asked = {
            **WEB,
            "response_type": "code",
            "redirect_uri": BACK,
            "scope": "openid profile offline_access",
            "state": "s",
            "nonce": "n",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        async with httpx2.AsyncClient(timeout=30) as browser:
            answer = await browser.get(f"{ISSUER}/authorize?{urlencode(asked)}")
            page = str(answer.url.join(answer.headers["location"]))
            answer = await browser.post(
                f"{page}/sandbox",
                headers={"Origin": ISSUER},
                data={"citizen": "citizen"},
            )
            answer = await browser.get(str(answer.url.join(answer.headers["location"])))
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        return query["code"][0]

    async def tokens(self, *headers: tuple[str, str]) -> dict[str, str]:
        """Return the tokens of one login."""
        verifier = secrets.token_urlsafe(32)
        answer = await self.http.post(
            f"{ISSUER}/token",
            headers={"Authorization": basic("bench-web"), **dict(headers)},
            data={
                "grant_type": "authorization_code",
                "code": await self.code(challenge_of(verifier)),
                "code_verifier": verifier,
                "redirect_uri": BACK,
            },
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge."""
    return b64url(sha256(verifier.encode()).digest())


def prover() -> Callable[..., str]:
    """Return what makes DPoP proofs by one fresh key."""
    key = generate_private_key(SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": b64url(numbers.x.to_bytes(32)),
        "y": b64url(numbers.y.to_bytes(32)),
    }
    header = header_bytes({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})

    def proof(method: str, path: str, **more: str) -> str:
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": f"{ISSUER}{path}",
            "iat": int(time.time()),
            **more,
        }
        return jws.sign(claims, key=key, header=header)

    return proof


async def flows(bench: Bench) -> None:
    """Print whole logins: authorize, page, approval, resume, code, tokens."""
    count = 0
    before, begun = cpu(bench.pid), time.perf_counter()

    async def worker() -> None:
        nonlocal count
        while time.perf_counter() < begun + bench.seconds:
            await bench.tokens()
            count += 1

    await asyncio.gather(*(worker() for _ in range(8)))
    each = (cpu(bench.pid) - before) / count
    print(f"{'login as a test citizen':28}{each * 1000:8.3f} ms CPU{1 / each:9.0f} /s")


async def measure(bench: Bench) -> None:
    """Print every figure."""
    web, service = basic("bench-web"), basic("bench-svc")
    challenge = challenge_of("v" * 43)
    pushed = {
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "openid profile",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    discovery = http("GET", "/.well-known/openid-configuration")
    await bench.print("discovery", cycle([discovery]))
    await bench.print("jwks", cycle([http("GET", "/jwks")]))
    par = http("POST", "/par", f"Authorization: {web}", form=pushed)
    await bench.print("par", cycle([par]), expected=201)
    form = {"grant_type": "client_credentials", "scope": "api"}
    credentials = http("POST", "/token", f"Authorization: {service}", form=form)
    await bench.print("token (client_credentials)", cycle([credentials]))
    await bench.print("token (code)", iter(await codes(bench, web)))
    await refreshes(bench, web)
    tokens = await bench.tokens()
    bearer = f"Authorization: Bearer {tokens['access_token']}"
    await bench.print("userinfo", cycle([http("GET", "/userinfo", bearer)]))
    asked = {"token": tokens["access_token"]}
    introspect = http("POST", "/introspect", f"Authorization: {web}", form=asked)
    await bench.print("introspection", cycle([introspect]))
    await bound_userinfo(bench)
    await flows(bench)


async def codes(bench: Bench, web: str) -> list[bytes]:
    """Return redemptions that are still to be sent; a code lives a minute."""
    verifier, challenge = "w" * 43, challenge_of("w" * 43)
    made: list[bytes] = []

    async def log_in() -> None:
        for _ in range(CODES // CONNECTIONS):
            form = {
                "grant_type": "authorization_code",
                "code": await bench.code(challenge),
                "code_verifier": verifier,
                "redirect_uri": BACK,
            }
            made.append(http("POST", "/token", f"Authorization: {web}", form=form))

    await asyncio.gather(*(log_in() for _ in range(CONNECTIONS)))
    return made


async def refreshes(bench: Bench, web: str) -> None:
    """Print refreshes: each connection follows a family of its own."""
    families = [(await bench.tokens())["refresh_token"] for _ in range(CONNECTIONS)]
    done, before = 0, cpu(bench.pid)
    deadline = time.perf_counter() + bench.seconds

    async def follow(token: str) -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        while time.perf_counter() < deadline:
            form = {"grant_type": "refresh_token", "refresh_token": token}
            writer.write(http("POST", "/token", f"Authorization: {web}", form=form))
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert length
            assert b" 200 " in head, head
            answer = orjson.loads(await reader.readexactly(int(length[1])))
            token = answer["refresh_token"]
            done += 1
        writer.close()

    await asyncio.gather(*(follow(token) for token in families))
    each = (cpu(bench.pid) - before) / done
    print(f"{'token (refresh)':28}{each * 1000:8.3f} ms CPU{1 / each:9.0f} /s a core")


async def bound_userinfo(bench: Bench) -> None:
    """Print userinfo with a token that is bound to a key."""
    proof = prover()
    tokens = await bench.tokens(("DPoP", proof("POST", "/token")))
    token = tokens["access_token"]
    assert tokens["token_type"] == "DPoP", tokens
    ath = b64url(sha256(token.encode()).digest())
    made = [
        http(
            "GET",
            "/userinfo",
            f"Authorization: DPoP {token}",
            f"DPoP: {proof('GET', '/userinfo', ath=ath)}",
        )
        for _ in range(8000)
    ]
    await bench.print("userinfo (DPoP)", iter(made))


async def run(seconds: float, pid: int) -> None:
    """Wait for the server and measure it."""
    async with httpx2.AsyncClient(timeout=30) as client:
        for _ in range(100):
            try:
                await client.get(f"{ISSUER}/jwks")
                break
            except httpx2.TransportError:
                await asyncio.sleep(0.2)
        await measure(Bench(pid, seconds, client))


def main() -> None:
    """Start the server on one core and measure it from the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {0})  # the server inherits it
    command = [sys.executable, "-m", "bench.target", "--port", str(PORT)]
    with subprocess.Popen(command) as server:
        try:
            os.sched_setaffinity(0, {1})
            asyncio.run(run(asked.seconds, server.pid))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
