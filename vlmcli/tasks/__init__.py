"""What can be asked of a picture: one file a task, one line here."""

from __future__ import annotations

from collections.abc import Mapping

from vlmcli.tasks.ask import ASK
from vlmcli.tasks.compare import COMPARE
from vlmcli.tasks.describe import DESCRIBE
from vlmcli.tasks.ocr import OCR
from vlmcli.tasks.task import Brief, Exchange, Outcome, Task, TaskOptions

TASKS: Mapping[str, Task] = {task.name: task for task in (DESCRIBE, ASK, COMPARE, OCR)}

__all__ = ["TASKS", "Brief", "Exchange", "Outcome", "Task", "TaskOptions"]
