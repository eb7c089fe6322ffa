"""Three minutes of soak; `make soak MINUTES=60` is a long one.  CORDON_SOAK_S and CORDON_SEED say how long, and from
which seed."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "soak"))

import soak  # noqa: E402

SECONDS = float(os.environ.get("CORDON_SOAK_S", "180"))
SEED = int(os.environ.get("CORDON_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)


def test_everything_at_once():
    soak.soak(SECONDS, SEED)
