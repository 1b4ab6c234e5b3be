"""Keys for tests: RSA keys that an earlier world of this process made, used again.

They are real and sealed; only the half second that it takes to find their primes is
saved. Keys of the other algorithms are fresh in every world.
"""

from idp.services import Services
from idp.storage.columns import to_millis
from idp.storage.store import Row, Transaction

MADE: dict[tuple[bytes, str], list[Row]] = {}
FIND = (
    "SELECT kid, alg, state, public_jwk, custody, private_sealed FROM signing_key"
    " WHERE alg = $1 AND custody = 'sealed' AND state IN ('current', 'next')"
)
IS_EMPTY = "SELECT 1 FROM signing_key LIMIT 1"
INSERT = (
    "INSERT INTO signing_key (kid, alg, state, public_jwk, custody, private_sealed,"
    " made_at, signs_since) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)
RSA = ("PS256", "RS256")


async def ensure_keys(services: Services, tx: Transaction) -> None:
    """Give an empty database its first keys, as the server's start does."""
    owner = services.sealer.derived_key("keys of tests")
    wanted = [alg for alg in RSA if alg in services.settings.signing_algorithms]
    now = to_millis(services.clock.now())
    if not await tx.all(IS_EMPTY):
        for row in (row for alg in wanted for row in MADE.get((owner, alg), ())):
            since = now if row[2] == "current" else None
            await tx.run(INSERT, *row, now, since)
    await services.keys.ensure(tx)
    for alg in wanted:
        MADE.setdefault((owner, alg), await tx.all(FIND, alg))
