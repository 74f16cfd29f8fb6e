"""Random messages of every type of the v3 API: what Python's protobuf prints, and damages of it, read by both.

The seed is printed with a failure; ``EGRESS_SEED`` runs it again. ``EGRESS_LONG=1`` tries ten times as many.
"""

import json
import os
import random
import re
from collections.abc import Iterator

import pytest
import yaml
from google.protobuf import any_pb2, json_format, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from harness.messages import Maker, all_messages, convert

SEED = int(os.environ.get("EGRESS_SEED", random.SystemRandom().randrange(2**32)))
LONG = os.environ.get("EGRESS_LONG") == "1"
ROUNDS = 20 if LONG else 2
DAMAGES = 10 if LONG else 1
URL = "type.googleapis.com/"

Case = tuple[str, Message, object]


@pytest.fixture(scope="module")
def messages() -> dict[str, Descriptor]:
    return all_messages()


def is_special(descriptor: Descriptor) -> bool:
    return descriptor.full_name in json_format._WKTJSONMETHODS or json_format._IsWrapperMessage(descriptor)


def as_any(message: Message, **options: bool) -> dict[str, object]:
    """What Python prints, with the type in front as a resource has it."""
    value = json_format.MessageToDict(message, **options)
    inner = {"value": value} if is_special(message.DESCRIPTOR) else value
    return {"@type": URL + message.DESCRIPTOR.full_name, **inner}


def cases(messages: dict[str, Descriptor], rounds: int = ROUNDS) -> Iterator[Case]:
    maker = Maker(messages, SEED)
    for name in maker.names:
        for _ in range(rounds):
            message = maker.message(messages[name])
            names, numbers = maker.random.random() < 0.3, maker.random.random() < 0.3
            yield name, message, as_any(message, preserving_proto_field_name=names, use_integers_for_enums=numbers)


def shuffled(value: object, r: random.Random) -> object:
    """The same content with the members of every object in another order."""
    if isinstance(value, dict):
        keys = r.sample(list(value), len(value))
        return {key: shuffled(value[key], r) for key in keys}
    return [shuffled(item, r) for item in value] if isinstance(value, list) else value


def has_any(message: Message) -> bool:
    """An Any holds bytes, in which Python has the entries of maps in no order."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        return True
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not field.is_repeated:
            inner = [value]
        elif not field.message_type.GetOptions().map_entry:
            inner = list(value)
        else:
            inner = [value[key] for key in value if field.message_type.fields_by_name["value"].message_type]
        if any(has_any(item) for item in inner):
            return True
    return False


def parsed(message: Message, data: bytes) -> Message:
    made = message_factory.GetMessageClass(message.DESCRIPTOR)()
    made.ParseFromString(data)
    return made


def dumped(value: object) -> str:
    """Entries of a map have no order."""
    return json.dumps(value, sort_keys=True)


def check_content(name: str, message: Message, text: str, code: int, data: bytes) -> None:
    about = f"EGRESS_SEED={SEED} {name}\n{text}\n"
    assert code == 0, about + data.decode()
    if not has_any(message):  # Python sorts keys of 64 bits in an order of its own
        theirs = parsed(message, read_any(text).value)  # not `message`: a Value of nothing is read as null
        want = theirs.SerializeToString(deterministic=True)
        assert len(data) == len(want) and parsed(message, data).SerializeToString(deterministic=True) == want, about
    # NaN is not equal to itself, so what is printed is compared.
    assert dumped(as_any(parsed(message, data))) == dumped(as_any(message)), about


def test_reads_what_python_prints(messages: dict[str, Descriptor]) -> None:
    made = list(cases(messages))
    assert len(messages) > 1500 and len(made) >= 1500 * ROUNDS
    texts = [json.dumps(value) for _, _, value in made]
    answers = convert([("j", "name", text.encode()) for text in texts])
    for (name, message, _), text, (code, data) in zip(made, texts, answers, strict=True):
        check_content(name, message, text, code, data)
    # And back: our own text is read to the same bytes, and is what Python prints.
    printed = convert([("p", URL + name, data) for (name, _, _), (_, data) in zip(made, answers, strict=True)])
    again = convert([("j", "name", text) for _, text in printed])
    for (name, message, _), (_, data), (code, text), back in zip(made, answers, printed, again, strict=True):
        about = f"EGRESS_SEED={SEED} {name} {data.hex()}\n{text.decode()}"
        assert code == 0 and back == (0, data), about
        theirs = read_any(dumped(as_any(message)))
        assert dumped(json_format.MessageToDict(read_any(text.decode()))) == dumped(
            json_format.MessageToDict(theirs)
        ), about


def read_any(text: str) -> Message:
    """What Python reads; it takes what is too large for float by a rounding error, but only in quotes."""
    made = any_pb2.Any()
    json_format.Parse(re.sub(r"(?<=[ \[])(-?3\.4028235e\+38)(?=[,\s\]}])", r'"\1"', text), made)
    return made


def test_order_of_members_does_not_matter(messages: dict[str, Descriptor]) -> None:
    r = random.Random(SEED)
    made = [value for _, _, value in cases(messages, 1)]
    straight = convert([("j", "name", json.dumps(value).encode()) for value in made])
    turned = convert([("j", "name", json.dumps(shuffled(value, r)).encode()) for value in made])
    for value, one, other in zip(made, straight, turned, strict=True):
        assert one[0] == 0 and one == other, f"EGRESS_SEED={SEED} {value}"


def as_yaml_flow(value: object) -> bytes:
    """JSON, where the characters are escaped that YAML does not take, or takes for the end of a line, and no others."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f\x85\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def as_yaml_block(value: object) -> bytes:
    return yaml.safe_dump(json.loads(json.dumps(value)), allow_unicode=True).encode()


def test_yaml_says_the_same(messages: dict[str, Descriptor]) -> None:
    made = [value for _, _, value in cases(messages, 1)]
    want = convert([("j", "name", json.dumps(value).encode()) for value in made])
    flow = convert([("y", "name", as_yaml_flow(value)) for value in made])
    block = convert([("y", "name", as_yaml_block(value)) for value in made])
    for value, one, two, three in zip(made, want, flow, block, strict=True):
        assert one[0] == 0 and one == two, f"EGRESS_SEED={SEED} {value}\n{two}"
        assert one == three, f"EGRESS_SEED={SEED} {value}\n{as_yaml_block(value)}\n{three}"


# ---- damages ----

WRONG = [None, True, False, 0, 1, -1, 1.5, 1e3, 2**31, 2**63, 2**64, -(2**31) - 1, -(2**63) - 1, "", "x", "1", "-7",
         "1.0", "1e2", "2.5", "NaN", "Infinity", "-Infinity", "true", "1s", "-0.5s", "2026-01-31T12:00:00Z", "aGk=",
         "aGk", "_-8", "fooBar,baz", [], {}, [None], [1], ["x"], [{}], {"a": None}, {"1": 1}, {"true": True}]  # fmt: skip


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Paths of all that stands inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


def damaged_value(value: object, r: random.Random) -> object:
    """Something in it gone, of a wrong type, under a wrong name, or beside what it cannot stand beside."""
    value = json.loads(json.dumps(value))
    paths = [path for path in places(value) if path != ("@type",)]
    if not paths:
        return value
    *way, key = r.choice(paths)
    holder = value
    for step in way:
        holder = holder[step]
    kind = r.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[r.choice(["x", "name", "value", "typedConfig", str(key).upper()])] = holder[key]
    else:
        holder[key] = r.choice(WRONG)
    return value


def damaged_text(text: str, r: random.Random) -> str:
    at = r.randrange(len(text))
    kind = r.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + r.choice('{}[]:,"\\u0123456789eE+-.tfn \n\t\x01/aZ_') + text[at:]
    if kind == 2:
        return text[:at] + r.choice('{}[]:,"\\0189e-. aZ_') + text[at + 1 :]
    return text[:at]


# Where Python takes more than the format has: see docs/resources.md. Our own words, and what they are about.
STRICTER = [
    r"must be bytes in base64",  # other characters are passed over, and any padding is fine
    r"must be a time such as",  # single digits, offsets of any size
    r"must be a duration of",  # `1.s`, `+1s`, ten digits behind the point
    r"must be (a whole number|a number), not (\"|true|false)",  # `"+1"`, `"1_0"`, `" 1"`, `"inf"`, and true for 1.0
    r"must be the name or the number of an enum value, not (true|false)",
    r"must be a whole number, not -?[0-9.eE+-]+",  # an enum 1.5 is cut to 1
    r"is \"[^\"]*\", which is no value of",  # an enum "1", in quotes
    r"must be an object, not (\"\"|a list)",  # a message that has no members anyhow
    r"is the same field as",
    r"has the key .* twice",
    r"is null, which cannot stand in a list",  # of NullValue
    r"cannot stand here: .* is written as `value`",
    r"must be a type URL such as",  # without a slash
    r"is larger than any number of its type",  # in quotes
    r"cannot stand beside",  # nullValue: null beside another member
    r"needs an `@type` of at most",
    r"paths in camel case",  # letters outside ASCII
    r"expected a value, not `-?(NaN|Infinity)`",
]
# Where Python takes less.
LAXER = [
    r"Float value too (large|small)",  # the largest float, rounded up to what prints shortest
    r"Message too deep",
    r"Invalid control character",
    r"out of range: 18446744073709551616",
]


def python_says(text: str) -> str | None:
    """What is wrong with the text; None: nothing."""
    made = any_pb2.Any()
    try:
        json_format.Parse(text, made)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as refused:
        return str(refused) or type(refused).__name__
    return None


def listed(patterns: list[str], said: str) -> bool:
    return any(re.search(pattern, said) for pattern in patterns)


def test_damages_are_refused_as_python_does(messages: dict[str, Descriptor]) -> None:
    r = random.Random(SEED)
    texts = []
    for name, _, value in cases(messages, 1):
        for _ in range(DAMAGES):
            texts.append((name, json.dumps(damaged_value(value, r))))
            texts.append((name, damaged_text(json.dumps(value), r)))
    answers = convert([("j", "name", text.encode()) for _, text in texts])
    refused = 0
    for (name, text), (code, data) in zip(texts, answers, strict=True):
        theirs = python_says(text)
        about = f"EGRESS_SEED={SEED} {name}\n{text}\nPython: {theirs}\nours: {code} {data!r}"
        refused += code != 0
        if code == 0 and theirs is not None:
            assert listed(LAXER, theirs), about
        elif code != 0 and theirs is None:
            said = data.decode().rstrip("\n").split("\n")
            assert all(listed(STRICTER, line) for line in said), about
    assert len(texts) * 0.4 < refused < len(texts), f"EGRESS_SEED={SEED}: {refused} of {len(texts)}"
