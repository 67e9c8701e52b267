"""Showing an address in the browser without telling it to the other users of this machine.

A browser's command line is for everybody to see, and the address holds a secret. A file that only its owner reads leads
there instead.
"""

import contextlib
import html
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def shown_in_browser(url: str) -> Iterator[bool]:
    """Show the address; give whether there is a browser. The file is there until the end."""
    with tempfile.TemporaryDirectory(prefix="sx-console-") as folder:  # Of mode 0700
        page = Path(folder) / "console.html"
        address = html.escape(url, quote=True)
        page.touch(0o600)
        page.write_text(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={address}">'
            f'<a href="{address}">The console</a>\n',
            "utf-8",
        )
        try:
            opened = webbrowser.open(page.as_uri())
        except webbrowser.Error:
            opened = False
        yield opened
