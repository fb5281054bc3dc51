"""`streamlit run app.py`: the server, its warm-up, and the main script that lists the pages.

The main script is not this file because Streamlit runs a page alone, without its frame, when a folder named pages/ lies
beside the main script and the first visitor of a fresh process opens that page's address.
"""

import streamlit as st
from starlette.middleware import Middleware

from kdrinks.config import from_environment
from kdrinks.ui.hosts import KnownHosts
from kdrinks.ui.start import warm

app = st.App("kdrinks/ui/main.py", lifespan=warm, middleware=[Middleware(KnownHosts, hosts=from_environment().hosts)])
