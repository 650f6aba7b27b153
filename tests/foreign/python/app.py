"""The server `tally` in Python."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import log, types

from tally import LARGEST


class Tally(exports.Tally):
    def language(self) -> str:
        log.write(types.Level.INFO, "Python speaking")
        return "Python"

    def sum(self, data: bytes) -> int:
        if not data:
            raise Err("nothing to add")
        return sum(data)

    def parse(self, text: str) -> int:
        if text.isascii() and text.isdigit() and int(text) <= LARGEST:
            return int(text)
        raise Err(f"not a number: {text}")
