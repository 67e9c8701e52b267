"""manifests/samples/README.md: what each sample shows, from the first sentence of its comment."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools import ROOT
from tools.errors import GenerationError

SAMPLES: Final = "manifests/samples"
_HEADER: Final = """\
<!-- Generated from the samples' comments by `make generate`; do not edit. -->
# Samples

Each runs as it is, `kubectl apply -f <file>`, in any namespace in which the operator watches; its comment says what to
look at then. The images are public and named by a fixed tag.

| Sample | What it shows |
| --- | --- |
"""


def read_samples() -> dict[str, str]:
    """Return name → text of every sample."""
    return {path.stem: path.read_text() for path in sorted(Path(ROOT, SAMPLES).glob("*.yaml"))}


def samples_index(samples: Mapping[str, str]) -> str:
    """Return the text of the README. Raises GenerationError for a sample without a leading comment."""
    rows = [f"| [{name}]({name}.yaml) | {_first_sentence(name, text)} |\n" for name, text in samples.items()]
    return _HEADER + "".join(rows)


def _first_sentence(name: str, text: str) -> str:
    comment = re.match(r"(?:# .*\n)+", text)
    if comment is None:
        raise GenerationError(f"{SAMPLES}/{name}.yaml: begin with a comment that says what it shows")
    words = " ".join(line.removeprefix("#").strip() for line in comment.group().splitlines())
    sentence = re.match(r".*?\.(?=\s|$)", words)
    return words.rstrip(":") + "." if sentence is None else sentence.group()
