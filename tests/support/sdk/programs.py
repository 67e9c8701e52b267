"""What runs inside the services that the platform's clients call."""

import hashlib
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from tests.support.sandbox import program, shell

SECRET: Final = "s3cr3t-mark-of-this-test"  # noqa: S105 - a mark to look for
POOL_ID: Final = "11111111-2222-3333-4444-555555555555"
PICTURE: Final = bytes(range(256))

REPORT: Final[JsonObject] = program("""
import hashlib, json, os, pathlib
base = pathlib.Path('/var/runtime')
pools = base / 'datapool'
report = {
    'input': {file.name: file.read_text() for file in sorted((base / 'input').glob('*.json'))},
    'pools': {str(f.relative_to(pools)): f.read_text() for f in sorted(pools.rglob('*')) if f.is_file()},
    'secrets': {
        name: hashlib.sha256(value.encode()).hexdigest()
        for name, value in os.environ.items() if name.startswith('SECRET_')
    },
}
output = base / 'output'
(output / 'plots').mkdir()
(output / 'plots/a b.png').write_bytes(bytes(range(256)))
(output / 'table.csv').write_text('a,b')
(output / 'output.json').write_text(json.dumps(report))
print('2026-01-02 03:04:05.678 | WARNING  | a:b:1 - told by the program')
""")
"""Tells all that it was given (of secrets only digests), writes three files, one of them nested, and prints a line."""

SLOW: Final[JsonObject] = shell("trap 'exit 143' TERM; echo started; sleep 300 & wait")
TALKS: Final[JsonObject] = shell("echo started; sleep 6; echo ended")
QUICK: Final[JsonObject] = shell("true")
FAILS: Final[JsonObject] = shell("""
echo '{"type": "about:blank", "title": "Bad luck", "status": 500, "detail": "No qubits left."}' \
> /var/runtime/output/output.json
exit 1""")
FAILS_SILENTLY: Final[JsonObject] = shell("exit 3")


def writes(main_result: str) -> JsonObject:
    """Return a runtime whose main result is that text."""
    return shell(f"cat > /var/runtime/output/output.json <<'END'\n{main_result}\nEND")


def digest(secret: str) -> str:
    """Return what REPORT tells of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
