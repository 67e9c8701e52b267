"""Names the bases of an image by digest: ``python3 -m tools.base_digests CONTAINERFILE [NAME=IMAGE …]``.

Most Containerfiles here name theirs so already. What a Containerfile or an argument names by a tag is asked of its
registry when a release is built, with ``docker buildx imagetools inspect``. One ``NAME=IMAGE@sha256:…`` is printed for
each argument of the build that is needed, so that what was built on is in its command and its provenance.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

_ARGUMENT: Final = re.compile(r"^ARG (\w+)=(\S+)$", re.MULTILINE)
_BASE: Final = re.compile(r"^FROM \$\{(\w+)\}", re.MULTILINE)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SECONDS: Final = 120


def bases(containerfile: str) -> dict[str, str]:
    """Return the arguments of the build that name bases, and what each names by default. Pure."""
    defaults = dict(_ARGUMENT.findall(containerfile))
    return {name: defaults[name] for name in _BASE.findall(containerfile)}


def is_pinned(image: str) -> bool:
    """Tell whether a reference names its digest. Pure."""
    _, at, digest = image.rpartition("@")
    return bool(at) and _DIGEST.fullmatch(digest) is not None


def arguments(containerfile: str, given: Mapping[str, str], digest: Callable[[str], str]) -> list[str]:
    """Return the arguments of the build: what is given, and what the Containerfile names by a tag, all by digest."""
    found = bases(containerfile)
    unknown = sorted(set(given) - set(found))
    if unknown:
        raise ValueError(f"the Containerfile has no base {', '.join(unknown)}")
    wanted = {name: image for name, image in found.items() if not is_pinned(image)} | dict(given)
    return [
        f"{name}={image if is_pinned(image) else f'{image}@{digest(image)}'}"
        for name, image in sorted(wanted.items())
    ]


def digest_of(image: str) -> str:
    """Return the digest that the registry has for a tag now; raises ValueError, CalledProcessError."""
    command = ("docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}")
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
    found = done.stdout.strip()
    if not _DIGEST.fullmatch(found):
        raise ValueError(f"{image} has no digest: {found[:200]!r}")
    return found


def main() -> None:
    """Print the arguments, or end with what is wrong."""
    path, *given = sys.argv[1:]
    try:
        overrides = dict(one.split("=", 1) for one in given)
        print("\n".join(arguments(Path(path).read_text("utf-8"), overrides, digest_of)))
    except subprocess.CalledProcessError as error:
        sys.exit(f"A base's digest cannot be asked for: {error.stderr.strip()}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        sys.exit(f"A base cannot be named by digest: {error}")


if __name__ == "__main__":
    main()
