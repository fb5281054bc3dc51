"""Taking a backup from the page, and what it means for texts that are deleted later."""

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import streamlit as st

from kdrinks.records import Visitor
from kdrinks.store import backup
from kdrinks.ui.frame import get_services, t, visitor


def draw() -> None:
    """A button, and beside it the command for those whose server makes one every night."""
    with st.container(border=True, key="backup"):
        st.subheader(t("backup.title"), anchor=False)
        st.caption(t("backup.note"))
        st.download_button(
            t("backup.button"),
            partial(_made, visitor()),
            file_name=f"kdrinks-backup-{datetime.now(UTC):%Y-%m-%d}.zip",
            mime="application/zip",
            icon=":material/archive:",
            on_click="ignore",
            key="backup-download",
        )
        st.caption(t("backup.deleted_texts"))
        st.code("python -m kdrinks backup FILE.zip\npython -m kdrinks restore FILE.zip", language="bash")


def _made(who: Visitor) -> bytes:
    """Made when the button is pressed, on a thread that knows no visitor; nothing of it stays on the server."""
    services = get_services()
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=services.settings.home) as folder:
        file = Path(folder) / "backup.zip"
        backup.write(services.db, who, file)
        return file.read_bytes()
