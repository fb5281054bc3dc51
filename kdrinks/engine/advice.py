"""What to install when the GPU was asked for and this llama.cpp has none: the exact command for this system. Pure.

Source of the flags: https://github.com/abetlen/llama-cpp-python#supported-backends
"""

import platform
import shutil
from pathlib import Path
from typing import Literal

Backend = Literal["cuda", "metal", "vulkan"]
PACKAGE = "llama-cpp-python==0.3.36"


def backend_for(system: str, machine: str, *, nvidia: bool) -> Backend:
    """The backend that suits a system: names as platform.system() and platform.machine() give them."""
    if system == "Darwin" and machine == "arm64":
        return "metal"
    return "cuda" if nvidia else "vulkan"


def reinstall_command(system: str, backend: Backend) -> str:
    """One line for the system's own shell; builds from source, so a compiler and the backend's kit must be there."""
    flag = f"-DGGML_{backend.upper()}=on"
    install = f"pip install --force-reinstall --no-deps --no-cache-dir {PACKAGE}"
    if system == "Windows":
        return f"$env:CMAKE_ARGS='{flag}'; {install}"
    return f"CMAKE_ARGS='{flag}' {install}"


def reinstall_command_here() -> str:
    """For the machine this runs on."""
    nvidia = shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia").exists()
    system = platform.system()
    return reinstall_command(system, backend_for(system, platform.machine(), nvidia=nvidia))
