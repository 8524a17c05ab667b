"""The engine of a folder job on the workers of a Ray cluster: the only door to Ray.

shape.py     how many workers, and what each asks for     crew.py    who has what, and who is to blame (pure)
workers.py   the job's side: hire, hand out, hear         actor.py   the worker's side
connecting.py  a cluster that is there, or one of our own on this machine
"""
