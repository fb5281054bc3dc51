"""The errors a person can act on; everything else is a bug, and its traceback is in the log.

KdrinksError              key and values; message and hint in the reader's language
+ BadQuestion             empty, too long or unreadable question
+ BadInput                any other value a person typed or passed
+ NotAllowed             what only an administrator, or only its owner, may do
+ Busy                   too many questions, of one visitor or of all: the same one is answered a little later
+ ModelError
| + ModelNotFound         no such id or file
| + NotAModel             the file is no GGUF, is broken, or holds no language model
| + LoadFailed            llama.cpp could not load it (memory, driver)
| + EngineDied            the worker process ended in mid-answer
| + ContextTooSmall       system text and question alone do not fit
| + HubError              the Hub refuses, is out of reach, or sends something else; a download cannot go on
+ StoreError
| + StoreLocked           another process holds the database
| + StoreDamaged          the database cannot be opened or read
| + StoreNotWritable      read-only or full disk
+ KnowledgeError          the packaged data cannot be read

A class exists only where a caller treats it differently; the texts of all keys are in i18n/errors.toml.
"""

from kdrinks import i18n


class KdrinksError(Exception):
    """key: entry under [errors] with `message` and `hint`; values: fill their {placeholders}."""

    def __init__(self, key: str, /, **values: object) -> None:
        self.key = key
        self.values = values
        super().__init__(key, values)

    def message(self, lang: str = "en") -> str:
        """What happened, with the value."""
        return i18n.text(f"errors.{self.key}.message", lang, **self.values)

    def hint(self, lang: str = "en") -> str:
        """What to do next."""
        return i18n.text(f"errors.{self.key}.hint", lang, **self.values)

    def __str__(self) -> str:
        return f"{self.message()} {self.hint()}"


class BadQuestion(KdrinksError): ...


class BadInput(KdrinksError): ...


class NotAllowed(KdrinksError): ...


class Busy(KdrinksError): ...


class ModelError(KdrinksError): ...


class ModelNotFound(ModelError): ...


class NotAModel(ModelError): ...


class LoadFailed(ModelError): ...


class EngineDied(ModelError): ...


class ContextTooSmall(ModelError): ...


class HubError(ModelError): ...


class StoreError(KdrinksError): ...


class StoreLocked(StoreError): ...


class StoreDamaged(StoreError): ...


class StoreNotWritable(StoreError): ...


class KnowledgeError(KdrinksError): ...
