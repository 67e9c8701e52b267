import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.store.errors import InvalidOutputPathError, StoreConfigurationError
from serviceexecution.store.keys import ExecutionKeys, check_output_path, encode_output_path

SAFE = set(string.ascii_letters + string.digits + "-_.=+,@!/")
names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60).filter(
    lambda name: name not in {".", ".."}
)
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@given(paths, paths)
def test_different_paths_have_different_keys(one, other):
    assert (encode_output_path(one) == encode_output_path(other)) == (one == other)


@given(paths)
def test_keys_hold_only_what_every_store_keeps(path):
    key = encode_output_path(path)
    assert set(key) <= SAFE
    assert len(key) <= 700
    assert all(part and not part.startswith(".") and len(part) <= 200 for part in key.split("/"))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("output.json", "output.json"),
        ("plots/Fig_1.png", "plots/Fig_1.png"),
        ("a b#1", "a!20b!231"),
        ("%41", "!2541"),
        ("new\nline", "new!0Aline"),
        (".hidden", "!2Ehidden"),
        ("...", "!2E.."),
        ("back\\slash", "back!5Cslash"),
        ("!", "!21"),
        ("u\u0308", "u!CC!88"),
        ("\u00fc", "!C3!BC"),
    ],
)
def test_paths_have_readable_keys(path, key):
    assert encode_output_path(path) == key


def test_long_names_and_paths_are_hashed():
    assert encode_output_path("n" * 255).startswith("!!")
    assert encode_output_path("n" * 200) == "n" * 200
    assert encode_output_path("d/" * 100 + "f").startswith("!!")
    assert encode_output_path("/".join(["x" * 150] * 6)) != encode_output_path("/".join(["x" * 150] * 7))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/abs",
        "a//b",
        "a/",
        "..",
        "a/../b",
        "./a",
        "a/.",
        "nul\0",
        "\udc80",
        "n" * 256,
        "d/" * 128 + "f",
        "/".join(["p" * 250] * 17),
    ],
)
def test_bad_paths_are_refused(path):
    with pytest.raises(InvalidOutputPathError):
        check_output_path(path)


@pytest.mark.parametrize("bad", ["", "..", "a/b", "!tombstones", "a\n", ".a"])
def test_keys_take_only_plain_namespaces_and_uids(bad):
    with pytest.raises(StoreConfigurationError):
        ExecutionKeys("cluster", bad, "uid")
    with pytest.raises(StoreConfigurationError):
        ExecutionKeys("cluster", "namespace", bad)


def test_each_attempt_has_its_own_output_and_log():
    first = ExecutionKeys("c", "ns", "u")
    second = ExecutionKeys("c", "ns", "u", 2)
    assert first.output("a") == "c/ns/u/output/a"
    assert second.output("a") == "c/ns/u/output-2/a"
    assert first.log_chunk(1) == "c/ns/u/log/00000001"
    assert second.log_chunk(1) == "c/ns/u/log-2/00000001"
    assert first.manifest == second.manifest == "c/ns/u/manifest.json"
