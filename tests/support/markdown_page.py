"""A page of Streamlit alone, for tests in its real frontend: each text of a file, drawn in the way that stands beside it."""

import json
import os
from pathlib import Path

import streamlit as st

from kdrinks.ui.markdown_text import as_markdown, as_plain

for number, (way, text) in enumerate(json.loads(Path(os.environ["TEXTS"]).read_text(encoding="utf-8"))):
    with st.container(key=f"text-{number}"):
        match way:
            case "message":
                st.text(text)
            case "name":
                st.markdown(as_plain(text))
            case "button":
                st.button(as_plain(text), key=f"button-{number}")
            case "title":
                st.title(as_plain(text), anchor=False)
            case "error":
                st.error(as_plain(text))
            case "badge":
                st.markdown(f":gray-badge[{as_plain(text)}] :small[:gray[{as_plain(text)}]]")
            case "answer":
                st.markdown(as_markdown(text))
            case "unfinished":
                st.markdown(as_markdown(f"{text} ▌", unfinished=True))
st.container(key="end").text("end")
