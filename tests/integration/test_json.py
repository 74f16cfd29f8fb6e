"""Random messages of every type of the v3 API, printed by egress_resource_json and by Python's protobuf: no difference.

The seed is printed with a failure; ``EGRESS_SEED`` runs it again. ``EGRESS_JSON_ROUNDS``: messages made of each type.
"""

import json
import os
import random
from collections.abc import Iterator

import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from harness.messages import Maker, all_messages, convert

SEED = int(os.environ.get("EGRESS_SEED", random.SystemRandom().randrange(2**32)))
ROUNDS = int(os.environ.get("EGRESS_JSON_ROUNDS", "3"))


def cases(maker: Maker) -> Iterator[tuple[str, bytes]]:
    """Messages, and two in a row: bytes behind each other are one merged message."""
    for name in maker.names:
        descriptor = maker.messages[name]
        for _ in range(ROUNDS):
            yield name, maker.message(descriptor).SerializeToString()
        if not name.startswith("google.protobuf."):  # two valid ones may merge into an invalid Duration
            yield name, b"".join(maker.message(descriptor, 2).SerializeToString() for _ in range(2))


def print_all(inputs: list[tuple[str, bytes]]) -> list[tuple[int, str]]:
    answers = convert([("p", f"type.googleapis.com/{name}", data) for name, data in inputs])
    return [(code, text.decode()) for code, text in answers]


def expected(descriptor: Descriptor, name: str, data: bytes) -> object:
    message = message_factory.GetMessageClass(descriptor)()
    message.ParseFromString(data)
    value = json_format.MessageToDict(message)
    special = name in json_format._WKTJSONMETHODS or json_format._IsWrapperMessage(descriptor)
    return {"@type": f"type.googleapis.com/{name}", **({"value": value} if special else value)}


def same(got: object, want: object) -> bool:
    """Equal, where a whole number is the same with and without a point, but True is not 1."""
    if isinstance(got, dict) and isinstance(want, dict):
        return got.keys() == want.keys() and all(same(got[key], want[key]) for key in got)
    if isinstance(got, list) and isinstance(want, list):
        return len(got) == len(want) and all(map(same, got, want))
    return got == want and isinstance(got, bool) == isinstance(want, bool)


@pytest.fixture(scope="module")
def messages() -> dict[str, Descriptor]:
    return all_messages()


def expressible(messages: dict[str, Descriptor], name: str, data: bytes) -> bool:
    """Merging may have made a Duration that has no JSON form, or an Any of one type with the bytes of another."""
    try:
        expected(messages[name], name, data)
    except (TypeError, ValueError, DecodeError, json_format.SerializeToJsonError):
        return False
    return True


def test_prints_as_python_does(messages: dict[str, Descriptor]) -> None:
    inputs = [case for case in cases(Maker(messages, SEED)) if expressible(messages, *case)]
    assert len(messages) > 1500 and len(inputs) > 1500 * ROUNDS
    answers = print_all(inputs)
    for (name, data), (code, text) in zip(inputs, answers, strict=True):
        want = expected(messages[name], name, data)
        assert code == 0, f"EGRESS_SEED={SEED} {name} {data.hex()}: code {code}, expected {want}"
        assert same(json.loads(text), want), f"EGRESS_SEED={SEED} {name} {data.hex()}\n{text}\n{want}"


def test_indents_as_python_does() -> None:
    from envoy.config.cluster.v3.cluster_pb2 import Cluster

    cluster = Cluster(name="a", alt_stat_name="b")
    cluster.connect_timeout.FromMilliseconds(1500)
    cluster.load_assignment.cluster_name = "a"
    cluster.load_assignment.endpoints.add()
    name = "envoy.config.cluster.v3.Cluster"
    [(code, text)] = print_all([(name, cluster.SerializeToString())])
    # Python's json writes an empty object as {}, and members in the order of their numbers as MessageToDict gives them.
    assert code == 0
    assert text == json.dumps(expected(Cluster.DESCRIPTOR, name, cluster.SerializeToString()), indent=2)


def test_what_python_cannot_print() -> None:
    ten_thousand_years = b"\x08\xff\xff\xff\xff\xff\xff\x7f"
    any_of_nobody = b"\x0a\x07a.b/c.D" + b"\x12\x02\xff\x00"
    not_in_api, no_duration, opaque = print_all(
        [
            ("a.b.C", b""),
            ("google.protobuf.Duration", ten_thousand_years),
            ("google.protobuf.Any", any_of_nobody),
        ]
    )
    assert not_in_api == (-14, "")  # EGRESS_ENOENT
    assert no_duration == (-8, "")  # EGRESS_EWIRE
    assert opaque[0] == 0 and json.loads(opaque[1])["value"] == {"@type": "a.b/c.D", "value": "/wA="}
