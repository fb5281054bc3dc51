# syntax=docker/dockerfile:1
# kdrinks for a server: docker build --tag kdrinks .   How it is run: docs/hosting.md, "Put it on a server".
# The steps run without Docker, in folders of their own, by `python -m benchmarks.image`; deploy/Dockerfile.cuda is this for NVIDIA's cards.

FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY deploy/build-tools.lock requirements.lock ./
RUN python -m venv /opt/tools && /opt/tools/bin/pip install --no-cache-dir --require-hashes -r build-tools.lock
# every x86 processor since 2013 (AVX2); an image for the building machine's own processor alone: --build-arg CMAKE_ARGS=-DGGML_NATIVE=on
ARG CMAKE_ARGS="-DGGML_NATIVE=off"
# compiles llama.cpp, for which PyPI has no ready file; pip's cache keeps what came of it for the next build
RUN --mount=type=cache,id=kdrinks-pip,target=/root/.cache/pip \
    PATH="/opt/tools/bin:$PATH" pip wheel --no-build-isolation --no-deps --require-hashes --wheel-dir wheels -r requirements.lock
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps --no-index wheels/*.whl

FROM python:3.11-slim-bookworm
# OpenMP, which llama.cpp was compiled with
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE NOTICE LICENSES.md sbom.json app.py ./
COPY .streamlit/config.toml .streamlit/config.toml
COPY models/kdrinks-mini.gguf models/kdrinks-mini.gguf
COPY kdrinks kdrinks
COPY pages pages
# nothing can be written here later: compiled now, the first start need not do it
RUN /opt/venv/bin/python -m compileall -q -j 0 /opt/venv /app
# 1000 is whom Hugging Face runs a Space as; all that is ever written lies in /data
RUN useradd --uid 1000 --home-dir /data --no-create-home kdrinks && install --directory --owner=1000 --mode=0700 /data
ENV PATH="/opt/venv/bin:$PATH" \
    HOME=/data \
    KDRINKS_HOME=/data/home \
    KDRINKS_MODELS=/data/models \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_FILE_WATCHER_TYPE=none
USER 1000
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py"]
