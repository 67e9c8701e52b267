import pytest

from serviceexecution.store.media_types import media_type_of


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("output.json", "application/json"),
        ("a.b/PLOT.PNG", "image/png"),
        ("a.json/data", "application/octet-stream"),
        (".json", "application/octet-stream"),
        ("x.", "application/octet-stream"),
        ("x.unknown", "application/octet-stream"),
        ("x.tar.gz", "application/gzip"),
    ],
)
def test_media_type_comes_from_the_last_extension(path, media_type):
    assert media_type_of(path) == media_type
