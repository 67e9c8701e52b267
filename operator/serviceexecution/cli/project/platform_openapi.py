"""``openapi-spec.yml``: the schemas of a service's input and result, as projects of the platform describe them.

The result's is taken only when it is asked for: here it makes a run fail whose result is another one, while the
platform only shows it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.project.yaml_text import own_file
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.contract.openapi.service_schemas import MOST_BYTES, OpenApiError, OpenApiText

OPENAPI_FILES: Final = ("openapi-spec.yml", "openapi-spec.yaml")


@dataclass(frozen=True, slots=True)
class OpenApiFile:
    """What a project's file says."""

    name: str
    data: bytes

    def input_schema(self) -> JsonObject | None:
        """Return the schema of what is posted, None when the file has none; raises CommandError."""
        try:
            return OpenApiText(self.data, self.name).input_schema()
        except OpenApiError as error:
            raise CommandError(str(error)) from None

    def output_schema(self) -> JsonObject | None:
        """Return the schema of the result, None when the file has none; raises CommandError."""
        try:
            return OpenApiText(self.data, self.name).output_schema()
        except OpenApiError as error:
            raise CommandError(str(error)) from None


def read_openapi(folder: Path) -> OpenApiFile | None:
    """Return the file of the folder, None without one; raises CommandError."""
    for name in OPENAPI_FILES:
        data = own_file(folder, name, MOST_BYTES)
        if data is not None:
            return OpenApiFile(name, data)
    return None
