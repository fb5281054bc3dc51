"""The views that analysts query, one row of documentation each; docs/analysts.md and the page print these very texts.

Names and columns here are a promise: add, never rename. Times are UTC. Only the shown analyser version's words are in `words`. Nothing of a
conversation that was deleted and can still be taken back is in any.
"""

import re
from dataclasses import dataclass

# A folder's name in an error message says where someone keeps their files; the file's name is enough to understand it.
_FOLDERS = r"(^|[\s(\x27\x22])([A-Za-z]:|~)?[/\\](?:[^/\\\n\x27\x22:]+[/\\])*"
NO_PATHS = rf"regexp_replace(error, '{_FOLDERS}', '\1', 'g')"

MADE_HERE = "NOT starts_with(details::VARCHAR, '{\"imported\":')"
"""Of generations: this app wrote it, no file says so. What a file holds begins its details with that name (store.trees), for reading the
JSON of 200,000 rows takes a second."""


AWAY = "SELECT id FROM conversations WHERE deleted_at IS NOT NULL"
"""A query for the conversations that were deleted on the page and can still be taken back."""
_THERE = f"conversation_id NOT IN ({AWAY})"


def without_folders(text: str) -> str:
    """As NO_PATHS, for a text that is at hand."""
    return re.sub(_FOLDERS, r"\1", text)


@dataclass(frozen=True, slots=True)
class ViewOfData:
    name: str
    sql: str
    columns: tuple[tuple[str, str], ...]
    """(name, what it holds in English), in the view's order."""


VIEWS: tuple[ViewOfData, ...] = (
    ViewOfData(
        "conversations",
        "SELECT id, created_at, session = 'sample' AS sample FROM conversations WHERE deleted_at IS NULL ORDER BY created_at, id",
        (
            ("id", "UUID of the conversation"),
            ("created_at", "when it began"),
            ("sample", "true for the made-up conversations of the sample data"),
        ),
    ),
    ViewOfData(
        "messages",
        f"SELECT id, conversation_id, parent, role, lang, text, created_at FROM messages WHERE {_THERE} ORDER BY created_at, id",
        (
            ("id", "UUID of the message"),
            ("conversation_id", "its conversation"),
            (
                "parent",
                "an answer's question; the answer that a question follows, NULL for the first; versions share one",
            ),
            ("role", "question or answer"),
            ("lang", "ko or en"),
            ("text", "what was said"),
            ("created_at", "when it was stored"),
        ),
    ),
    ViewOfData(
        "answers",
        f"""
        SELECT message_id, conversation_id, created_at, lang, finish, {NO_PATHS} AS error, guard,
               json_extract_string(details, '$.intent') AS intent, model_id AS model, parse_filename(file) AS file, quantization,
               context_tokens, device_used AS device, gpu_layers, layers, threads, cold, queue_s, load_s, retrieve_s, prompt_tokens,
               cached_tokens, prompt_s, thought_tokens, thought_s, first_token_s, completion_tokens, completion_s, tokens_per_s, total_s,
               predicted_memory_bytes, measured_memory_bytes, parse_filename(adapter) AS adapter, adapter_scale, identity
        FROM generations WHERE {_THERE} ORDER BY created_at, message_id
        """,
        (
            ("message_id", "the answer's id in messages"),
            ("conversation_id", "its conversation"),
            ("created_at", "when it ended"),
            ("lang", "ko or en"),
            ("finish", "stop, length, repeated (a loop, cut off), stopped (by the person) or failed"),
            ("error", "the message shown for a failed answer"),
            ("guard", "kept, repaired, said, quoted, fixed, quote_first, no_notes or off"),
            ("intent", "what the question was taken to ask for"),
            ("model", "id of the model; NULL when none was loaded"),
            ("file", "name of its file"),
            ("quantization", "such as Q4_K_M"),
            ("context_tokens", "size of the context"),
            ("device", "cpu, cuda, metal, vulkan or split"),
            ("gpu_layers", "layers on the GPU"),
            ("layers", "layers in all"),
            ("threads", "threads on the CPU"),
            ("cold", "true when the model was loaded for this answer"),
            ("queue_s", "seconds waiting for others"),
            ("load_s", "seconds loading the model"),
            ("retrieve_s", "seconds searching the knowledge"),
            ("prompt_tokens", "tokens of the prompt"),
            ("cached_tokens", "of these, not read again"),
            ("prompt_s", "seconds reading the prompt"),
            ("thought_tokens", "tokens of what was thought before the answer; NULL or 0: nothing was"),
            ("thought_s", "seconds of that"),
            ("first_token_s", "seconds from the engine taking the request to the first text"),
            ("completion_tokens", "tokens written"),
            ("completion_s", "seconds from the first to the last token"),
            ("tokens_per_s", "writing speed"),
            ("total_s", "seconds from the question to the end"),
            ("predicted_memory_bytes", "memory predicted before loading"),
            ("measured_memory_bytes", "memory of the engine after loading"),
            ("adapter", "name of the adapter's file; NULL without one"),
            ("adapter_scale", "its strength"),
            ("identity", "same model, adapter, prompt, sampling and data have the same; NULL where it is not known"),
        ),
    ),
    ViewOfData(
        "words",
        "SELECT message_id, conversation_id, created_at, role, lang, model_id AS model, word, pos, count FROM words"
        f" WHERE analyser_version = (SELECT version FROM analysers ORDER BY created_at DESC LIMIT 1) AND {_THERE} ORDER BY created_at, message_id, word",
        (
            ("message_id", "the message it was said in"),
            ("conversation_id", "its conversation"),
            ("created_at", "when the answer was stored"),
            ("role", "question or answer"),
            ("lang", "ko or en"),
            ("model", "id of the model that answered"),
            ("word", "dictionary form"),
            ("pos", "drink, noun, english, verb or adjective"),
            ("count", "how often it was said in the message"),
        ),
    ),
    ViewOfData(
        "citations",
        "SELECT message_id, conversation_id, created_at, number, passage_id, subject_id, kind, lang, title, score FROM citations"
        f" WHERE {_THERE} ORDER BY created_at, message_id, number",
        (
            ("message_id", "the answer that cites"),
            ("conversation_id", "its conversation"),
            ("created_at", "when it was stored"),
            ("number", "as marked in the text"),
            ("passage_id", "the passage"),
            ("subject_id", "the drink, topic or belief"),
            ("kind", "what the passage is about"),
            ("lang", "ko or en"),
            ("title", "name of the subject"),
            ("score", "of the search; comparable within one answer"),
        ),
    ),
)
