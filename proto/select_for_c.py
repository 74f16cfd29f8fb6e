#!/usr/bin/env python3
"""Cut the descriptor set down to the files that libegress builds as C structs, and name them.

usage: select_for_c.py ALL.pb ROOTS.txt OUT.pb

ROOTS.txt names the files, a line each; what they import comes along. The chosen names are printed, for protoc-c.
"""

import sys

from google.protobuf import descriptor_pb2


def rename_base(message: descriptor_pb2.DescriptorProto) -> None:
    """protobuf-c calls the first member of every struct ``base``; a field of that name needs another one in C."""
    for field in message.field:
        if field.name == "base":
            field.name = "base_"
    for nested in message.nested_type:
        rename_base(nested)


def main() -> None:
    everything, roots, out = sys.argv[1:]
    with open(everything, "rb") as stream:
        files = {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(stream.read()).file}
    chosen: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(name: str) -> None:
        if name in chosen:
            return
        if name not in files:
            sys.exit(f"{everything} has no {name}: another version of the Envoy API?")
        for dependency in files[name].dependency:
            add(dependency)
        chosen[name] = files[name]

    with open(roots, encoding="utf-8") as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                add(line.strip())
    for file in chosen.values():
        for message in file.message_type:
            rename_base(message)
    with open(out, "wb") as stream:
        stream.write(descriptor_pb2.FileDescriptorSet(file=chosen.values()).SerializeToString(deterministic=True))
    print("\n".join(chosen))


if __name__ == "__main__":
    main()
