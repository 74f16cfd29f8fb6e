#!/usr/bin/env python3
"""Write the whole v3 API as C tables, for reading and printing any message by its descriptor.

usage: schema.py ALL.pb OUT.c

The structs are those of libegress/resource/schema.h. Names are offsets into one pool of text and types are indexes, so
that the tables hold no pointer: they stay read-only and shared between processes.
"""

from __future__ import annotations

import sys
from typing import Iterable, Iterator

from google.protobuf import descriptor_pb2

Field = descriptor_pb2.FieldDescriptorProto
Message = descriptor_pb2.DescriptorProto
Enum = descriptor_pb2.EnumDescriptorProto

NO_TARGET = 0xFFFF
MAX_ONEOFS = 32  # EGRESS__SCHEMA_ONEOFS

# Messages with a JSON form of their own.
KINDS = {
    "google.protobuf.Any": "ANY",
    "google.protobuf.Duration": "DURATION",
    "google.protobuf.FieldMask": "FIELD_MASK",
    "google.protobuf.ListValue": "LIST_VALUE",
    "google.protobuf.Struct": "STRUCT",
    "google.protobuf.Timestamp": "TIMESTAMP",
    "google.protobuf.Value": "VALUE",
} | {
    f"google.protobuf.{name}Value": "WRAPPER"
    for name in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
}


class Pool:
    """Texts, each once, NUL behind each."""

    def __init__(self) -> None:
        self.offsets: dict[str, int] = {}
        self.size = 0

    def add(self, text: str) -> int:
        if text not in self.offsets:
            self.offsets[text] = self.size
            self.size += len(text.encode()) + 1
        return self.offsets[text]


def json_name(field: Field) -> str:
    """The field's own, or what protoc derives: an underscore is dropped and makes the next letter upper case."""
    if field.json_name:
        return field.json_name
    head, *rest = field.name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def walk(prefix: str, messages: Iterable[Message], enums: Iterable[Enum]) -> Iterator[tuple[str, Message | Enum]]:
    """Every message and enum with its full name, nested ones too."""
    for enum in enums:
        yield f"{prefix}{enum.name}", enum
    for message in messages:
        name = f"{prefix}{message.name}"
        yield name, message
        yield from walk(name + ".", message.nested_type, message.enum_type)


class Schema:
    def __init__(self, files: descriptor_pb2.FileDescriptorSet) -> None:
        self.messages: dict[str, Message] = {}
        self.enums: dict[str, Enum] = {}
        for file in files.file:
            if file.syntax != "proto3":
                continue  # about options, such as descriptor.proto; nothing on the wire has their types
            for name, found in walk(f"{file.package}." if file.package else "", file.message_type, file.enum_type):
                (self.enums if isinstance(found, Enum) else self.messages)[name] = found
        self.messages = dict(sorted(self.messages.items(), key=lambda item: item[0].encode()))
        self.enums = dict(sorted(self.enums.items(), key=lambda item: item[0].encode()))
        self.message_index = {name: i for i, name in enumerate(self.messages)}
        self.enum_index = {name: i for i, name in enumerate(self.enums)}
        self.pool = Pool()
        for message in self.messages.values():
            self.keep_known_fields(message)

    def keep_known_fields(self, message: Message) -> None:
        """A field whose type the set does not have, as one of the user may, is as unknown as one of a later API."""
        known = [field for field in message.field if not field.type_name or self.target(field) is not None]
        message.ClearField("field")
        message.field.extend(sorted(known, key=lambda field: field.number))

    def kind(self, name: str) -> str:
        return "MAP_ENTRY" if self.messages[name].options.map_entry else KINDS.get(name, "PLAIN")

    def target(self, field: Field) -> int | None:
        """Index of the field's type; None: not in the set."""
        name = field.type_name.lstrip(".")
        if not name:
            return NO_TARGET
        return (self.enum_index if field.type == Field.TYPE_ENUM else self.message_index).get(name)

    def flags(self, field: Field) -> str:
        if field.label == Field.LABEL_REPEATED:
            entry = field.type == Field.TYPE_MESSAGE and self.kind(field.type_name.lstrip(".")) == "MAP_ENTRY"
            return "EGRESS__SCHEMA_REPEATED | EGRESS__SCHEMA_MAP" if entry else "EGRESS__SCHEMA_REPEATED"
        presence = field.type == Field.TYPE_MESSAGE or field.HasField("oneof_index")
        return "EGRESS__SCHEMA_PRESENCE" if presence else "0"

    def oneof(self, field: Field) -> int:
        """Index plus one; 0: in none. proto3's `optional` is a oneof of one, which nothing can overtake."""
        if not field.HasField("oneof_index") or field.proto3_optional:
            return 0
        if field.oneof_index >= MAX_ONEOFS:
            sys.exit(f"the oneof of {field.name} is past the {MAX_ONEOFS} that a message may have")
        return field.oneof_index + 1

    def message_rows(self) -> Iterator[str]:
        first = 0
        for name, message in self.messages.items():
            count = len(message.field)
            yield f"{{{self.pool.add(name)}, {first}, {count}, EGRESS__SCHEMA_{self.kind(name)}}}"
            first += count

    def field_rows(self) -> Iterator[str]:
        for message in self.messages.values():
            for field in message.field:
                name, json = self.pool.add(field.name), self.pool.add(json_name(field))
                yield (
                    f"{{{name}, {json}, {field.number}, {self.target(field)}, {field.type}, "
                    f"{self.flags(field)}, {self.oneof(field)}}}"
                )

    def enum_rows(self) -> Iterator[str]:
        first = 0
        for name, enum in self.enums.items():
            yield f"{{{self.pool.add(name)}, {first}, {len(enum.value)}}}"
            first += len(enum.value)

    def value_rows(self) -> Iterator[str]:
        for enum in self.enums.values():
            for value in sorted(enum.value, key=lambda value: value.number):  # stable: of two aliases the first
                yield f"{{{self.pool.add(value.name)}, {value.number}}}"


def table(out, type_name: str, name: str, rows: Iterator[str]) -> None:
    lines = list(rows)
    out.write(f"\nconst egress__schema_{type_name} egress__schema_{name}[] = {{\n")
    out.writelines(f"  {line},\n" for line in lines)
    out.write("};\n")
    out.write(f"const size_t egress__schema_{type_name}_count = {len(lines)};\n")


def main() -> None:
    source, target = sys.argv[1:]
    with open(source, "rb") as stream:
        schema = Schema(descriptor_pb2.FileDescriptorSet.FromString(stream.read()))
    if len(schema.messages) >= NO_TARGET or len(schema.enums) >= NO_TARGET:
        sys.exit("more types than an index can tell")
    with open(target, "w", encoding="utf-8") as out:
        out.write('/* Made by proto/schema.py. */\n#include "resource/schema.h"\n')
        table(out, "message", "messages", schema.message_rows())
        table(out, "field", "fields", schema.field_rows())
        table(out, "enum", "enums", schema.enum_rows())
        table(out, "value", "values", schema.value_rows())
        out.write("\nconst char egress__schema_pool[] =\n")
        out.writelines(f'  "{text}\\0"\n' for text in schema.pool.offsets)
        out.write("  ;\n")


if __name__ == "__main__":
    main()
