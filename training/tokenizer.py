"""The tokenizer of the built-in model: SentencePiece BPE with byte fallback, built so that copying is token for token.

- A Hangul syllable is one token; only the words of the answer frames and the verb endings of polite prose are merged. So an
  invented name has the same tokens in its passage and in the answer.
- A piece may begin with a space only before a lower-case English word. Titles begin with a capital or Hangul, so a title has
  the same tokens after <|passage|> and in mid-sentence.
- All 2,350 syllables of KS X 1001 are pieces whatever the data holds, so new data fits a tokenizer that was made before.
Knows nothing of the model. Everything here is a function of the data files.
"""

import collections
import re
from collections.abc import Iterable
from pathlib import Path

import sentencepiece

from kdrinks import kinds
from kdrinks.generation import templates
from training.pools import syllables

MARKS: tuple[str, ...] = (
    "<|passage|>",
    "<|user|>",
    "<|assistant|>",
    *(f"<|{kind}|>" for kind, row in kinds.TABLE.items() if not row.learned_as),
)
"""Control tokens; ids 3 and up, after <unk>, <s> and </s>."""

PIECES = 4736
"""Vocabulary size: 19 marks, 3 + 256 bytes, about 3,100 characters, the rest merges."""

_HANGUL = (
    *(
        "니다",
        "입니다",
        "습니다",
        "합니다",
        "됩니다",
        "십니다",
        "듭니다",
        "마십니다",
        "있습니다",
        "없습니다",
        "아닙니다",
    ),
    *("재료", "만드는", "이름", "다른", "비슷", "비슷한", "음료", "어울리는", "음식", "마시는", "지역", "제철"),
    *(
        "추천합니다",
        "견주어",
        "보겠습니다",
        "이렇습니다",
        "물어봐",
        "주세요",
        "드립니다",
        "알려",
        "전통",
        "한국",
        "자료",
        "내용",
    ),
)
"""The only Hangul that is merged. None ends in a particle: `주를` as one piece would break the copy of a name in `주`."""


def words_of(texts: Iterable[str]) -> collections.Counter[str]:
    """English words as they stand in text: a lower-case word keeps the space before it, others have none."""
    count: collections.Counter[str] = collections.Counter()
    for text in texts:
        for match in re.finditer(r"( ?)([A-Za-z]+)", text):
            space, word = match.groups()
            count[(space + word) if word[0].islower() else word] += 1
    return count


def frame_words() -> collections.Counter[str]:
    """The words of the answer frames, slots cut out, weighted so that they become whole pieces."""
    frames = [
        *(field.frame.en for field in kinds.FIELDS.values() if field.frame.en),
        templates.COMPARE["en"],
        templates.RECOMMEND["en"],
    ]
    frames += [*templates.DECLINE["en"].values(), "Ingredients: Other names: Korean: How to make: Season: Occasion:"]
    frames += ["Serve: Goes with: Region: Similar drinks: It is not true that"]
    count = words_of(re.sub(r"\{[^}]*\}", "", frame) for frame in frames)
    return collections.Counter({word: 300 for word in count} | {word: 1000 for word in _HANGUL})


def train(texts: Iterable[str], names: Iterable[str], out: Path) -> None:
    """Write the model file out. texts: everything whose characters must be pieces; English words of them are merged.

    names: words that are not merged, so that the names of known drinks are spelt in pieces like those of unknown ones.
    """
    texts = list(texts)
    spelt = {word.lower() for word in names}
    count = words_of(texts) + frame_words()
    count = collections.Counter({word: n for word, n in count.items() if word.strip().lower() not in spelt})
    corpus = out.with_suffix(".tsv")
    corpus.write_text("".join(f"{word}\t{times}\n" for word, times in sorted(count.items())), encoding="utf-8")
    characters = {c for text in texts for c in text if c not in " \t\r\n" and c.isprintable()}
    characters |= {chr(code) for code in range(0x21, 0x7F)} | set(syllables())
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        input_format="tsv",
        model_prefix=str(out.with_suffix("")),
        model_type="bpe",
        vocab_size=PIECES,
        byte_fallback=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        split_digits=True,
        split_by_unicode_script=True,
        split_by_number=True,
        character_coverage=1.0,
        required_chars="".join(sorted(characters)),
        control_symbols=list(MARKS),
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=1,
        minloglevel=1,
    )
    corpus.unlink()
    out.with_suffix(".vocab").unlink(missing_ok=True)


class Tokenizer:
    """Texts to ids and back; marks never come out of text, they are put in by id."""

    def __init__(self, model: Path) -> None:
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(model))
        self.size: int = self.pieces.get_piece_size()
        self.begin, self.end = 1, 2
        self.mark = {mark: self.pieces.piece_to_id(mark) for mark in MARKS}
        if 0 in self.mark.values():
            raise ValueError(f"{model} lacks a mark of this version: train it anew")

    def spellings(self) -> tuple[list[str], list[str]]:
        """The English words and parts of words, and the Hanja, that are one token each."""
        pieces = [self.pieces.id_to_piece(number).removeprefix("▁") for number in range(self.size)]
        english = [piece for piece in pieces if re.fullmatch("[A-Za-z]{2,}", piece)]
        return english, [piece for piece in pieces if re.fullmatch("[\u3400-\u9fff]", piece)]

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.pieces.encode(text)
        return ids

    def decode(self, ids: list[int]) -> str:
        text: str = self.pieces.decode(ids)
        return text

    def prompt(self, passages: Iterable[tuple[str, str, str]], question: str) -> list[int]:
        """The ids that the model sees. passages: (title, kind, text)."""
        ids = [self.begin]
        for title, kind, text in passages:
            ids += [
                self.mark["<|passage|>"],
                *self.encode(title),
                self.mark[f"<|{kinds.learned_as(kind)}|>"],
                *self.encode(text),
            ]
        return [*ids, self.mark["<|user|>"], *self.encode(question), self.mark["<|assistant|>"]]
