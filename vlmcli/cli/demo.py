"""`vlm demo`"""

from __future__ import annotations

import sys

_TASKS = (
    ("describe", ("shapes.png",), ""),
    ("ask", ("shapes.png",), "How many shapes are there?"),
    ("compare", ("before.png", "after.png"), ""),
    ("ocr", ("text.png",), ""),
)


def demo() -> int:
    """Show the four tasks on packaged pictures, with the small model in the box.

    Needs no network and takes a few seconds. The model knows drawings of simple shapes and big short words only.
    """
    from vlmcli import demo as box
    from vlmcli.api import Vlm
    from vlmcli.config import LOCAL
    from vlmcli.images import load, resolve, shrink
    from vlmcli.output.showcase import PICTURE_COLUMNS, PICTURE_ROWS, show, shows_pictures
    from vlmcli.tasks import TaskOptions

    with Vlm("demo", engine=LOCAL, cache=False) as vlm:
        for task, names, question in _TASKS:
            refs = tuple(resolve(box.PICTURES / name) for name in names)
            reply = vlm.reply_to(vlm.job(task, refs, TaskOptions(question=question)))
            columns = PICTURE_COLUMNS // len(refs)
            small = [shrink(load(ref), columns, 2 * PICTURE_ROWS) for ref in refs] if shows_pictures() else []
            asked = f' "{question}"' if question else ""
            show(f"vlm {task} {' '.join(names)}{asked}", small, reply.text)
    print(f"The pictures are in {box.PICTURES}", file=sys.stderr)
    print("What to type next:", file=sys.stderr)
    print(f"  vlm ask {box.PICTURES / 'shapes.png'} --model demo", file=sys.stderr)
    print("  vlm pull llava", file=sys.stderr)
    print("  vlm describe YOURS.jpg", file=sys.stderr)
    print("  vlm --help", file=sys.stderr)
    return 0
