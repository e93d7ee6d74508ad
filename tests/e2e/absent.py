"""A worker that is ``python -m fedredis.jobs.process``, and lets slaves be absent.

ABSENT, a JSON object in the environment, says of a run and a round, as ``r1 mask-train:2``, which
slaves are: whoever works for them finds that they refuse.
"""

from __future__ import annotations

import json
import os
from functools import wraps

from fedredis.errors import RuleError
from fedredis.jobs import process
from fedredis.jobs.labour import Labour

ABSENT = json.loads(os.environ["ABSENT"])
CONTRIBUTE = Labour.contribute


@wraps(CONTRIBUTE)
def contribute(labour, claim, exchange, task, slaves):
    away = ABSENT.get(f"{labour.run.run_id} {claim.name}", ())
    for slave in (slave for slave in slaves if slave in away):
        try:
            raise RuleError("absent", f"slave {slave} is not here")
        except RuleError:
            labour.fail(claim, slave)
    there = [slave for slave in slaves if slave not in away]
    return CONTRIBUTE(labour, claim, exchange, task, there) if there else []


Labour.contribute = contribute

if __name__ == "__main__":
    process.main()
