"""Asking the real engine in few words: what its tests send, and what they look at in what comes back."""

from kdrinks.config import BUILT_IN_FILE
from kdrinks.engine.protocol import Build, Done, Event, Text
from kdrinks.records import Choice, LocalModel, Message, Sampling

BUILT_IN = Choice(LocalModel("built-in", BUILT_IN_FILE))
SIKHYE = ({"title": "식혜", "kind": "ingredients", "text": "재료: 밥, 엿기름, 물"},)
ASK = [Message("user", "식혜의 재료는?", question="식혜 재료가 뭐예요?", passages=SIKHYE)]
ON_AND_ON = Sampling(max_tokens=100_000, temperature=1.0, top_k=20, top_p=1.0)


def asks(messages: list[Message]) -> Build:
    return lambda count, context_tokens: messages


def says(text: str) -> Build:
    return asks([Message("user", text)])


def written(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def done(events: list[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]
