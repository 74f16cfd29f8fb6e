"""Resources and snapshots."""

import gc
import json

import pytest
from conftest import POLICY, cluster
from envoy.config.cluster.v3 import cluster_pb2

import egress
from egress import CLUSTER, ENDPOINT, LISTENER, Resource, Snapshot


def test_resource_is_what_it_was_made_from() -> None:
    message = cluster_pb2.Cluster(name="one", alt_stat_name="größe")
    resource = Resource(CLUSTER, "one", message.SerializeToString())
    assert (resource.type_url, resource.name) == (CLUSTER, "one")
    assert resource.data == message.SerializeToString()
    assert json.loads(resource.json()) == {"@type": CLUSTER, "name": "one", "altStatName": "größe"}
    assert "one" in repr(resource)


def test_resource_equality_is_that_of_its_content() -> None:
    assert cluster("a") == cluster("a")
    assert len({cluster("a"), cluster("a"), cluster("a", "x"), cluster("b")}) == 3
    assert cluster("a") != "a"
    assert len(cluster("a").version) == 32


def test_resource_with_a_time_to_live() -> None:
    lasting = cluster("a")
    short = lasting.with_ttl(2.5)
    assert (lasting.ttl, short.ttl, short.with_ttl(None).ttl) == (None, 2.5, None)
    assert (short.name, short.data) == (lasting.name, lasting.data)
    assert short != lasting == short.with_ttl(None)
    for seconds in (0, 0.9, -1, 4294968):
        with pytest.raises(ValueError, match="1 to 4294967 seconds"):
            lasting.with_ttl(seconds)


def test_resource_with_aliases() -> None:
    plain = cluster("a")
    named = plain.with_aliases(["y", "x"])
    assert (plain.aliases, named.aliases, named.name) == ((), ("x", "y"), "a")
    assert named.with_aliases(()) == plain != named
    assert named.with_ttl(2).aliases == ("x", "y")
    for aliases in (["x", "x"], ["*"], [""]):
        with pytest.raises(ValueError):
            plain.with_aliases(aliases)
    with pytest.raises(egress.ResourceError, match="^x: ") as caught:
        Snapshot.build([named, cluster("x")])
    assert caught.value.code is egress.Code.ECLASH


def test_error_in_the_place_of_a_resource() -> None:
    error = Resource.failed(CLUSTER, "a", 5, "größe")
    assert (error.type_url, error.name, error.data, error.error) == (CLUSTER, "a", b"", (5, "größe"))
    assert cluster("a").error is None
    assert error != Resource.failed(CLUSTER, "a", 7, "größe")
    assert [resource.error for resource in Snapshot.build([error])] == [(5, "größe")]
    for name, code in (("*", 5), ("a", 0), ("a", 17)):
        with pytest.raises(ValueError):
            Resource.failed(CLUSTER, name, code, "")


def test_resource_from_text() -> None:
    text = f'{{"@type": "{CLUSTER}", "name": "größe", "connectTimeout": "1.5s"}}'
    resource = Resource.from_json(text)
    assert (resource.type_url, resource.name) == (CLUSTER, "größe")
    message = cluster_pb2.Cluster.FromString(resource.data)
    assert message.connect_timeout.ToMilliseconds() == 1500
    assert Resource.from_json(resource.json()) == resource
    assert Resource.from_json(text.encode()) == resource
    assert Resource.from_yaml(f"name: größe\nconnect_timeout: 1.5s\n'@type': {CLUSTER}\n") == resource
    assert Resource.from_json(text, name="other").name == "other"


def test_resource_from_bad_text() -> None:
    with pytest.raises(egress.ResourceError) as caught:
        Resource.from_json(f'{{"@type": "{CLUSTER}", "name": "a",\n"tpye": 1, "connectTimeout": 5}}', file="a.json")
    assert caught.value.code is egress.Code.ERESOURCE
    assert [(item.file, item.line, item.column) for item in caught.value.diagnostics] == [
        ("a.json", 2, 1),
        ("a.json", 2, 30),
    ]
    assert "did you mean `type`?" in str(caught.value)
    with pytest.raises(egress.ResourceError) as caught:
        Resource.from_yaml("a: [")
    assert caught.value.code is egress.Code.ESYNTAX
    with pytest.raises(egress.ResourceError):
        Resource.from_json('"\ud800"')
    with pytest.raises(ValueError):
        Resource.from_json(f'{{"@type": "{CLUSTER}"}}', name="")


@pytest.mark.parametrize("type_url, name", [("", "a"), (CLUSTER, ""), ("x" * 256, "a"), (CLUSTER, "a\0b")])
def test_resource_without_type_or_name_is_a_value_error(type_url: str, name: str) -> None:
    with pytest.raises(ValueError):
        Resource(type_url, name, b"")


@pytest.mark.parametrize("data", [0, 5, "text", None, [10, 1]])
def test_resource_of_no_bytes_is_a_type_error(data: object) -> None:
    with pytest.raises(TypeError):
        Resource(CLUSTER, "a", data)  # type: ignore[arg-type]


def test_resource_that_is_no_message() -> None:
    with pytest.raises(egress.ResourceError) as caught:
        Resource(CLUSTER, "broken", b"\x0a\x7f")
    assert caught.value.code is egress.Code.EWIRE
    assert "broken" in str(caught.value)


def test_resource_of_a_type_that_envoy_does_not_have() -> None:
    resource = Resource("type.example.com/my.Thing", "mine", b"")
    with pytest.raises(egress.ResourceError) as caught:
        resource.json()
    assert caught.value.code is egress.Code.ENOENT


def test_build_sorts_and_replaces() -> None:
    snapshot = Snapshot.build([cluster("b"), cluster("a"), cluster("b", "later")])
    assert [resource.name for resource in snapshot] == ["a", "b"]
    assert snapshot.find(CLUSTER, "b") == cluster("b", "later")
    assert snapshot.find(CLUSTER, "c") is None
    assert len(snapshot) == 2
    assert [item["name"] for item in json.loads(snapshot.json())] == ["a", "b"]


def test_build_from_a_base() -> None:
    base = Snapshot.build([cluster("a"), cluster("b")])
    changed = Snapshot.build([cluster("c")], base=base, remove=[(CLUSTER, "a")])
    assert [resource.name for resource in changed] == ["b", "c"]
    assert [resource.name for resource in base] == ["a", "b"]
    with pytest.raises(egress.ResourceError) as caught:
        Snapshot.build(base=base, remove=[(CLUSTER, "nobody")])
    assert caught.value.code is egress.Code.ENOENT and "nobody" in str(caught.value)


def test_equal_content_is_an_equal_snapshot() -> None:
    one, same = (Snapshot.build([cluster("a"), cluster("b")]) for _ in range(2))
    assert one == same and hash(one) == hash(same)
    assert one != Snapshot.build([cluster("a")])
    assert one.versions.keys() == {CLUSTER}


def test_labels_are_told_and_say_nothing_of_the_content() -> None:
    plain = Snapshot.build([cluster("a"), Resource(ENDPOINT, "a", b"")])
    assert plain.labels == plain.versions
    one = Snapshot.build(base=plain, label="v1", labels={ENDPOINT: "e1"})
    assert one.labels == {CLUSTER: "v1", ENDPOINT: "e1"}
    assert one.versions == plain.versions and one == plain
    two = Snapshot.build([cluster("b")], base=one)
    assert two.labels == {CLUSTER: two.versions[CLUSTER], ENDPOINT: "e1"}
    three = Snapshot.build([cluster("c")], base=one, labels={CLUSTER: "v3", ENDPOINT: None})
    assert three.labels == {CLUSTER: "v3", ENDPOINT: plain.versions[ENDPOINT]}


@pytest.mark.parametrize("label", ["", "v" * 256])
def test_label_that_is_none(label: str) -> None:
    with pytest.raises(ValueError):
        Snapshot.build(label=label)
    with pytest.raises(ValueError):
        Snapshot.build(labels={CLUSTER: label})


def test_empty_snapshot() -> None:
    empty = Snapshot.build()
    assert list(empty) == [] and len(empty) == 0 and empty.versions == {} and empty.json() == "[]"


def test_snapshot_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        Snapshot()


def test_what_dangles() -> None:
    eds = cluster_pb2.Cluster(name="needs-endpoints", type=cluster_pb2.Cluster.EDS)
    eds.eds_cluster_config.eds_config.ads.SetInParent()
    needy = Resource(CLUSTER, eds.name, eds.SerializeToString())
    found = Snapshot.build([cluster("a"), needy]).dangling()
    gc.collect()
    assert found == (egress.Dangling(needy, ENDPOINT, "needs-endpoints"),)
    assert Snapshot.build([cluster("a")]).dangling() == ()
    with pytest.raises(egress.ResourceError) as caught:
        Snapshot.build([Resource(egress.ROUTE, "r", b"\x12\x01\x08")]).dangling()
    assert caught.value.code is egress.Code.EWIRE


def test_compiled_snapshot() -> None:
    policy = egress.Policy(POLICY)
    snapshot = policy.compile(explicit="127.0.0.1:3128", sni="127.0.0.1:8443", skip_unsupported=True)
    assert {resource.name for resource in snapshot.of_type(LISTENER)} == {"egress_explicit", "egress_sni"}
    again = policy.compile(explicit="127.0.0.1:3128", sni="127.0.0.1:8443", skip_unsupported=True)
    assert snapshot == again
    assert snapshot.dangling() == ()
    types = [item["@type"] for item in json.loads(snapshot.json())]
    assert LISTENER in types and len(types) == len(snapshot)


def test_compile_skips_with_a_warning_what_a_listener_cannot_express() -> None:
    policy = egress.Policy(
        "version: egress/v1\nrules:\n  - {name: odd, to: [a.example.com], ports: [8443], protocol: tls}\n", "odd.yaml"
    )
    with pytest.raises(egress.PolicyError) as caught:
        policy.compile(sni="127.0.0.1:8443")
    assert caught.value.code is egress.Code.EUNSUPPORTED
    assert (caught.value.diagnostics[0].file, caught.value.diagnostics[0].line) == ("odd.yaml", 3)
    warned = policy.compile(sni="127.0.0.1:8443", skip_unsupported=True).diagnostics
    assert warned and warned[0].severity == "warning" and warned[0].line == 3


def test_history_takes_the_place_of_previous() -> None:
    def rules(*hosts: str) -> egress.Policy:
        return egress.Policy(f"version: egress/v1\nrules:\n  - {{name: a, to: [{', '.join(hosts)}]}}\n")

    wide = rules("x.test", "y.test").compile(sni="127.0.0.1:8443")
    known = rules("x.test").compile(sni="127.0.0.1:8443", previous=wide)
    assert rules("x.test").compile(sni="127.0.0.1:8443", history=wide.history()) == known
    assert rules("x.test").compile(sni="127.0.0.1:8443") != known
    with pytest.raises(egress.ArgumentError) as caught:
        rules("x.test").compile(sni="127.0.0.1:8443", history="nothing")
    assert caught.value.diagnostics[0].file == "history"
    with pytest.raises(egress.ArgumentError):
        Snapshot.build([]).history()


def test_parts_outlive_the_whole() -> None:
    snapshot = Snapshot.build([cluster(f"c{number}") for number in range(50)])
    resources = list(snapshot)
    del snapshot
    gc.collect()
    assert [resource.data for resource in resources][0] == cluster("c0").data
    policy = egress.Policy(POLICY)
    decision = policy.decide("10.0.0.1", "api.payments.example")
    compiled = policy.compile(explicit="127.0.0.1:3128", skip_unsupported=True)
    del policy
    gc.collect()
    assert decision.rule == "billing-payments"
    newer = egress.Policy(POLICY).compile(explicit="127.0.0.1:3128", skip_unsupported=True, previous=compiled)
    del compiled
    gc.collect()
    assert len(newer) > 0


def test_what_nobody_refers_to() -> None:
    found = Snapshot.build([cluster("a"), cluster("b")]).unused()
    assert [resource.name for resource in found] == ["a", "b"]
    assert list(Snapshot.build().unused()) == []
