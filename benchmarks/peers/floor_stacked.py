"""The same loop with fedredis' own shortcut: slaves of one size trained as a stack.

Beside it one sees what fedredis' coordination costs, beside the plain loop what stacking gains.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers.floor import measure
from benchmarks.peers.peer import main

if __name__ == "__main__":
    main("floor-stacked", f"numpy {np.__version__}", lambda work: measure(work, stacked=True))
