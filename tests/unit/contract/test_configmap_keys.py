"""Keys of the ConfigMap that carries the files."""

import re

from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract.input.configmap_keys import ConfigMapEntry, configmap_keys


def test_legal_names_are_their_own_keys() -> None:
    assert configmap_keys({"params": "1", "data": "{}"}) == (
        ConfigMapEntry("data", "data.json", "{}"),
        ConfigMapEntry("params", "params.json", "1"),
    )


def test_other_names_get_a_key_that_does_not_depend_on_the_rest() -> None:
    (alone,) = configmap_keys({"größe": "1"})
    assert alone.path == "größe.json"
    assert alone.key.startswith("property-")
    assert alone in configmap_keys({"größe": "1", "a b": "2", "c": "3"})


def test_a_property_named_like_a_made_up_key() -> None:
    (entry,) = configmap_keys({"größe": "1"})
    entries = configmap_keys({"größe": "1", entry.key: "2"})
    assert len({e.key for e in entries}) == 2
    assert {e.path: e.text for e in entries} == {"größe.json": "1", f"{entry.key}.json": "2"}


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.just("1")))
def test_keys_are_legal_unique_and_deterministic(properties: dict[str, str]) -> None:
    entries = configmap_keys(properties)
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(properties) == len(keys)
    assert all(re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key) for key in keys)
    assert entries == configmap_keys(dict(reversed(properties.items())))
