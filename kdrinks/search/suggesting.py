"""Whether somebody who must not have something, or does not want it, asks for drinks: so that nothing learned can take that wish for a question.

By words, as all that protects people. Pure: text with names masked.
"""

import re

from kdrinks.search import concerns

_SUGGESTS = re.compile(
    r"추천|권해|골라|대안|(?:음료|차|술|거|것)만? ?(?:좀 ?)?(?:알려|말해|찾아|골라|불러|나열)|(?:다른|딴) ?(?:거|것|걸|건|게|음료|술|차|종류|메뉴)"
    r"|(?:뭐|뭘|무엇을|(?:어떤|무슨) ?(?:거|걸|것|음료|술|차)(?:를|을)?)(?:를)? ?(?:마시|마실|마셔|먹|줄|주면|시킬|시키|고르|좋)"
    r"|(?:안 ?되는데|안 ?돼서|없는|빼고|말고|못 ?\S{1,3}는데) ?(?:\S+ )?뭐(?:가)? ?있"
    r"|마실 ?(?:만한|거|것|걸|게|음료|차|수 있는)|(?:줄|먹일|권할) ?(?:만한|건데|거|것|음료|수 있는)|(?:되는|가능한) ?(?:거|것|걸|건|음료|차)"
    r"|(?:빼고|말고|말구|제외하고|없이) ?(?:\S{1,4} )?(?:뭐|뭘|어떤|무슨)|(?:0 ?%|제로)(?:인|짜리)? ?(?:거|것|걸|건|음료)"
    r"|(?:무알코올|무알콜|논알콜|논알코올|무카페인|디카페인|무가당|무설탕|비건)(?:으?로| ?인| ?음료| ?뭐| ?거|은\W*$|은요)"
    r"|(?:없는|아닌|않는|않은|안 ?(?:든|들어간|들어가는|넣은)|뺀|빼고|말고|제외(?:하고|한)|괜찮은|프리|무\S{2,3}) ?(?:\S+ )?(?:거|것|걸|건|게|걸로|거로|음료|차|술|마실)"
    r"(?!야|예요|에요|지|죠|맞|인가)"
    r"|\b(?:recommend\w*|suggest\w*|ideas?|something|anything|alternatives?|options?|another|others?|else|instead"
    r"|which (?:drinks?|teas?|ones?|one|of (?:these|those|them))|what (?:other )?(?:drinks?|teas?)"
    r"|what (?:can|could|should|would|may|do|to|about)\b.*\b(?:drink|have|try|order|sip|get|serve|give|pour)"
    r"|[- ]free (?:drinks?|teas?|ones?|options?|please)|(?:drinks?|teas?|beverages?) (?:for|without|with no|that|which|minus|not)"
    r"|(?:any|some|one|(?<!pour )a) (?:\S+ ){0,3}(?:drinks?|teas?|ones?|options?|beverages?)|one (?:without|with no))\b",
    re.IGNORECASE,
)
"""What asks for drinks that are not named."""

ABOUT_IT = re.compile(
    r"넣|만들|만드|담그|빚|끓|이름|안주|음식|반찬|곁들|재료|보관|발음|읽|불러|부르|(?:그거|이거|그것|이것|그걸|이걸|그건|이건)(?! ?(?:말고|빼고|대신|이?랑 비슷|처럼|같은|보다))"
    r"|(?<!instead of )(?<!like )(?<!other than )(?<!besides )(?<!similar to )(?<!than )\b(?:it|its|this|that one)\b|\bcalled\b|made? with|\bfoods?\b|\bdish|\beat\b|ingredient|\badd\b|\bput\b|\buse\b|pronounce|\bstore\b|\bknow\b",
    re.IGNORECASE,
)
"""What asks after the drink that is spoken of: `다른 이름`, `something to eat with it`."""

_IS_IT = re.compile(
    r"^(?:(?:so|and|then|but|ok|okay)\W+)?(?:is|are|was|does|do|did|can|could|will|would|should|has) (?:it|this|that|they|these)\b",
    re.IGNORECASE,
)
_LEAVES_OUT = re.compile(
    r"없|말고|빼|뺀|됐|0 ?%|아닌|제외|프리|않|못|안 |무알|무카|논알|디카|\b(?:without|no|not|non|free|decaf|avoid|zero|except|besides)\b|n't",
    re.IGNORECASE,
)

_BARE = re.compile(
    r"\W*(?:그럼 |그러면 |아무거나 |하나만? |뭐 |좀 )*(?:추천|골라|권해)(?: ?좀)? ?(?:해 ?)?(?:줘|주세요|줄래|주실래요|바람|요)?\W*"
    r"|\W*(?:please |so |then )*(?:recommend|suggest)(?: me)?(?: something| one| anything)?(?: please| pls)?\W*",
    re.IGNORECASE,
)
"""`추천해줘` and nothing else: what was said to be left out stands, so that it must not be taken for anything else."""

OF_ONESELF = re.compile(
    r"못 ?(?:먹|마|드|해)|싫|안 (?:먹|마|좋아)|피하|끊|금주|민감|예민|\b(?:don't|do not|can't|cannot|can not|never|won't) (?:\w+ )?(?:drink|eat|have|like|want|take|touch|do|tolerate)\b|avoid|hate|dislike|quit"
    r"|gave up|\bsober\b|teetotal|allerg|intoleran|할랄|무슬림|이슬람|비건|채식|halal|muslim|vegan|vegetarian",
    re.IGNORECASE,
)
"""Says what a person does not take, whatever else is asked."""


def held(without_names: str) -> bool:
    """Whether its words ask for something to drink and say what it must not be, or who is to drink it."""
    if _BARE.fullmatch(without_names):
        return True
    if _IS_IT.search(without_names) or not _SUGGESTS.search(without_names):
        return False
    leaves_out = _LEAVES_OUT.search(without_names) or OF_ONESELF.search(without_names)
    return bool(leaves_out or concerns.named(without_names)) and not ABOUT_IT.search(without_names)
