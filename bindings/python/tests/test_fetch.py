"""xDS over REST, without the HTTP."""

import gc
import json
from typing import Any

import pytest
from conftest import cluster

import egress
from egress import CLUSTER, Cache, Code, Fetch, ResourceError, Snapshot

SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"


def asking(**members: Any) -> str:
    return json.dumps({"node": {"id": "öst"}, **members})


def test_c81_fetch_answers_what_is_new_to_the_client() -> None:
    cache = Cache()
    cache["öst"] = Snapshot.build([cluster("a"), cluster("b")])
    fetch = Fetch(cache, identifier="me")
    answer = fetch.answer(CLUSTER, asking(resource_names=["a"]))
    assert answer is not None
    told = json.loads(answer)
    assert [resource["name"] for resource in told["resources"]] == ["a"]
    assert told["controlPlane"] == {"identifier": "me"}
    version = told["versionInfo"]
    assert fetch.answer(CLUSTER, asking(resource_names=["a"], version_info=version).encode()) is None
    assert fetch.answer(CLUSTER, asking(resource_names=["a", "b"], version_info=version)) is not None


def test_c81_fetch_without_an_answer_says_why() -> None:
    cache = Cache()
    fetch = Fetch(cache)
    refused = {
        ("{", CLUSTER): Code.ESYNTAX,
        ('{"node": 7}', CLUSTER): Code.ERESOURCE,
        (asking(), CLUSTER): Code.ENOENT,
        (asking(), SECRET): Code.EDENIED,
    }
    for (request, type_url), code in refused.items():
        with pytest.raises(ResourceError) as caught:
            fetch.answer(type_url, request)
        assert caught.value.code is code and caught.value.diagnostics
    cache["*"] = Snapshot.build([cluster("a")])
    assert Fetch(cache, secrets=True).answer(SECRET, asking()) is not None


def test_c81_paths_of_rest_have_types() -> None:
    assert egress.fetch_type_url("/v3/discovery:clusters") == CLUSTER
    assert egress.fetch_type_url("/v3/discovery:nothing") is None


def test_identifier_of_fetch_is_checked() -> None:
    with pytest.raises(ValueError, match="identifier"):
        Fetch(Cache(), identifier="x" * 256)


def test_fetch_outlives_its_cache() -> None:
    cache = Cache()
    cache["*"] = Snapshot.build([cluster("a")])
    fetch = Fetch(cache)
    del cache
    gc.collect()
    assert fetch.answer(CLUSTER, asking()) is not None
