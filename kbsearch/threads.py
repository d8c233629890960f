"""How many threads the libraries below us may start: one each while serving, all cores while building.

A service does several searches at a time already, one a worker process and a few a process. A library that splits one
search of a millisecond over the cores takes them from the other searches and waits for its own threads: faiss and
NumPy's BLAS (OpenMP, OpenBLAS, MKL), numba, the tokenizers (rayon). onnxruntime is told where its sessions are made
(kbsearch/embed/onnx.py); uvicorn runs one event loop a process. Nothing here is set where the operator has set it.

The libraries read this when they are loaded, so it is called before. Also the condition for `workers.py` to fork: a
process that has started a pool of threads has children in which the pool is gone.
"""

from __future__ import annotations

import os

ONE_EACH = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def one_thread_each() -> None:
    """Let no library start threads of its own."""
    for name, value in ONE_EACH.items():
        os.environ.setdefault(name, value)


def one_thread_for_products() -> None:
    """Let NumPy multiply on one core.

    A build multiplies beside other work that keeps the other cores busy; two threads that wait for each other took a
    fifth of an update's processor time and made it no quicker.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
