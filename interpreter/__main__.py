"""`python -m interpreter` is the command `interpreter`."""

import sys

from .cli import main

sys.exit(main())
