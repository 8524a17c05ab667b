"""`python -m vlmcli` is `vlm`."""

import sys

from vlmcli.cli import main

if __name__ == "__main__":
    sys.exit(main())
