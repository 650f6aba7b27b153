"""The resource of `lamp`: componentize-py looks for it in a module of the interface's name."""

from componentize_py_types import Err
from wit_world.exports import lamp

BRIGHTEST = 100
NAME_MAX = 64  # bytes


class Bulb(lamp.Bulb):
    def __init__(self, name: str) -> None:
        # A letter that is cut in two is left out.
        self._name = name.encode()[:NAME_MAX].decode(errors="ignore")
        self._percent = 0

    def name(self) -> str:
        return self._name

    def set(self, percent: int) -> int:
        if percent > BRIGHTEST:
            raise Err(lamp.Error_TooBright(percent - BRIGHTEST))
        before, self._percent = self._percent, percent
        return before

    def brightness(self) -> int:
        return self._percent
