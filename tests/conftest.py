"""What holds for all tests: one thread for each process, and one hypothesis profile."""

import os

import profiles

# Before numpy is imported; the processes of pytest-xdist and the kernels inherit it.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

profiles.load()
