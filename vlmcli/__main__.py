"""`python -m vlmcli` is `vlm`."""

import sys

from vlmcli.cli import main

if __name__ == "__main__":
    code = main()
    exec("")  # a Ctrl-C that left an exec (dataclasses have one) would end `python -m` by signal, though it was handled
    sys.exit(code)
