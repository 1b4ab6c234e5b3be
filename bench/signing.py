"""How many signatures a second each algorithm makes, sealed and in SoftHSM.

    python -m bench.signing [--seconds 2]

One process, one event loop, `Keys`' own custodies; 64 calls wait at once. Needs what
`make install` brings.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from idp.domain.custody import SealedCustody
from idp.domain.signing_algorithms import ALGORITHMS, public_jwk, thumbprint
from idp.engines.custody_pkcs11 import create
from idp.interfaces import KeyCustody
from idp.settings import IdpSettings
from idp.storage.encryption import MasterKey, Sealer
from tests.hsm import softhsm_token

MESSAGE = b"x" * 600  # header and claims of an ordinary ID token
AT_ONCE = 64


async def rate(custody: KeyCustody, alg: str, seconds: float) -> float:
    """Return signatures a second."""
    made = await custody.make(alg)
    kid = thumbprint(public_jwk(alg, made.public_der))
    signer = await custody.open(alg=alg, kid=kid, handle=made.handle)
    done, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        await asyncio.gather(*(signer.sign(MESSAGE) for _ in range(AT_ONCE)))
        done += AT_ONCE
    await custody.destroy(made.handle)
    return done / spent


async def measure(settings: IdpSettings, seconds: float) -> None:
    """Print a row for each algorithm."""
    token = create(settings)
    sealed = SealedCustody(Sealer([MasterKey.of(b"k" * 32)]))
    print("alg    sealed  SoftHSM   (signatures a second)")
    for alg in ALGORITHMS:
        rates = [await rate(keeper, alg, seconds) for keeper in (sealed, token)]
        print(f"{alg:6} {rates[0]:6.0f}  {rates[1]:7.0f}")
    await token.close()


def main() -> None:
    """Measure in a token of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2)
    seconds = parser.parse_args().seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        softhsm_token(Path(folder)) as token,
    ):
        origins = {"issuer": "https://id.test", "app_origin": "https://app.test"}
        settings = IdpSettings(**origins, **token.settings())  # type: ignore[arg-type]
        asyncio.run(measure(settings, seconds))


if __name__ == "__main__":
    main()
