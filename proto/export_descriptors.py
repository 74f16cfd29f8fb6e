#!/usr/bin/env python3
"""Write the Envoy v3 API as one FileDescriptorSet, from the PyPI package xds-protos.

usage: export_descriptors.py OUT.pb

This repository holds no .proto file of Envoy's: the build takes the descriptors that the package carries in its
generated modules. Only what the wire format and proto3 JSON need is kept: options (validation rules, annotations,
comments) and the imports that exist for them alone are left out, which also makes the generated C smaller.
"""

import importlib
import pkgutil
import sys
from typing import Iterable

from google.protobuf import descriptor_pb2

PACKAGES = ("envoy", "xds", "udpa", "google.rpc")
# The well-known types with a JSON form of their own that no file of the API imports; an Any may hold one.
WELL_KNOWN = ("google.protobuf.field_mask_pb2",)
# Imported by the API for its annotations; nothing on the wire has their types.
ANNOTATION_FILES = (
    "validate/",
    "google/api/annotations",
    "google/api/field_behavior",
    "google/api/http",
    "google/protobuf/descriptor.proto",
    "envoy/annotations/",
    "udpa/annotations/",
    "xds/annotations/",
)


def is_annotation(name: str) -> bool:
    return name.startswith(ANNOTATION_FILES)


def modules() -> Iterable[str]:
    """Every generated module of the packages that hold v3 (and the few unversioned) messages."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, root.__name__ + "."):
            if found.name.endswith("_pb2"):
                yield found.name


def strip_message(message: descriptor_pb2.DescriptorProto) -> None:
    """Drop options, but keep the map-entry mark: proto3 JSON prints such messages as objects."""
    map_entry = message.options.map_entry
    message.ClearField("options")
    message.ClearField("extension")
    if map_entry:
        message.options.map_entry = True
    for field in message.field:
        packed = field.options.HasField("packed") and not field.options.packed
        field.ClearField("options")
        if packed:
            field.options.packed = False
    for oneof in message.oneof_decl:
        oneof.ClearField("options")
    for enum in message.enum_type:
        strip_enum(enum)
    for nested in message.nested_type:
        strip_message(nested)


def strip_enum(enum: descriptor_pb2.EnumDescriptorProto) -> None:
    alias = enum.options.allow_alias
    enum.ClearField("options")
    if alias:
        enum.options.allow_alias = True
    for value in enum.value:
        value.ClearField("options")


def strip_file(file: descriptor_pb2.FileDescriptorProto) -> None:
    for part in ("options", "extension", "source_code_info", "service", "public_dependency", "weak_dependency"):
        file.ClearField(part)
    kept = [name for name in file.dependency if not is_annotation(name)]
    del file.dependency[:]
    file.dependency.extend(kept)
    for message in file.message_type:
        strip_message(message)
    for enum in file.enum_type:
        strip_enum(enum)


def main() -> None:
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(descriptor) -> None:
        if descriptor.name in files or is_annotation(descriptor.name):
            return
        for dependency in descriptor.dependencies:
            add(dependency)
        file = descriptor_pb2.FileDescriptorProto()
        descriptor.CopyToProto(file)
        strip_file(file)
        files[descriptor.name] = file

    for name in sorted([*modules(), *WELL_KNOWN]):
        add(importlib.import_module(name).DESCRIPTOR)
    with open(sys.argv[1], "wb") as out:
        out.write(descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
