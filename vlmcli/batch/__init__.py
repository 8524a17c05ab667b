"""A folder job: a plan, a ledger, and an engine in a process of its own. `job.py` tells the story.

records.py   a record out of its JSON      ledger.py    what is done, one line a record
stamps.py    the same file, the same bytes lock.py      one process to an output
planning.py  what is left to do            flight.py    what is in work, and who killed the engine
process.py, child.py, messages.py          the engine's process, from both sides
rendering.py the ledger as csv, html, …    merging.py   the parts of several machines as one
"""
