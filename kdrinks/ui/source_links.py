"""How a source's address is shown: its title and host as a link, copies of other works marked."""

from kdrinks.drinks import sources
from kdrinks.ui.frame import lang, t
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.marks import web_address


def link(address: str) -> str:
    """Markdown; what is no web address, such as a book, is shown without a link."""
    source = sources.describe(address, lang())
    label = source.title if source.host in source.title else f"{source.title} ({source.host})"
    target = web_address(address)
    linked = f"[{as_plain(label)}](<{target}>)" if target else as_plain(label)
    return f"{linked} :gray-badge[{t('drinks.mirror')}]" if source.mirror else linked
