"""The model in the box and its sample pictures: data only. Made by demo_model/."""

from pathlib import Path

FOLDER = Path(__file__).parent
DECODER = FOLDER / "demo.gguf"
PROJECTOR = FOLDER / "mmproj-demo.gguf"
PICTURES = FOLDER / "pictures"
