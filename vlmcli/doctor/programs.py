"""Versions: of vlm, Python, and the libraries that it is built on."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from vlmcli import __version__
from vlmcli.doctor.findings import Finding
from vlmcli.doctor.patient import Patient

_LEAST_HUB_LIBRARY = 1
_NEEDED_FORMATS = ("JPEG", "PNG")


def vlm_itself(patient: Patient) -> Iterator[Finding]:
    system = f"macOS {platform.mac_ver()[0]}" if platform.system() == "Darwin" else platform.system()
    yield Finding("ok", "vlm", f"{__version__}, Python {platform.python_version()}, {system} {platform.machine()}")


def pictures(patient: Patient) -> Iterator[Finding]:
    """Pillow, the formats that this build of it reads, and those that an extra would add."""
    from vlmcli.images.formats import FORMATS, is_readable

    names = ", ".join(form.name for form in FORMATS if is_readable(form))
    unread = [form for form in FORMATS if not is_readable(form)]
    missing = [form.name for form in unread if not form.extra]
    again = "pip install --force-reinstall --no-cache-dir Pillow"
    what, pillow = "pictures", f"Pillow {find_version('Pillow')}"
    if needed := [name for name in missing if name in _NEEDED_FORMATS]:
        yield Finding("problem", what, f"{pillow} was built without {' and '.join(needed)}", again)
    elif missing:
        yield Finding("warning", what, f"{pillow} was built without {' and '.join(missing)}; it reads {names}", again)
    else:
        extras = "".join(f"; {form.name} after pip install 'vlmcli[{form.extra}]'" for form in unread)
        yield Finding("ok", what, f"{pillow} reads {names}{extras}")


def hub_library(patient: Patient) -> Iterator[Finding]:
    found = find_version("huggingface-hub")
    command = "pip install --upgrade 'huggingface-hub>=1.0'"
    if not found:
        yield Finding("problem", "huggingface-hub", "it is not installed, so no model can be fetched", command)
    elif _major(found) < _LEAST_HUB_LIBRARY:
        yield Finding("problem", "huggingface-hub", f"{found} is too old for vlm", command)
    else:
        yield Finding("ok", "huggingface-hub", found)


def find_version(package: str) -> str:
    """Of an installed package, which is not imported for it; "" where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _major(version: str) -> int:
    first = version.partition(".")[0]
    return int(first) if first.isdecimal() else 0
