"""What the console's own tests say, and how much a browser loads before it shows the first page."""

import re
import subprocess

from cluster.console_files import CONSOLE, command, install
from cluster.settings import cache_home

MOST_BYTES = 350 * 1024


def test_the_consoles_own_tests_pass():
    install(cache_home())
    ran = subprocess.run(command("test"), cwd=CONSOLE, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_first_page_is_small(built):
    names = re.findall(r'(?:src|href)="\./assets/([^"]+)"', (built / "index.html").read_text())
    assert len(names) >= 2
    sizes = {}
    for name in names:
        compressed = built / "assets" / f"{name}.gz"
        sizes[name] = (compressed if compressed.exists() else built / "assets" / name).stat().st_size
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_no_file_makes_code_from_text(built):
    """The page's policy forbids it: what would try fails for the reader."""
    for path in (built / "assets").glob("*.js"):
        # Plotly asks for the global object so only in browsers that have no globalThis
        text = path.read_text().replace('new Function("return this")()', "")
        assert "new Function(" not in text, path.name
        # A call, and no method of that name
        assert not re.search(r"[^.\w]eval\((?![\w$,]*\)\{)", text), path.name


def test_the_lock_has_digests_and_names_no_registry():
    text = (CONSOLE / "package-lock.json").read_text()
    assert text.count('"integrity"') > 100
    assert '"resolved"' not in text
    assert "registry=" not in (CONSOLE / ".npmrc").read_text()
