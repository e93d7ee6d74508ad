"""Strategies: how the global model moves."""

from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.protocol import Strategy

__all__ = ["FedAvg", "Strategy"]
