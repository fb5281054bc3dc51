"""Draws a conversation: welcome, questions, finished answers with what they rest on, and the one that is being written.

Only watches answers: leaving, clicking and refreshing never touch one; Stop is a call on the answer. Knows no SQL and no model.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from math import ceil
from pathlib import Path

import streamlit as st

from kdrinks import answer
from kdrinks.answer import Answer
from kdrinks.errors import KdrinksError, StoreError
from kdrinks.records import StoredQuestion
from kdrinks.services import Services
from kdrinks.store import chats, forget, ratings, traces
from kdrinks.store.ratings import Rating
from kdrinks.ui.chat import conversations, evidence, exclusions, rating, rows, thought
from kdrinks.ui.frame import (
    address_of_connection,
    as_state,
    get_services,
    in_public,
    session,
    show_error,
    t,
    visitor,
)
from kdrinks.ui.markdown_text import as_markdown, as_plain

SHOWN = 15
"""Questions drawn again at each run; 60 messages more cost 0.2 s before the first word."""
EXAMPLES = ("sikhye_vs_sujeonggwa", "makgeolli_making", "winter_teas", "andong_soju_strength")
PICTURES = Path(__file__).parent.parent / "static"
QUESTION_KEY = "question"
REFUSED_KEY = "refused"
EARLIER_KEY = "earlier"
WATCH_S = 0.1
"""How often the text is drawn again: per token it saturates the browser, each time sends the whole text."""


def draw(services: Services) -> None:
    """The chat page. Raises StoreError."""
    temporary, who = conversations.temporary(), visitor()
    conversation_id = temporary or conversations.current()
    # the answer first: one that ends between the two reads is then in the store
    live = answer.running(services, who, conversation_id) if conversation_id else None
    asked = chats.messages(services.db, who, conversation_id) if conversation_id else []
    traced = traces.kept(services.db, who, conversation_id) if conversation_id else frozenset()
    rated = ratings.of(services.db, who, conversation_id) if conversation_id and services.settings.hosted else {}
    if temporary:
        asked = services.temporary.messages(who, temporary)
        st.info(t("chat.temporary"), icon=":material/visibility_off:")
    elif conversation_id and not asked and live is None:
        st.info(t("chat.unknown_conversation"), icon=":material/help:")
        conversations.close()
    if not asked:
        _draw_welcome(services)
    for exchange in _newest(asked):
        _draw_question(exchange.question_id, exchange.question)
        if live is None or exchange.question_id != live.question.id:
            _draw_answer(services, exchange, traced, rated)
    watched = st.container()
    if refused := st.session_state.pop(REFUSED_KEY, None):
        show_error(KdrinksError(refused["key"], **refused["values"]))
        if "typed" in refused:  # back into the box
            st.session_state[QUESTION_KEY] = refused["typed"]
    if live is None and not temporary:  # what is taken back is stored
        exclusions.draw(services, asked)
    # never disabled: it would lose the focus, and a question that comes too early goes back into the box
    st.chat_input(t("chat.placeholder"), key=QUESTION_KEY, on_submit=_ask_typed)
    if live is not None:
        with watched:
            _watch(live)
            if isinstance(live.error, StoreError):  # nothing recorded it: a rerun would lose the text
                show_error(live.error)
                return
        st.rerun()


def _newest(asked: Sequence[StoredQuestion]) -> Sequence[StoredQuestion]:
    count = (
        SHOWN if not st.session_state.get(EARLIER_KEY) == (asked[0].conversation_id if asked else "") else len(asked)
    )
    if len(asked) > count:
        st.button(
            t("chat.earlier", count=len(asked) - count),
            icon=":material/expand_less:",
            type="tertiary",
            on_click=lambda: st.session_state.update({EARLIER_KEY: asked[0].conversation_id}),
        )
    return asked[-count:]


def _draw_welcome(services: Services) -> None:
    with st.container(key="welcome"):
        st.title(t("chat.title"), anchor=False)
        st.markdown(t("chat.welcome_text"))
        if services.settings.hosted:
            days = forget.kept_days(services.db)
            st.caption(t("chat.kept_for_days", days=days) if days else t("chat.kept"))
        with st.container(key="examples"):
            for name in EXAMPLES:
                question = t(f"examples.{name}")
                st.button(
                    f"**{question}**\n\n{t(f'examples.{name}_about')}",
                    key=f"example-{name}",
                    width="stretch",
                    on_click=_ask,
                    args=(question,),
                )


def _draw_question(question_id: str, question: str) -> None:
    with st.container(key=f"asked-{question_id}"), st.chat_message(t("chat.you"), avatar=PICTURES / "you.svg"):
        st.text(question)


def _draw_answer(
    services: Services, asked: StoredQuestion, traced: Collection[str], rated: Mapping[str, Rating]
) -> None:
    """traced: ids of the answers that have a trace.   rated: what was said of them."""
    with st.chat_message(t("chat.guide"), avatar=PICTURES / "guide.svg"):
        if asked.exchange is None:
            st.warning(t("chat.interrupted"), icon=":material/power_off:")
            _draw_retry(asked)
            return
        exchange = asked.exchange
        read = partial(traces.of, services.db, visitor(), exchange.message_id)
        thought.draw(exchange, read)
        if exchange.answer:
            evidence.draw_text(exchange)
            rows.draw(services, exchange)
        elif exchange.finish != "failed" and not thought.only(exchange):
            st.caption(t("chat.no_text"))
        if thought.only(exchange):
            st.warning(t("chat.thought_only"), icon=":material/psychology:")
            _draw_retry(asked, t("chat.retry_without_thinking"), thinking=False)
        if exchange.finish == "failed":
            st.error(f"**{t('chat.failed')}** {as_plain(in_public(exchange.error or ''))}", icon=":material/error:")
            _draw_retry(asked)
        elif exchange.finish in ("stopped", "length", "repeated") and not thought.only(exchange):
            st.caption(f":material/stop_circle: {t(f'chat.{exchange.finish}')}")
        evidence.draw(exchange, read if exchange.message_id in traced else None)
        # of what came from a file there is nothing to say to this site, and nothing to consent to
        rated_here = "imported" not in exchange.details and not conversations.temporary()
        if services.settings.hosted and exchange.finish != "failed" and rated_here:
            rating.draw(exchange.message_id, rated)


def _draw_retry(asked: StoredQuestion, label: str = "", *, thinking: bool | None = None) -> None:
    st.button(
        label or t("chat.retry"),
        icon=":material/refresh:",
        key=f"retry-{asked.question_id}",
        on_click=_ask,
        args=(asked.question,),
        kwargs={"question_id": asked.question_id, "thinking": thinking},
    )


def _watch(live: Answer) -> None:
    """Draw the answer as it grows, until it ends."""
    with st.chat_message(t("chat.guide"), avatar=PICTURES / "guide.svg"):
        quoted, place = st.empty(), st.empty()
        st.button(
            t("chat.stop"),
            icon=":material/stop_circle:",
            key="stop",
            on_click=_stop,
            args=(live.question.conversation_id,),
        )
        drawn: object = None
        apart = False
        while True:
            ended = live.wait(WATCH_S)
            state = (live.text, live.draft.thought, live.own_from, live.phase, _counted_down(live.phase_values))
            if state != drawn:
                drawn = state
                text, thoughts, own_from, phase, values = state
                if own_from is None and phase not in (
                    "writing",
                    "done",
                ):  # what is there was quoted, the model is to come
                    if text:
                        quoted.markdown(as_markdown(text))
                    text = ""
                elif own_from and not apart:
                    apart = True
                    quoted.markdown(as_markdown(text[:own_from]))
                    with place.container():
                        place = evidence.own_words("live").empty()
                with place.container():
                    _draw_state(text[own_from or 0 :], thoughts, phase, values, thought_s=live.draft.thinking_s)
            # a click or page change reaches this thread only where it touches Streamlit
            _ = QUESTION_KEY in st.session_state
            if ended:
                return


def _counted_down(values: Mapping[str, float]) -> dict[str, float]:
    """An answer's phase_values with the whole seconds that are left to wait, so that it is drawn again as they pass."""
    left_s = values.get("until", 0.0) - time.monotonic()
    return {name: value for name, value in values.items() if name != "until"} | {"left_s": max(0, ceil(left_s))}


def _draw_state(text: str, thoughts: str, phase: str, values: dict[str, float], *, thought_s: float) -> None:
    if thoughts:
        thought.draw_live(thoughts)
    fraction = values.get("fraction", values.get("done", 0) / max(values.get("total", 0), 1))
    if text:
        st.markdown(as_markdown(f"{text} ▌", unfinished=True))
        return
    if phase == "reading" and not values.get("total"):
        phase = "searching"  # the prompt is being built: nothing is counted yet
    if phase == "queued" and values.get("left_s"):
        phase = "queued_for"
    words = t(
        f"chat.phase_{'writing' if phase == 'done' else phase}",
        left=int(values.get("left_s", 0)),
        position=int(values.get("position", 0)),
        percent=round(100 * values.get("fraction", 0)),
        done=int(values.get("done", 0)),
        total=int(values.get("total", 0)),
        seconds=f"{thought_s:.0f}",
    )
    if phase == "loading" or values.get("total"):
        st.progress(min(fraction, 1.0), text=words)
    else:
        st.markdown(f":shimmer[{words}…]")


def _ask_typed() -> None:
    typed = st.session_state[QUESTION_KEY]
    _ask(typed)
    if REFUSED_KEY in st.session_state:
        st.session_state[REFUSED_KEY]["typed"] = typed


def _ask(question: str, *, question_id: str = "", thinking: bool | None = None) -> None:
    """Ask in the open conversation; what was wrong is shown by the run that follows."""
    try:
        started = answer.ask(
            get_services(),
            visitor(),
            question,
            conversation_id=conversations.temporary() or conversations.current() or "",
            temporary=bool(conversations.temporary()),
            session=session(),
            address=address_of_connection(),
            question_id=question_id,
            thinking=thinking,
        )
    except KdrinksError as error:
        st.session_state[REFUSED_KEY] = as_state(error)
    else:
        if not conversations.temporary():
            conversations.open_one(started.question.conversation_id)


def _stop(conversation_id: str) -> None:
    if live := answer.running(get_services(), visitor(), conversation_id):
        live.stop()
