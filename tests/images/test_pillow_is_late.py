"""Pillow is imported by the first picture that is decoded, and only the part of it that this picture needs."""

from __future__ import annotations

import os
import subprocess
import sys

from PIL import Image


def modules_after(code):
    """Names of all modules that a fresh interpreter holds after `code`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    code += "\nimport sys; print(*sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout.split()


def of_pillow(modules):
    return {m for m in modules if m.split(".")[0] == "PIL"}


def test_pillow_is_not_imported_before_a_picture_is_decoded(tmp_path):
    path = str(tmp_path / "a.png")
    Image.new("RGB", (3, 2)).save(path)
    code = f"""
from vlmcli.images import load, looks_like_picture, resolve, stitch
looks_like_picture("what is it?")
ref = resolve({path!r})"""
    assert not of_pillow(modules_after(code))
    after = of_pillow(modules_after(code + "\nload(ref)"))
    assert "PIL.PngImagePlugin" in after
    assert not {"PIL.TiffImagePlugin", "PIL.JpegImagePlugin", "PIL.GifImagePlugin", "PIL.ImageFont"} & after


def test_no_module_stands_in_the_place_of_a_function(tmp_path):
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    code = f"""
from vlmcli import images
import vlmcli.images.decode, vlmcli.images.stitching, vlmcli.images.sources
picture = images.load(images.resolve({str(tmp_path / "a.png")!r}))
images.stitch([picture], ["A"])
assert all(callable(getattr(images, name)) for name in images.__all__)"""
    modules_after(code)
