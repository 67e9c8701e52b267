"""What was not there just now: who polls an id that nobody has costs one request in some seconds, not one each."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache

ABSENT_SECONDS: Final = 3.0
"""How long it is believed that there is no such service or execution, unless the watch tells of one."""
ABSENT_NAMES: Final = 10_000
"""Some 3 MB; beyond that the oldest are asked about again."""


class Absences:
    """State owner of the services and executions that the API server did not have."""

    def __init__(self) -> None:
        self._names: ExpiringCache[tuple[str, str, str], bool] = ExpiringCache(
            seconds=ABSENT_SECONDS, capacity=ABSENT_NAMES
        )

    def know(self, namespace: str, service: str, api_id: str = "") -> bool:
        """Tell whether the service, or its execution of that id, was not there just now.

        Without a service it is the name of an execution of any service or of none.
        """
        return self._names.get((namespace, service, api_id)) is True

    def add(self, namespace: str, service: str, api_id: str = "") -> None:
        """Remember that the API server has no such service or execution."""
        self._names.put((namespace, service, api_id), True)

    def end(self, body: JsonObject) -> None:
        """Forget it of an object that there is, under its name and its uid."""
        metadata = metadata_of(body)
        namespace, name = str(metadata.get("namespace")), str(metadata.get("name"))
        self._names.drop((namespace, name, ""))
        self._names.drop((namespace, "", name))
        service = object_at(body, "spec", "serviceRef").get("name")
        for identifier in (name, str(metadata.get("uid"))):
            self._names.drop((namespace, str(service), identifier))
