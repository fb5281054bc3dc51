"""What exactly runs here, at the foot of the models page, for administrators to name when something is wrong."""

import streamlit as st

from kdrinks.engine.protocol import local_model
from kdrinks.services import Services, last_choice
from kdrinks.ui.frame import t
from kdrinks.watch.versions import versions


def draw(services: Services) -> None:
    """Folded away, and asked for only where it is opened."""
    with st.expander(t("models.versions"), icon=":material/tag:", on_change="rerun", key="versions") as opened:
        if not opened.open:
            return
        model = last_choice(services).model
        found = versions(
            data=services.knowledge.index.content_version if services.knowledge.ready.is_set() else "",
            model=local_model(model).path.name,
            model_hash=services.hashes_of(model)[0],
        )
        st.code("\n".join(f"{name}: {value or '-'}" for name, value in found.items()), language=None)
