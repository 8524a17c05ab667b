"""The model in the box: its template is in its own file, and it was trained on two pictures in one question too."""

from vlmcli.core import Family

DEMO = Family(name="demo")
