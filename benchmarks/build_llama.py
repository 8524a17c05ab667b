"""Builds the llama.cpp that comes inside llama-cpp-python's source package, its tools included.

Then vlm and the tools it is measured against run the same code from the same compiler. Wants pip, cmake and a C++
compiler: the one in CC and CXX, else clang (GCC 12 makes AMX kernels that crash), else cmake's choice. With clang,
install the OpenMP of the same version too (Debian: libomp-19-dev).

    python benchmarks/build_llama.py              # some minutes; prints what to export
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "llama-cpp-python"
TOOLS = ("llama-mtmd-cli", "llama-bench", "llama-server")
SETTINGS = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "ON",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
    "LLAMA_CURL": "OFF",
}


def installed_version() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        sys.exit(f"build_llama.py: {PACKAGE} is not installed for this interpreter, so there is no version to match")


def default_folder() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "vlm-benchmarks" / f"{PACKAGE}-{installed_version()}"


def environment(folder: Path) -> dict[str, str]:
    """What makes llama-cpp-python, and so vlm, load the libraries in `folder`, and vlm trust their AMX kernels."""
    return {"LLAMA_CPP_LIB_PATH": str(folder), "MTMD_CPP_LIB": str(folder), "VLM_EXTRA_BUFFERS": "on"}


def compilers() -> dict[str, str]:
    """CMake's settings for the compilers; empty where the choice is cmake's."""
    c, cxx = os.environ.get("CC"), os.environ.get("CXX")
    if not (c and cxx):
        for suffix in ("", *(f"-{number}" for number in range(24, 15, -1))):
            c, cxx = shutil.which("clang" + suffix), shutil.which("clang++" + suffix)
            if c and cxx:
                break
        else:
            print("no clang found: cmake chooses the compiler", file=sys.stderr)
            return {}
    return {"CMAKE_C_COMPILER": c, "CMAKE_CXX_COMPILER": cxx}


def fetch_source(folder: Path) -> Path:
    """Downloads the source package with pip, unless it is there, and unpacks its llama.cpp."""
    wanted = f"{PACKAGE}=={installed_version()}"
    archives = list(folder.glob("llama_cpp_python-*.tar.gz"))
    if not archives:
        command = ["download", "--no-deps", "--no-binary", PACKAGE, "--dest", str(folder), wanted]
        subprocess.run([sys.executable, "-m", "pip", *command], check=True)
        archives = list(folder.glob("llama_cpp_python-*.tar.gz"))
    with tarfile.open(archives[0]) as archive:
        inside = re.compile(r"[^/]+/vendor/llama\.cpp/")
        archive.extractall(folder, [one for one in archive if inside.match(one.name)], filter="data")
    return next(folder.glob("llama_cpp_python-*/vendor/llama.cpp"))


def build(source: Path, into: Path, jobs: int) -> Path:
    """Returns the folder with the programs and the shared libraries."""
    settings = [f"-D{name}={value}" for name, value in (SETTINGS | compilers()).items()]
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    subprocess.run(["cmake", "-S", str(source), "-B", str(into), *generator, *settings], check=True)
    subprocess.run(["cmake", "--build", str(into), "--parallel", str(jobs), "--target", *TOOLS], check=True)
    return into / "bin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, help="folder to work in (default: in the user's cache)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="compilers at once (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if not shutil.which("cmake"):
        sys.exit("build_llama.py: cmake was not found: pip install cmake ninja")
    folder: Path = (arguments.into or default_folder()).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    programs = build(fetch_source(folder), folder / "build", arguments.jobs)
    print(f"\nbuilt in {programs}; the benchmarks take it as --llama, and vlm uses the same libraries after:\n")
    for name, value in environment(programs).items():
        print(f"export {name}={value}")


if __name__ == "__main__":
    main()
