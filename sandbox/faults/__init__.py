"""The faults that people and tests set, and how they are played."""

from sandbox.faults.effects import (
    FaultPlayer,
    ends_at,
    json_answer,
    seconds_left,
    status_answer,
)
from sandbox.faults.plan import Fault, FaultBoard

__all__ = [
    "Fault",
    "FaultBoard",
    "FaultPlayer",
    "ends_at",
    "json_answer",
    "seconds_left",
    "status_answer",
]
