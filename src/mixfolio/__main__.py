"""``python -m mixfolio`` is the command ``mixfolio``."""

import sys

from mixfolio.report.cli import main

sys.exit(main())
