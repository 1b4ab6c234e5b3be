"""How long verifying a container takes: python -m bench.verifying [ROUNDS]."""

import sys
import time
from statistics import median

from camdx_bridge.documents import Verdict, judge_container
from camdx_bridge.trust import read_shared_parameters
from tests.xroad import CONTAINERS

NAMES = ("valid-signed-message", "valid-signed-hashchain", "valid-batch-ts")


def main(rounds: int = 200) -> None:
    trust = read_shared_parameters(
        (CONTAINERS / "trust-shared-params.xml").read_bytes()
    )
    for name in NAMES:
        data = (CONTAINERS / f"{name}.asice").read_bytes()
        took = []
        for _ in range(rounds):
            begin = time.process_time()
            assert judge_container(data, trust=trust).verdict is Verdict.VALID
            took.append(time.process_time() - begin)
        print(f"{name}: {median(took) * 1000:.2f} ms of CPU, median of {rounds}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
