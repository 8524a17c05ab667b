"""Makes the files of this folder from the program itself: python completions/generate.py

`vlm.bash`, `_vlm` and `vlm.fish` are what `_VLM_COMPLETE=source_bash vlm` and so on print; `vlm.1` is the manual page,
made of the help texts (manual.py). A test fails while one of them is not what this would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # manual.py, and vlmcli as it is in this tree

NAMES = {"bash": "vlm.bash", "zsh": "_vlm", "fish": "vlm.fish"}


def files() -> dict[str, str]:
    """Name and content of each file."""
    from manual import manual

    from vlmcli.cli.completion_scripts import SCRIPTS

    return {name: SCRIPTS[shell] for shell, name in NAMES.items()} | {"vlm.1": manual()}


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / name).write_text(content, encoding="utf-8", newline="\n")
        print(HERE / name)
