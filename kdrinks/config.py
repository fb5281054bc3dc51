"""Settings: every environment variable and default of kdrinks; README.md lists the same (tests/test_docs.py)."""

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
    admins: frozenset[str] = frozenset()
    """KDRINKS_ADMINS: e-mail addresses, with commas between, of those who, once logged in (Streamlit's OpenID Connect), may change
    drinks, documents, models and settings and read what people wrote on a hosted site."""
    hosts: frozenset[str] = frozenset()
    """KDRINKS_HOSTS: names, with commas between, under which the app answers besides localhost, this machine's own name and every
    numeric address; `*.example.org` for all names below one, `*` for every name."""
    proxy: tuple[str, ...] = ()
    """KDRINKS_PROXY: addresses or networks, with commas between, of the proxies before a hosted site; whom X-Forwarded-For names is believed
    from these alone, and from one on this machine."""
    frames: tuple[str, ...] = ()
    """KDRINKS_FRAMES: origins, with commas between, whose pages may show the app in a frame, as a Hugging Face Space does
    (`https://huggingface.co`); empty: no page but the app's own."""
    metrics_token: str = ""
    """KDRINKS_METRICS_TOKEN: whoever sends it as a bearer token may read the metrics; empty: only this machine, and not through a proxy."""

    mode: str = ""
    """KDRINKS_MODE: "local", everybody is an administrator, or "hosted", everybody has conversations of their own and only administrators
    have more. Empty: hosted where KDRINKS_ADMINS names any."""

    @property
    def hosted(self) -> bool:
        """Whether this is a site for others. A mode that nobody knows is no home: the start stops at it (ui/site.py)."""
        return self.mode != "local" if self.mode else bool(self.admins)

    @property
    def database(self) -> Path:
        return self.home / "kdrinks.duckdb"


def from_environment() -> Settings:
    return Settings(
        home=Path(os.environ.get("KDRINKS_HOME") or ROOT / ".kdrinks").expanduser(),
        models=Path(os.environ.get("KDRINKS_MODELS") or ROOT / "models").expanduser(),
        # a value that names nobody is a slip: then nobody is administrator, not everybody
        admins=_listed("KDRINKS_ADMINS") or frozenset(os.environ.get("KDRINKS_ADMINS", "").strip()),
        hosts=_listed("KDRINKS_HOSTS"),
        mode=os.environ.get("KDRINKS_MODE", "").strip().lower(),
        proxy=tuple(sorted(_listed("KDRINKS_PROXY"))),
        frames=tuple(sorted(_listed("KDRINKS_FRAMES"))),
        metrics_token=os.environ.get("KDRINKS_METRICS_TOKEN", "").strip(),
    )


def _listed(variable: str) -> frozenset[str]:
    return frozenset(one.strip().lower() for one in os.environ.get(variable, "").split(",") if one.strip())
