"""Korean documents of every kind, each asked for a fact of its own: the right value with the right citation, or the reason of a refusal."""

from collections.abc import Iterator

import pytest

from kdrinks import i18n
from kdrinks.answer import ask
from kdrinks.config import ROOT, Settings
from kdrinks.documents import ingest
from kdrinks.errors import BadInput
from kdrinks.records import ADMINISTRATOR
from kdrinks.services import Services, open_services
from kdrinks.store import documents as store
from tests.support.document_kinds import DOCUMENTS, Document

PATIENCE_S = 120


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, dict[str, str | BadInput]]]:
    """A house with all of them: by kind the id of the document, or why it was refused."""
    services = open_services(Settings(tmp_path_factory.mktemp("home"), ROOT / "models"))
    ends: dict[str, str | BadInput] = {}
    for document in DOCUMENTS:
        try:
            work = ingest.DocumentIngest(services.db, ADMINISTRATOR, services.words, document.name, document.content)
            job = ingest.start(services.jobs, work)
            assert job.wait(PATIENCE_S)
            assert job.error is None or isinstance(job.error, BadInput), job.error
            ends[document.kind] = job.error or work.id
        except BadInput as error:
            ends[document.kind] = error
    yield services, ends
    services.close()


def test_there_are_sixty_of_as_many_kinds() -> None:
    assert len({document.kind for document in DOCUMENTS}) == len(DOCUMENTS) >= 60
    assert {document.name.rpartition(".")[2] for document in DOCUMENTS} >= set(
        "pdf docx hwpx html mhtml csv tsv txt md".split()
    )


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one.price], ids=lambda one: one.kind)
def test_the_price_is_told_and_cited_from_the_document_that_says_it(
    read: tuple[Services, dict[str, str | BadInput]], document: Document
) -> None:
    services, ends = read
    document_id = ends[document.kind]
    assert isinstance(document_id, str), document_id
    answer = ask(services, ADMINISTRATOR, document.question)
    assert answer.wait(PATIENCE_S) and answer.error is None
    assert document.price in answer.text
    cited = [citation.passage for citation in answer.citations]
    assert (cited[0].kind, cited[0].subject_id) == ("document", document_id)
    assert any(document.price in one.text and one.subject_id == document_id for one in cited)
    text = " ".join(part.passage.text for part in store.parts(services.db, ADMINISTRATOR, document_id))
    assert not any(wrong in text for wrong in ("99,000원", "77,000원", " 1원입니다"))
    assert text.count(document.price) == 1
    assert set(store.unread(services.db, ADMINISTRATOR).get(document_id, {})) == set(document.unread)


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one.refusal], ids=lambda one: one.kind)
def test_what_cannot_be_read_is_refused_with_the_reason(
    read: tuple[Services, dict[str, str | BadInput]], document: Document
) -> None:
    error = read[1][document.kind]
    assert isinstance(error, BadInput) and error.key == document.refusal
    for lang in i18n.LANGUAGES:
        said = error.message(lang) + error.hint(lang)
        assert document.name in said and "Traceback" not in said and str(ROOT) not in said and "/tmp" not in said
