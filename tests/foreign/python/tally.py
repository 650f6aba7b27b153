"""The resource of `tally`: componentize-py looks for it in a module of the interface's name."""

from componentize_py_types import Err
from wit_world.exports import tally

LARGEST = 1_000_000_000


class Account(tally.Account):
    def __init__(self, start: int) -> None:
        self.sum = start

    def add(self, data: bytes) -> int:
        total = self.sum + sum(data)
        if total > LARGEST:
            raise Err("overflow")
        self.sum = total
        return total

    def total(self) -> int:
        return self.sum
