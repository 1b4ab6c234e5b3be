"""Measure a picture in a worker, then judge it: what endpoints ask of proofing.

A worker that is busy, slow or dead is never the picture's fault: Unavailable.
"""

import logging
from collections.abc import Awaitable
from typing import Final, TypeVar

from idp.errors import Unavailable
from mobile_api.engines import EngineProblem, PoolBusy
from mobile_api.proofing import JudgedFace, judge_face
from mobile_api.services import MobileServices

logger = logging.getLogger(__name__)

T = TypeVar("T")
RETRY_AFTER: Final = 10


async def check_face(
    mobile: MobileServices, *, document: bytes, selfie: bytes
) -> JudgedFace:
    """Compare two faces; raises EvidenceInsufficient, Unavailable."""
    doubts = {band.engine: (band.refuse, band.accept) for band in mobile.policy.faces}
    work = mobile.workers.compare_faces(document=document, selfie=selfie, doubts=doubts)
    return judge_face(await measured(work), policy=mobile.policy)


async def measured(work: Awaitable[T]) -> T:
    """Return what a worker measured; raises Unavailable when it could not."""
    try:
        return await work
    except PoolBusy as busy:
        raise Unavailable("proofing", retry_after=busy.retry_after) from busy
    except EngineProblem as problem:
        logger.warning("image work: %s", type(problem).__name__)
        raise Unavailable("proofing", retry_after=RETRY_AFTER) from problem
