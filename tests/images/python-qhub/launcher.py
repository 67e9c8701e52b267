"""Starts the in-container library: it has no command of its own."""

import sys

from qhub.commons.logging import init_logging
from qhub.commons.runtime.main import main

init_logging()
sys.exit(main())
