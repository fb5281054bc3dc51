"""The numbered migrations of the store. Append only: a migration that was released never changes.

No primary keys, sequences, defaults that compute or upserts, so that the same SQL runs on DuckLake, which has none of them. Ids are
UUIDv7 made by kdrinks (db.new_id); times are UTC without a zone, because DuckDB needs another package to hand zoned ones to Python.
What charts group by is repeated on the rows they count (language, model, time), so that no chart joins big tables.
"""

import re
from collections.abc import Iterable

MIGRATIONS: tuple[tuple[int, str, str], ...] = (
    (
        1,
        "conversations, words, timings, choices",
        """
        CREATE TABLE conversations (
            id UUID NOT NULL, session VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL
        );
        -- parent: an answer's question; a question's previous message in the conversation, NULL for the first
        CREATE TABLE messages (
            id UUID NOT NULL, conversation_id UUID NOT NULL, parent UUID, role VARCHAR NOT NULL, lang VARCHAR NOT NULL,
            text VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL
        );
        -- one row for each answer, failed ones too; model columns are NULL when no model was loaded
        CREATE TABLE generations (
            message_id UUID NOT NULL, conversation_id UUID NOT NULL, created_at TIMESTAMP NOT NULL, lang VARCHAR NOT NULL,
            finish VARCHAR NOT NULL, error VARCHAR, guard VARCHAR NOT NULL, details JSON NOT NULL,
            model_id VARCHAR, file VARCHAR, quantization VARCHAR, context_tokens INTEGER,
            device_requested VARCHAR, device_used VARCHAR, gpu_layers INTEGER, layers INTEGER, threads INTEGER,
            model_load_s DOUBLE, predicted_memory_bytes BIGINT, measured_memory_bytes BIGINT,
            cold BOOLEAN NOT NULL, queue_s DOUBLE NOT NULL, load_s DOUBLE NOT NULL, retrieve_s DOUBLE NOT NULL,
            prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, prompt_s DOUBLE NOT NULL, first_token_s DOUBLE,
            completion_tokens INTEGER NOT NULL, completion_s DOUBLE NOT NULL, tokens_per_s DOUBLE, total_s DOUBLE NOT NULL
        );
        CREATE TABLE words (
            message_id UUID NOT NULL, conversation_id UUID NOT NULL, created_at TIMESTAMP NOT NULL,
            role VARCHAR NOT NULL, lang VARCHAR NOT NULL, model_id VARCHAR, analyser_version VARCHAR NOT NULL,
            word VARCHAR NOT NULL, pos VARCHAR NOT NULL, count INTEGER NOT NULL
        );
        -- the passage as it was, so that an old answer can still be checked after the knowledge changed
        CREATE TABLE citations (
            message_id UUID NOT NULL, conversation_id UUID NOT NULL, created_at TIMESTAMP NOT NULL, number INTEGER NOT NULL,
            passage_id VARCHAR NOT NULL, subject_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, lang VARCHAR NOT NULL,
            title VARCHAR NOT NULL, text VARCHAR NOT NULL, sources VARCHAR[] NOT NULL, score DOUBLE NOT NULL
        );
        -- the latest row of a key counts
        CREATE TABLE choices (
            id UUID NOT NULL, key VARCHAR NOT NULL, value JSON NOT NULL, created_at TIMESTAMP NOT NULL
        );
        """,
    ),
    (
        2,
        "passages and their words",
        """
        -- edition: the state of the knowledge the row was filled from; vector: the place of the second leg, NULL without it
        CREATE TABLE passages (
            id VARCHAR NOT NULL, subject_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, lang VARCHAR NOT NULL,
            title VARCHAR NOT NULL, text VARCHAR NOT NULL, sources VARCHAR[] NOT NULL,
            content_hash VARCHAR NOT NULL, edition VARCHAR NOT NULL, vector FLOAT[]
        );
        CREATE TABLE passage_words (passage_id VARCHAR NOT NULL, term VARCHAR NOT NULL, count INTEGER NOT NULL);
        """,
    ),
    (
        3,
        "length of a passage",
        """
        -- in words, what BM25 weighs a count by
        ALTER TABLE passages ADD COLUMN length INTEGER;
        """,
    ),
    (
        4,
        "words know their passage's subject, language and length",
        """
        -- so that BM25 needs no join; the rows are made again by the next start
        DELETE FROM passages;
        DELETE FROM passage_words;
        ALTER TABLE passage_words ADD COLUMN subject_id VARCHAR;
        ALTER TABLE passage_words ADD COLUMN lang VARCHAR;
        ALTER TABLE passage_words ADD COLUMN length INTEGER;
        """,
    ),
    (
        5,
        "words by day, and the analyser version that charts show",
        """
        -- the latest row counts; an older version is shown until a recount under the new one is complete
        CREATE TABLE analysers (version VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL);
        INSERT INTO analysers SELECT arg_max(analyser_version, created_at), max(created_at) FROM words HAVING count(*) > 0;
        -- every whole UTC day before rolled.until, of the shown version; messages: how many said the word
        CREATE TABLE word_days (
            day DATE NOT NULL, role VARCHAR NOT NULL, lang VARCHAR NOT NULL, model_id VARCHAR,
            word VARCHAR NOT NULL, pos VARCHAR NOT NULL, count BIGINT NOT NULL, messages BIGINT NOT NULL
        );
        CREATE TABLE rolled (until DATE NOT NULL);
        """,
    ),
    (
        6,
        "drinks as people edit them",
        """
        -- the latest row of a drink counts; record NULL: as it was packaged, or gone where it never was packaged
        -- change_id: one form, one import or one undo; undoes: the change that an undo takes back
        CREATE TABLE drink_versions (
            id UUID NOT NULL, change_id UUID NOT NULL, kind VARCHAR NOT NULL, undoes UUID,
            drink_id VARCHAR NOT NULL, record JSON, created_at TIMESTAMP NOT NULL
        );
        """,
    ),
    (
        7,
        "comparisons of models and devices",
        """
        -- place to threads: the setting as chosen, 0 threads as many as the engine takes; round: which pass over the prompts
        CREATE TABLE comparison_runs (
            id UUID NOT NULL, comparison_id UUID NOT NULL, created_at TIMESTAMP NOT NULL,
            place INTEGER NOT NULL, model_id VARCHAR NOT NULL, file VARCHAR NOT NULL, quantization VARCHAR NOT NULL,
            size_bytes BIGINT NOT NULL, device VARCHAR NOT NULL, context_tokens INTEGER NOT NULL, threads INTEGER NOT NULL,
            round INTEGER NOT NULL, prompt VARCHAR NOT NULL, cold BOOLEAN NOT NULL, error VARCHAR,
            device_used VARCHAR NOT NULL, gpu_layers INTEGER NOT NULL, layers INTEGER NOT NULL, context_used INTEGER NOT NULL,
            threads_used INTEGER NOT NULL, kv_type VARCHAR NOT NULL, load_s DOUBLE NOT NULL,
            prompt_tokens INTEGER NOT NULL, prompt_s DOUBLE NOT NULL, first_token_s DOUBLE NOT NULL,
            completion_tokens INTEGER NOT NULL, completion_s DOUBLE NOT NULL, memory_bytes BIGINT NOT NULL
        );
        -- text_hash: the text that was scored; perplexities of different texts or tokenizers cannot be compared
        CREATE TABLE perplexities (
            id UUID NOT NULL, comparison_id UUID NOT NULL, created_at TIMESTAMP NOT NULL,
            place INTEGER NOT NULL, model_id VARCHAR NOT NULL, file VARCHAR NOT NULL, quantization VARCHAR NOT NULL,
            size_bytes BIGINT NOT NULL, device VARCHAR NOT NULL, context_tokens INTEGER NOT NULL, threads INTEGER NOT NULL,
            lang VARCHAR NOT NULL, text_hash VARCHAR NOT NULL, scored_tokens INTEGER NOT NULL, perplexity DOUBLE NOT NULL
        );
        """,
    ),
    (
        8,
        "documents that people add",
        """
        -- content_hash: of the file; words: of all passages, what BM25 takes the mean length from; edition: the rules that counted them
        CREATE TABLE documents (
            id UUID NOT NULL, title VARCHAR NOT NULL, file VARCHAR NOT NULL, format VARCHAR NOT NULL, size_bytes BIGINT NOT NULL,
            content_hash VARCHAR NOT NULL, pages INTEGER, passages INTEGER NOT NULL, words BIGINT NOT NULL,
            edition VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL
        );
        -- as passages and passage_words, apart from them: the drinks are filled again at will, and BM25 of one knows nothing of the other
        CREATE TABLE document_passages (
            id VARCHAR NOT NULL, subject_id VARCHAR NOT NULL, lang VARCHAR NOT NULL, title VARCHAR NOT NULL, text VARCHAR NOT NULL,
            number INTEGER NOT NULL, heading VARCHAR NOT NULL, page INTEGER, length INTEGER NOT NULL, vector FLOAT[]
        );
        CREATE TABLE document_words (
            passage_id VARCHAR NOT NULL, subject_id VARCHAR NOT NULL, lang VARCHAR NOT NULL,
            term VARCHAR NOT NULL, count INTEGER NOT NULL, length INTEGER NOT NULL
        );
        """,
    ),
    (
        9,
        "owners, the leaf of a conversation, jobs, what made an answer",
        """
        -- owner: the id of the visitor whose it is (records.Visitor); NULL belongs to administrators, as all that is older does
        ALTER TABLE conversations ADD COLUMN owner VARCHAR;
        ALTER TABLE documents ADD COLUMN owner VARCHAR;
        ALTER TABLE drink_versions ADD COLUMN owner VARCHAR;
        -- leaf: the last message of the branch that is shown; from there the parents lead back to the first
        ALTER TABLE conversations ADD COLUMN leaf UUID;
        -- until now every conversation was one line, read by time: it becomes the line of parents that the leaf leads along
        CREATE TEMP TABLE line AS
        SELECT q.id AS question, q.conversation_id, coalesce(arg_max(a.id, (a.created_at, a.id)), q.id) AS last,
               row_number() OVER (PARTITION BY q.conversation_id ORDER BY q.created_at, q.id) AS place
        FROM messages q LEFT JOIN messages a ON a.parent = q.id AND a.role = 'answer'
        WHERE q.role = 'question' GROUP BY q.id, q.conversation_id, q.created_at;
        UPDATE messages SET parent = before.last
        FROM line JOIN line AS before ON before.conversation_id = line.conversation_id AND before.place = line.place - 1
        WHERE messages.id = line.question AND messages.parent IS DISTINCT FROM before.last;
        UPDATE conversations SET leaf = final.last
        FROM (SELECT conversation_id, arg_max(last, place) AS last FROM line GROUP BY conversation_id) AS final
        WHERE final.conversation_id = conversations.id;
        DROP TABLE line;
        -- a row at each start (phase running) and each end: a job with more starts was cut by the end of its process
        -- subject: what a person calls it; error: {key, values} of a failed one
        CREATE TABLE jobs (
            id UUID NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, owner VARCHAR, phase VARCHAR NOT NULL,
            error JSON, created_at TIMESTAMP NOT NULL
        );
        -- identity: all that decides what is written, as one hash (generation/identity.py); NULL where a part of it was not known
        ALTER TABLE generations ADD COLUMN identity VARCHAR;
        ALTER TABLE generations ADD COLUMN adapter VARCHAR;
        ALTER TABLE generations ADD COLUMN adapter_scale DOUBLE;
        ALTER TABLE comparison_runs ADD COLUMN identity VARCHAR;
        -- good for as long as path, size and time of change are the same
        CREATE TABLE file_hashes (
            path VARCHAR NOT NULL, size_bytes BIGINT NOT NULL, modified_ns BIGINT NOT NULL, sha256 VARCHAR NOT NULL,
            created_at TIMESTAMP NOT NULL
        );
        """,
    ),
    (
        10,
        "facts, corrections of single ones, how an answer says a passage, what a person took back",
        """
        -- a version of drink_versions is what its rows here say; one without rows, and without a record, is as packaged
        -- (drink_versions.record: the whole drink, as the kdrinks before this kept it)
        -- field: of the drink's record; of a list a row for each item that differs: base NULL was added, value NULL taken out
        -- base: what the package said when the correction was made; place: the item's in the person's list, from 0
        CREATE TABLE corrections (
            change_id UUID NOT NULL, drink_id VARCHAR NOT NULL, field VARCHAR NOT NULL, place INTEGER NOT NULL,
            base JSON, value JSON, created_at TIMESTAMP NOT NULL
        );
        -- a row for each thing that a drink's record says, and for each figure of a sentence; made anew from the records when they change
        -- code: of a closed list (a tag, another drink's id, a level of safety); what: whose figure, group of tags or of safety
        -- edition: the state of the records that the rows were made from
        CREATE TABLE facts (
            drink_id VARCHAR NOT NULL, aspect VARCHAR NOT NULL, number INTEGER NOT NULL, what VARCHAR NOT NULL,
            value DOUBLE, value_max DOUBLE, unit VARCHAR NOT NULL, code VARCHAR NOT NULL, ko VARCHAR NOT NULL, en VARCHAR NOT NULL,
            sources VARCHAR[] NOT NULL, confidence VARCHAR NOT NULL, asked_ko VARCHAR NOT NULL, asked_en VARCHAR NOT NULL,
            edition VARCHAR NOT NULL
        );
        -- said: the sentences by which an answer says a passage, and up to where in its text; the rows are made again by the next start
        -- the column first: DuckDB refuses to alter a table that lost rows in the same transaction
        ALTER TABLE passages ADD COLUMN said STRUCT(sentence VARCHAR, until INTEGER)[];
        DELETE FROM passages;
        DELETE FROM passage_words;
        -- what a person cannot have and took back, for their conversation; gone where they say it again
        CREATE TABLE lifted_exclusions (conversation_id UUID NOT NULL, exclusion VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL);
        """,
    ),
    (
        11,
        "evaluations, verdicts of people, traces of answers",
        """
        -- one run of a question set under one setting; set_hash: of the set's questions, so that runs of two editions are not compared
        -- setting: what answered (model, template, adapter, seed, temperature; model "" is no model: the script read out)
        CREATE TABLE evaluation_runs (
            id UUID NOT NULL, question_set VARCHAR NOT NULL, set_hash VARCHAR NOT NULL, sealed BOOLEAN NOT NULL,
            questions INTEGER NOT NULL, setting JSON NOT NULL, owner VARCHAR, created_at TIMESTAMP NOT NULL
        );
        -- one row a question, written when it is answered: a run that was cut goes on with those that have none
        -- measured: what was counted of it; trace: as traces.trace
        CREATE TABLE evaluation_answers (
            run_id UUID NOT NULL, question_id VARCHAR NOT NULL, number INTEGER NOT NULL, answer VARCHAR NOT NULL,
            measured JSON NOT NULL, trace JSON NOT NULL, created_at TIMESTAMP NOT NULL
        );
        -- what a person judged when they read it: right, partly, wrong, unsafe, ugly, declined; the latest row counts
        CREATE TABLE verdicts (
            run_id UUID NOT NULL, question_id VARCHAR NOT NULL, verdict VARCHAR NOT NULL, owner VARCHAR, created_at TIMESTAMP NOT NULL
        );
        -- how an answer came to be (answer.Answer.trace): what was understood, candidates, prompt, constraint, timings
        CREATE TABLE traces (
            message_id UUID NOT NULL, conversation_id UUID NOT NULL, trace JSON NOT NULL, created_at TIMESTAMP NOT NULL
        );
        """,
    ),
    (
        12,
        "what of a document was not read",
        """
        -- kind: pictures, pages without text and so on; a row for each kind of which the file holds some
        CREATE TABLE document_unread (document_id UUID NOT NULL, kind VARCHAR NOT NULL, count BIGINT NOT NULL);
        """,
    ),
    (
        13,
        "how long an answer was thought about",
        """
        -- NULL and 0 alike: nothing was thought; what was, stands in the trace alone
        ALTER TABLE generations ADD COLUMN thought_s DOUBLE;
        ALTER TABLE generations ADD COLUMN thought_tokens INTEGER;
        """,
    ),
    (
        14,
        "log-ins by password, ratings of answers",
        """
        -- visitor: records.Visitor.id; session: of the browser, as a hash; outcome: right, wrong or ended, the latest of a session counts
        CREATE TABLE password_tries (
            visitor VARCHAR NOT NULL, session VARCHAR NOT NULL, outcome VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL
        );
        -- the latest row of an answer counts; good NULL: taken back; consent: question and answer may be used to train and test models
        CREATE TABLE ratings (
            message_id UUID NOT NULL, conversation_id UUID NOT NULL, good BOOLEAN, consent BOOLEAN NOT NULL, created_at TIMESTAMP NOT NULL
        );
        """,
    ),
    (
        15,
        "how many questions were asked",
        """
        -- on a hosted site, for its limits: hashes of the visitor and of the address, no text; a row goes after a day
        CREATE TABLE asked (id UUID NOT NULL, visitor VARCHAR NOT NULL, address VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL);
        """,
    ),
    (
        16,
        "names, pins and deletions of conversations that can be undone",
        """
        -- title: a person's own; NULL: the first question stands for it
        ALTER TABLE conversations ADD COLUMN title VARCHAR;
        ALTER TABLE conversations ADD COLUMN pinned_at TIMESTAMP;
        -- out of sight since then, and deleted when the time to undo it is over (forget.carry_out); NULL: it is there
        ALTER TABLE conversations ADD COLUMN deleted_at TIMESTAMP;
        """,
    ),
)

_MADE = re.compile(r"^\s*(?P<what>CREATE|DROP) TABLE (IF (NOT )?EXISTS )?(?P<table>\w+)", re.MULTILINE)


def tables_of(migrations: Iterable[tuple[int, str, str]]) -> set[str]:
    """Names of the tables that a store holds after these."""
    tables = {"migrations"}
    for _, _, sql in migrations:
        for found in _MADE.finditer(sql):
            (tables.add if found["what"] == "CREATE" else tables.discard)(found["table"])
    return tables
