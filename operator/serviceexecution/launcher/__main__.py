"""``python -m serviceexecution.launcher``: runs the project's entry point once."""

import os
import sys

from serviceexecution.launcher.run import launch

if __name__ == "__main__":
    _here = os.getcwd()  # noqa: PTH109 - pathlib costs start-up time
    if "" not in sys.path and _here not in sys.path:  # With PYTHONSAFEPATH the project would not be found
        sys.path.insert(0, _here)
    sys.exit(launch(os.environ))
