"""Characters and marks of Markdown made harmless, and addresses for its links. Pure; no streamlit.

Streamlit renders GitHub's Markdown and marks of its own (`:red[…]`, `:beer:`, `:material/home:`, `->`), and makes links of addresses.
What Markdown can escape is escaped. The rest is replaced in texts whose escapes are gone, so a mark is cut in two there: by an empty
directive, which draws nothing and is not copied.
"""

import re
from urllib.parse import quote, urlsplit

CUT = ":small[]"
"""An empty span between two characters of a mark."""

_MARK = re.compile(
    # :red, :smile:, :material/home:, ::leaf, `:1` before a bracket and https:// behind their first colon
    r":(?=[^\W\d_]|[:/]|[\w+-]+:|[\w-]+(?:\[|$)|[^\s\x00-\x7f])"
    # ->, <-, <->, --, >=, <=, ~=, whatever stands around them: that may be the end of a text, where Streamlit takes them, too
    r"|<(?=-)|-(?=>)|(?<!-)-(?=-(?!-))|[<>~](?==)"
    # mail addresses and addresses without a scheme, of which GitHub makes links
    r"|@(?=\w)|www(?=\.)",
    re.IGNORECASE,
)
_WEB = re.compile("https?://", re.IGNORECASE)
_UNFIT = re.compile(r"[^\w\-.~:/?#@&'+,;=%]")


def escaped(text: str, special: re.Pattern[str]) -> str:
    """A line of text with a backslash before what is special, and whatever is replaced for all that cut in two."""
    cut = _MARK.sub("\\g<0>\0", text.replace("\0", ""))
    return special.sub(r"\\\g<0>", cut).replace(":\0", f"\\:{CUT}").replace("\0", CUT)


def web_address(address: str) -> str:
    """The address as a link's destination in Markdown; "" for one that is not http or https.

    What could end the destination or begin something else is percent-encoded, which leads to the same page.
    """
    address = address.strip()
    try:
        host = urlsplit(address).netloc
    except ValueError:  # brackets that hold no address
        return ""
    if not _WEB.match(address) or not host or _UNFIT.search(host):
        return ""
    encoded = _UNFIT.sub(lambda unfit: quote(unfit[0], safe=""), address)
    # Streamlit writes another address wherever it reads an icon; an ampersand could begin a character reference
    return encoded.replace(":material/", "%3Amaterial/").replace("&", "&amp;")
