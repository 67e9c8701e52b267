"""`python -m cluster <command>`; see the Makefile for the commands' use."""

import argparse
import sys
from pathlib import Path

from cluster import embedded
from cluster.archives import load
from cluster.errors import LauncherError
from cluster.settings import instance


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cluster")
    parser.add_argument("--kind", default="embedded")
    parser.add_argument("command")
    parser.add_argument("archive", nargs="?")
    a = parser.parse_args()
    try:
        i = instance()
        if a.command == "up":
            embedded.up(i)
        elif a.command == "down":
            embedded.down(i)
        elif a.command == "load":
            print(load(i, Path(a.archive)))
    except LauncherError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
