"""Conversations that nobody stores: in the memory of this process until they are closed, the app ends, or newer ones take their place.

Nothing of them reaches the store: no text, no word, no timing, no trace. Safe to share between threads.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kdrinks.errors import BadInput, NotAllowed
from kdrinks.permissions import is_theirs, owner_of
from kdrinks.records import Exchange, Question, StoredQuestion, Visitor
from kdrinks.store.db import now

MOST = 200
"""At once; a page that was closed says nothing, so the one that was used the longest ago goes first."""


@dataclass(slots=True)
class _Chat:
    owner: str | None
    asked: dict[str, StoredQuestion] = field(default_factory=dict)
    """By the question's id, oldest first."""


class TemporaryChats:
    def __init__(self) -> None:
        self.on_end: Callable[[Sequence[str]], None] = lambda ids: None
        """Called with the ids of those that are over, so that no cache keeps them; must return at once."""
        self._chats: dict[str, _Chat] = {}
        self._lock = threading.Lock()

    def begin(self, who: Visitor, conversation_id: str) -> None:
        """Hold a conversation of a visitor's under this new id."""
        with self._lock:
            self._chats[conversation_id] = _Chat(owner_of(who))
            over = list(self._chats)[:-MOST]
            for one in over:
                del self._chats[one]
        if over:
            self.on_end(over)

    def ask(self, question: Question) -> None:
        """Put a question behind the others; one that is there already is asked again. Raises BadInput where it is over, NotAllowed."""
        with self._lock:
            chat = self._chats.get(question.conversation_id)
            if chat is None:
                raise BadInput("temporary_over")
            if not is_theirs(chat.owner, question.who):
                raise NotAllowed("not_yours")
            # the last used one is the last to go
            self._chats[question.conversation_id] = self._chats.pop(question.conversation_id)
            if question.id not in chat.asked:
                chat.asked[question.id] = StoredQuestion(
                    question.conversation_id, question.id, question.text, question.lang, now(), None, 0, False
                )

    def record(self, exchange: Exchange) -> bool:
        """Hold the answer to a question; False where the conversation is over or none of these."""
        with self._lock:
            chat = self._chats.get(exchange.conversation_id)
            if chat is None:
                return False
            asked = chat.asked[exchange.question_id]
            chat.asked[exchange.question_id] = replace(asked, exchange=exchange, answers=asked.answers + 1)
            return True

    def messages(self, who: Visitor, conversation_id: str) -> list[StoredQuestion]:
        """As chats.messages; empty for one that is over, unknown or another visitor's."""
        with self._lock:
            chat = self._chats.get(conversation_id)
            return list(chat.asked.values()) if chat and is_theirs(chat.owner, who) else []

    def end(self, who: Visitor, conversation_id: str) -> None:
        """Forget it; nothing for one that is unknown or another visitor's."""
        with self._lock:
            chat = self._chats.get(conversation_id)
            if chat is None or not is_theirs(chat.owner, who):
                return
            del self._chats[conversation_id]
        self.on_end([conversation_id])
