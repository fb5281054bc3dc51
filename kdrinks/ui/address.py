"""What the controls of a page say stands in its address, so that a view can be shared, kept as a bookmark and gone back to.

The session holds the values and no control has a default: a default that follows the address changes what the control is,
and the click that changed it is lost. The address wins when somebody brings one along (a link, a bookmark, Back).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

RUN_KEY = "address-run"
"""Session state: counts the runs of the main script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    key: str
    """Under which the session holds the value: the widget's own key, or a name of ours."""
    usual: Any
    """The value that the address leaves out: a list for a control of several values."""
    known: Collection[str] | None
    """What the address may say; None for any text."""
    read: Callable[[str], Any] = str
    """One value of the address as the control has it."""

    def value_of(self, addressed: list[str]) -> Any:
        values = [self.read(text) for text in addressed if self.known is None or text in self.known]
        if isinstance(self.usual, list):
            return values or list(self.usual)
        return values[-1] if values else self.usual

    def address_of(self, value: Any) -> list[str]:
        if not value or value == self.usual:
            return []
        return [str(item) for item in value] if isinstance(self.usual, list) else [str(value)]


def begin_run() -> None:
    """Once in each run, before any page."""
    st.session_state[RUN_KEY] = st.session_state.get(RUN_KEY, 0) + 1


def settle(page: str, controls: Mapping[str, Control], *, stale: bool = False) -> None:
    """Bring the address and the controls in line, before the controls are drawn.

    controls: by their name in the address. stale: the browser shows another address than the server sees.
    """
    addressed = {name: st.query_params.get_all(name) for name in controls if name in st.query_params}
    written_key = f"{page}-address"
    before = st.session_state.get(written_key)
    adopts = before is None or (
        addressed != before["address"]
        # a click that came before the browser had the address of the one before it
        and _values(controls) == before["values"]
        # an empty address is Back while one stays here, and says nothing when one comes from elsewhere
        and (bool(addressed) or before["run"] == st.session_state[RUN_KEY] - 1)
    )
    if adopts:
        for name, control in controls.items():
            st.session_state[control.key] = control.value_of(addressed.get(name, []))
    values = _values(controls)
    wanted = {name: texts for name, control in controls.items() if (texts := control.address_of(values[name]))}
    if stale or wanted != addressed:
        st.query_params.from_dict(wanted)  # in one step: each one is an entry in the browser's history
    st.session_state[written_key] = {"address": wanted, "values": values, "run": st.session_state[RUN_KEY]}


def _values(controls: Mapping[str, Control]) -> dict[str, Any]:
    return {name: st.session_state.get(control.key, control.usual) for name, control in controls.items()}
