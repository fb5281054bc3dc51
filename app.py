"""`streamlit run app.py`: the server, its warm-up, and the main script that lists the pages.

The main script is not this file because Streamlit runs a page alone, without its frame, when a folder named pages/ lies
beside the main script and the first visitor of a fresh process opens that page's address.
"""

import sys

import streamlit as st
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from kdrinks.config import from_environment
from kdrinks.ui import site, start
from kdrinks.ui.doors import ClosedDoors, SafeHeaders
from kdrinks.ui.hosts import KnownHosts
from kdrinks.ui.policy import ContentPolicy
from kdrinks.ui.visitor import VisitorCookie
from kdrinks.ui.watch_routes import watch_routes
from kdrinks.watch import logs

# a bug's traceback, with the folders of the server, is for its log; here too, as the settings file is read where Streamlit was started
st.set_option("client.showErrorDetails", "none")
st.set_option("client.disableDataExport", True)
# what stands at the head of the secrets file becomes environment variables: all that Streamlit Community Cloud lets one set
st.secrets.load_if_toml_exists()
settings = from_environment()
if wrong := site.problem(settings):
    sys.exit(site.told(wrong))
path = str(st.get_option("server.baseUrlPath"))
middleware = [
    Middleware(SafeHeaders),
    Middleware(ContentPolicy, frames=settings.frames),
    Middleware(KnownHosts, hosts=settings.hosts),
    Middleware(ClosedDoors, may_upload=start.may_upload, token=settings.metrics_token),
]
if settings.proxy:  # uvicorn has believed one on this machine already
    middleware.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.proxy)))
if settings.hosted:  # at home everybody is one person, and needs no cookie
    middleware.append(
        Middleware(
            VisitorCookie,
            secret=site.cookie_secret(),
            path=path,
            sessions=bool(site.admin_password()),
            is_known=start.was_here,
        )
    )
    logs.as_json_lines()

app = st.App(
    "kdrinks/ui/main.py",
    lifespan=start.warm,
    middleware=middleware,
    routes=watch_routes(settings, path, start.services, start.visitors),
)
