"""Which library runs a function."""

import sys
from typing import Dict, List, Optional, Union  # noqa: UP035 - as users write it

import pytest

from serviceexecution.launcher.library import (
    LibrariesMixedError,
    LibraryMissingError,
    installed_library,
    library_of,
)


def type_of(module: str) -> type:
    return type("SecretValue", (), {"__module__": module})


QHUB = type_of("qhub.commons.secret")
PLANQK = type_of("planqk.commons.datapool")


def function_with(*annotations: object):
    def run(**_: object) -> None:
        pass

    from inspect import Parameter, Signature  # noqa: PLC0415

    signature = Signature(
        [
            Parameter(f"p{number}", Parameter.KEYWORD_ONLY, annotation=annotation)
            for number, annotation in enumerate(annotations)
        ]
    )
    setattr(run, "__signature__", signature)  # noqa: B010 - functions have no such member for a type checker
    return run


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ((dict, PLANQK), "planqk"),
        ((QHUB,), "qhub"),
        ((Optional[PLANQK],), "planqk"),  # noqa: UP045
        ((PLANQK | None,), "planqk"),
        ((List[Dict[str, Union[int, QHUB]]],), "qhub"),  # type: ignore[valid-type]  # noqa: UP006, UP007
        ((dict, "planqk.commons.secret.SecretValue"), "qhub"),
        ((), "qhub"),
    ],
)
def test_the_library_of_the_annotations(annotations, expected) -> None:
    found = library_of(function_with(*annotations), installed="qhub", modules_before=set(sys.modules))
    assert found == expected


def test_types_of_both_libraries_are_refused() -> None:
    with pytest.raises(LibrariesMixedError, match="import SecretValue and DataPool from one of them"):
        library_of(function_with(QHUB, PLANQK), installed="qhub", modules_before=set(sys.modules))


def test_the_library_that_the_project_imports(module) -> None:
    before = set(sys.modules)
    module("planqk.commons.runtime.output")
    assert library_of(function_with(dict), installed="qhub", modules_before=before) == "planqk"
    module("qhub.commons.runtime.error")
    assert library_of(function_with(dict), installed="qhub", modules_before=before) == "qhub"


def test_a_function_without_a_signature() -> None:
    assert library_of(dict.fromkeys, installed="planqk", modules_before=set(sys.modules)) == "planqk"


def test_the_newest_installed_library_is_found(library) -> None:
    with pytest.raises(LibraryMissingError, match=r"requirements\.txt"):
        installed_library()
    library("planqk", lambda _: 0)
    assert installed_library() == "planqk"
    library("qhub", lambda _: 0)
    assert installed_library() == "qhub"


def test_a_library_that_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError("No module named 'loguru'", name="loguru")

    monkeypatch.setattr("serviceexecution.launcher.library.import_module", import_module)
    with pytest.raises(ModuleNotFoundError, match="loguru"):
        installed_library()
