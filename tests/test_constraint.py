"""A model that is held to sentences can say nothing else, whatever it would rather write."""

import numpy as np

from kdrinks.engine.constraint import HeldSentence, SentenceConstraint

END, VOCABULARY = 0, 20


def write(held: SentenceConstraint, wishes: list[int]) -> list[int]:
    """Greedy decoding of a model that wants exactly `wishes`, its second choice being the smallest id."""
    written = []
    for wish in wishes:
        logits = -np.arange(VOCABULARY, dtype=np.float32)
        logits[wish] = 1.0
        held.mask(logits)
        token = int(logits.argmax())
        if token == END:
            break
        held.accept(token)
        written.append(token)
    return written


def sentence(*tokens: int, begins: bool = True, may_end: bool = True, after: tuple[int, ...] = ()) -> HeldSentence:
    return HeldSentence(tokens, (9, *tokens), begins, may_end, after)


def sentences() -> SentenceConstraint:
    return SentenceConstraint([sentence(1, 2, 3, after=(2,)), sentence(1, 2, 4, 5), sentence(7, 8, after=(0, 1))], END)


def test_what_the_sentences_hold_is_written_as_the_model_wants_it() -> None:
    held = sentences()
    assert write(held, [7, 8, 9, 1, 2, 3, END]) == [7, 8, 9, 1, 2, 3]
    assert held.corrections == 0


def test_anything_else_is_bent_back_into_a_sentence_and_counted() -> None:
    held = sentences()
    assert write(held, [1, 2, 15, 3, END]) == [1, 2, 3]
    assert held.corrections > 0


def test_an_answer_cannot_end_inside_a_sentence_or_before_the_first() -> None:
    assert write(sentences(), [END, 2, END, END, END]) == [1, 2, 3]


def test_steps_come_in_their_order_and_to_the_end() -> None:
    steps = [
        sentence(1, may_end=False, after=(1,)),
        sentence(2, begins=False, may_end=False, after=(2,)),
        sentence(3, begins=False),
    ]
    assert write(SentenceConstraint(steps, END), [3, END, 3, END, END, 2, END]) == [1, 9, 2, 9, 3]


def test_an_answer_ends_where_nothing_may_follow() -> None:
    assert write(SentenceConstraint([sentence(7, 8)], END), [7, 8, 9, 7, 8]) == [7, 8]


def test_a_sentence_that_begins_another_may_go_on_or_end() -> None:
    both = [sentence(1, 2), sentence(1, 2, 3)]
    assert write(SentenceConstraint(both, END), [1, 2, END]) == [1, 2]
    assert write(SentenceConstraint(both, END), [1, 2, 3, END]) == [1, 2, 3]
