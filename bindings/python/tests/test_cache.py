"""The cache as a mapping."""

import gc

import pytest
from conftest import cluster

import egress
from egress import Cache, OnNack, Snapshot, Trial


def test_cache_is_a_mapping() -> None:
    cache = Cache()
    one, two = Snapshot.build([cluster("a")]), Snapshot.build([cluster("b")])
    cache["*"] = one
    cache["öst"] = two
    assert cache["*"] == one and cache["öst"] == two
    assert "öst" in cache and "west" not in cache and 7 not in cache
    assert cache.get("west") is None
    with pytest.raises(KeyError):
        cache["west"]
    del cache["öst"]
    with pytest.raises(KeyError):
        del cache["öst"]
    assert cache["*"] == one


@pytest.mark.parametrize("group", ["", "x" * 256, "é" * 128])
def test_group_without_a_proper_name_is_told_what_a_name_is(group: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 bytes of UTF-8"):
        Cache()[group] = Snapshot.build()


def test_group_with_a_nul_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        Cache()["a\0b"] = Snapshot.build()


def test_cache_takes_snapshots_only() -> None:
    with pytest.raises((TypeError, AttributeError)):
        Cache()["*"] = "snapshot"  # type: ignore[assignment]


def test_snapshot_outlives_its_cache() -> None:
    cache = Cache()
    cache["*"] = Snapshot.build([cluster("a")])
    kept = cache["*"]
    cache["*"] = Snapshot.build([cluster("b")])
    del cache
    gc.collect()
    assert [resource.name for resource in kept] == ["a"]


def test_nobody_waits_for_an_answer() -> None:
    assert not Cache(answer=1.5).absent("g", egress.CLUSTER, "a")
    for seconds in (0, -1, 1e9):
        with pytest.raises(ValueError, match="0.001 to 4294967 seconds"):
            Cache(answer=seconds)


def test_trial_is_set_and_cleared() -> None:
    cache = Cache()
    cache["g"] = Snapshot.build([cluster("a")])
    assert cache.trial("g") is Trial.NONE and cache.good("g") is None
    cache.set_trial("*", OnNack.HOLD, rollout_percent=10, soak_ms=1000)
    assert cache.trial("g") is Trial.OPEN and cache.good("g") is None
    cache.set_trial("g", OnNack.NOTHING)
    assert cache.trial("g") is Trial.NONE
    cache.clear_trial("g")
    assert cache.trial("g") is Trial.OPEN
    with pytest.raises(ValueError, match="percent"):
        cache.set_trial("g", OnNack.HOLD, good_percent=101)
    with pytest.raises(ValueError, match="needs"):
        cache.set_trial("g", OnNack.NOTHING, rollout_percent=1)
    with pytest.raises(ValueError, match="1 to 255 bytes"):
        cache.set_trial("", OnNack.HOLD)


def test_exported_names_exist() -> None:
    assert all(hasattr(egress, name) for name in egress.__all__)
    assert egress.__version__ == "0.1.0"
