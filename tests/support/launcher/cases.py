"""What a Python project may be and do, and what must come of it: one table for processes here and for pods.

All programs of the table fit into one project, so into one image: ``project()`` has its files, and each program is a
module of its own that ``ENTRYPOINT`` chooses (``case.entry()``). ``case.body_text()`` is the input for the Service API;
``case.environment`` belongs into ``spec.env``, and ``faults()`` says where a run differs from what is expected.
"""

from tests.support.launcher.case import LIBRARIES, POOL_ID, SECRET, Case, Expected, faults, project
from tests.support.launcher.failure_cases import FAILURES, LEVELS, SECRETS
from tests.support.launcher.odd_cases import ODD_FAILURES
from tests.support.launcher.success_cases import ARGUMENTS, RETURNS

__all__ = ["LIBRARIES", "POOL_ID", "SECRET", "TABLE", "Case", "Expected", "cases_of", "faults", "project"]

TABLE = (*ARGUMENTS, *RETURNS, *FAILURES, *ODD_FAILURES, *LEVELS, *SECRETS)


def cases_of(library: str) -> list[Case]:
    """Return the rows of the table that ``library`` has."""
    return [case for case in TABLE if library in case.libraries]
