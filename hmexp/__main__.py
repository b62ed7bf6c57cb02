"""`python -m hmexp`."""

import sys

from hmexp.cli import main

if __name__ == "__main__":
    sys.exit(main())
