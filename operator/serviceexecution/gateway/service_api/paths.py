"""The paths of the Service API."""

from typing import Final

SERVICE: Final = "/services/{namespace}/{service}"
EXECUTION: Final = f"{SERVICE}/{{api_id}}"
BASE_PATHS: Final = (SERVICE, f"{SERVICE}/")
