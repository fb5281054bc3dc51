"""Settings: every environment variable and default of kdrinks; README.md lists the same rows (a test proves it)."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT_IN_FILE = ROOT / "models" / "kdrinks-mini.gguf"


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path
    """KDRINKS_HOME: folder of the database and the saved choices; `.kdrinks/` beside app.py."""
    models: Path
    """KDRINKS_MODELS: folder of GGUF files; `models/` beside app.py."""

    @property
    def database(self) -> Path:
        return self.home / "kdrinks.duckdb"


def from_environment() -> Settings:
    return Settings(
        home=Path(os.environ.get("KDRINKS_HOME") or ROOT / ".kdrinks").expanduser(),
        models=Path(os.environ.get("KDRINKS_MODELS") or ROOT / "models").expanduser(),
    )
