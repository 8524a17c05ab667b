"""The engine on llama.cpp, through llama-cpp-python's low-level bindings. The only door to `llama_cpp`."""

from vlmcli.engine.llama.engine import LlamaEngine

__all__ = ["LlamaEngine"]
