"""Federated learning whose shared state lives in Redis and whose work is RQ jobs."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("fedredis")
