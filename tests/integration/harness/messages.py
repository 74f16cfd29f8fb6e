"""Random messages of every type of the v3 API, and the program that prints and reads them."""

import importlib
import pkgutil
import random
import struct
import subprocess
from collections.abc import Iterator
from types import ModuleType

from google.protobuf import field_mask_pb2, message_factory, wrappers_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from harness import build

DEPTH = 4
TEXTS = ["", "a", "api.example.com", 'q"uo\\te', "tab\tline\nbell\x07nul\x00del\x7f", "Zürich ☃ 🏔", "</b>", "\u2028"]
REALS = [0.0, -0.0, 1.0, 0.1, 1e16, 1e-5, 123456789.0, 1e30, float("inf"), float("-inf"), float("nan")]


def modules() -> Iterator[ModuleType]:
    yield from (field_mask_pb2, wrappers_pb2)  # not all of which the API refers to
    for package in ("envoy", "xds", "udpa"):
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, package + "."):
            if found.name.endswith("_pb2") and ".annotations" not in found.name:
                yield importlib.import_module(found.name)


def all_messages() -> dict[str, Descriptor]:
    """Every message of the API by its full name; map entries are no messages of their own."""
    found: dict[str, Descriptor] = {}

    def add(descriptor: Descriptor) -> None:
        if descriptor.full_name in found or descriptor.GetOptions().map_entry:
            return
        found[descriptor.full_name] = descriptor
        for nested in descriptor.nested_types:
            add(nested)
        for field in descriptor.fields:  # brings the well-known types along
            if field.message_type is not None:
                add(field.message_type)

    for module in modules():
        for descriptor in module.DESCRIPTOR.message_types_by_name.values():
            add(descriptor)
    return found


class Maker:
    """Random messages, of a shape that JSON can express."""

    def __init__(self, messages: dict[str, Descriptor], seed: int) -> None:
        self.random = random.Random(seed)
        self.messages = messages
        self.names = sorted(messages)

    def message(self, descriptor: Descriptor, depth: int = DEPTH) -> Message:
        made = message_factory.GetMessageClass(descriptor)()
        self.fill(made, depth)
        return made

    def fill(self, message: Message, depth: int) -> None:
        special = getattr(self, "fill_" + message.DESCRIPTOR.full_name.removeprefix("google.protobuf."), None)
        if message.DESCRIPTOR.full_name.startswith("google.protobuf.") and special:
            special(message, depth)
            return
        fields = [field for field in message.DESCRIPTOR.fields if depth > 0 or field.message_type is None]
        for field in self.random.sample(fields, min(len(fields), self.random.randrange(8))):
            self.set(message, field, depth)

    def set(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            self.set_map(getattr(message, field.name), field.message_type, depth)
        elif field.is_repeated:
            values = getattr(message, field.name)
            for _ in range(self.random.randrange(4)):
                if field.message_type is None:
                    values.append(self.scalar(field))
                else:
                    self.fill(values.add(), depth - 1)
        elif field.message_type is None:
            setattr(message, field.name, self.scalar(field))
        else:
            getattr(message, field.name).SetInParent()
            self.fill(getattr(message, field.name), depth - 1)

    def set_map(self, values: dict, entry: Descriptor, depth: int) -> None:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        for _ in range(self.random.randrange(4)):
            if value.message_type is None:
                values[self.scalar(key)] = self.scalar(value)
            else:
                self.fill(values[self.scalar(key)], depth - 1)

    def scalar(self, field: FieldDescriptor) -> object:
        r = self.random
        kind = field.cpp_type
        if field.enum_type is not None:
            if field.enum_type.full_name == "google.protobuf.NullValue":
                return 0  # any other prints as null, too
            known = [value.number for value in field.enum_type.values]
            return r.choice([*known, *known, 12345, -1])
        if field.type == FieldDescriptor.TYPE_BYTES:
            return r.randbytes(r.randrange(9))
        if kind == FieldDescriptor.CPPTYPE_STRING:
            return r.choice(TEXTS)
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return r.random() < 0.5
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return self.real(64 if kind == FieldDescriptor.CPPTYPE_DOUBLE else 32)
        signed = kind in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)
        bits = 64 if kind in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64) else 32
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return r.choice([low, high, 0, 1, r.randint(low, high), r.randint(0, 300)])

    def real(self, bits: int) -> float:
        r = self.random
        if r.random() < 0.5:
            return r.choice(REALS)
        if bits == 64:
            return struct.unpack("<d", r.randbytes(8))[0]
        return struct.unpack("<f", r.randbytes(4))[0]

    # What follows is called by the name of a message of google.protobuf.

    def fill_Any(self, message: Message, depth: int) -> None:
        if depth <= 0 or self.random.random() < 0.1:
            return
        descriptor = self.messages[self.random.choice(self.names)]
        message.type_url = f"type.googleapis.com/{descriptor.full_name}"
        message.value = self.message(descriptor, depth - 1).SerializeToString()

    def fill_Duration(self, message: Message, _depth: int) -> None:
        sign = self.random.choice([-1, 1])
        message.seconds = sign * self.random.choice([0, 1, 15, self.random.randint(0, 315576000000)])
        message.nanos = sign * self.nanos()

    def fill_Timestamp(self, message: Message, _depth: int) -> None:
        message.seconds = self.random.randint(-62135596800, 253402300799)
        message.nanos = self.nanos()

    def nanos(self) -> int:
        return self.random.choice([0, 500000000, 1000000, 1000, 1, self.random.randrange(10**9)])

    def fill_FieldMask(self, message: Message, _depth: int) -> None:
        message.paths.extend(self.random.sample(["a", "b_c", "cluster.load_assignment", "x1_y2.z"], 2))

    def fill_Struct(self, message: Message, depth: int) -> None:
        for _ in range(self.random.randrange(4)):
            self.fill_Value(message.fields[self.random.choice(TEXTS)], depth - 1)

    def fill_ListValue(self, message: Message, depth: int) -> None:
        for _ in range(self.random.randrange(4)):
            self.fill_Value(message.values.add(), depth - 1)

    def fill_Value(self, message: Message, depth: int) -> None:
        kinds = ["null_value", "number_value", "string_value", "bool_value", None]
        kind = self.random.choice([*kinds, "struct_value", "list_value"] if depth > 0 else kinds)
        if kind == "number_value":
            message.number_value = self.random.choice([0.0, 1.0, -2.5, 1e100, 123456789012.0])
        elif kind is not None:
            self.set(message, message.DESCRIPTOR.fields_by_name[kind], depth)


def convert(inputs: list[tuple[str, str, bytes]]) -> list[tuple[int, bytes]]:
    """Code and text for each of: what to do, first text, second text (see tests/tools/convert_json.c)."""
    request = bytearray()
    for what, first, second in inputs:
        request += what.encode()
        for text in (first.encode(), second):
            request += struct.pack("<I", len(text)) + text
    done = subprocess.run([build.program("tests/convert_json")], input=request, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr
    answers, at = [], 0
    while at < len(done.stdout):
        code, size = struct.unpack_from("<iI", done.stdout, at)
        answers.append((code, done.stdout[at + 8 : at + 8 + size]))
        at += 8 + size
    assert len(answers) == len(inputs)
    return answers
