"""Measurements, each printed by one command; nothing here is a test."""

import os

# NumPy reads these when it is imported; every process that is started inherits them.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
