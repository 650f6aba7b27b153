"""The server `{{name}}`: a lamp with bulbs that can be dimmed."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lamp import Error_Dark
from wit_world.imports import log, types


class Start(exports.Start):
    def start(self) -> None:
        log.write(types.Level.INFO, "a lamp made in Python")


class Lamp(exports.Lamp):
    def maker(self) -> str:
        return "Python"

    def blink(self, pattern: bytes) -> int:
        tenths = sum(pattern)
        if tenths == 0:
            raise Err(Error_Dark())
        return tenths
