"""Which of the things that a text names are not wanted: `꿀이나 견과류 없는`, `without honey or nuts`, `nut-free`. Pure; Korean and English."""

import re
from collections.abc import Iterable

_HOLDING = r"(?:(?:들어 ?간|들어 ?가는|들어 ?있는|든|함유된|섞인|넣은|있는) ?(?:건|거|것|걸|음료|차|술)?)"
_ADVERB = (
    r"(?:하나도|전혀|아예|절대로?|조금도|좀|둘 ?다|모두|전부|다|영|진짜로?|정말로?|너무|도저히|아주|별로|잘|원래|일절|일체|통|도무지|완전|그닥|그다지|거의"
    r"|이제는?|요즘은?|평생|한 ?(?:방울|모금|잔)도|입에도|냄새도)"
)
"""What may stand between a thing and its negation: `술은 영 못 먹고`. Other words do not: `술 마시고 싶은데 안 독한` wants liquor."""
_NOT_KO = re.compile(
    rf"^(?:류|성분|함유|기운)?(?:이|가|은|는|을|를|도|에는|엔)?\s*(?:{_ADVERB} ){{0,2}}(?:{_HOLDING}(?:은|는|을|를|이|도)?\s*)?"
    r"(?:없(?!(?:어|나|을까|니|냐|는가)(?:요)?\W*$)|말고|말구|빼|뺀|아닌|아니|제외|제로|못|질색|극혐|꺼리|꺼려|사절|별로(?=\W*$|[예에라고인네임야여이지])|안(?=[ 들넣먹마되된돼좋하해드]|$)|피하|피해|싫|금지|금물|됐|사양|패스|그만|프리|삼가|끊|불내|들어가지 ?않|들지 ?않|들어 ?있지 ?않|넣지 ?않|섞지 ?않|섞이지 ?않"
    r"|(?:마시|먹|즐기|좋아하)지 ?(?:않|못|말|마)|(?:마시|먹|들어 ?가|들어 ?있|있)으?면 안|에? ?(?:알레르기|알러지|과민|예민|민감)|무첨가|0 ?(?:%|퍼센트|프로))"
)
_NOT_EN_BEFORE = re.compile(
    r"(?:\b(?:(?:anything|everything) but|without|no|not|non|never|neither|nor|free of|free from|except(?: for)?|avoid(?:ing)?|besides|other than|instead of|zero|0 ?%|minus|sans|hate[sd]?|dislikes?|loathes?|(?:sick|tired) of|fed up with|(?:gave|given) up|quit|can't|cannot|can not|isn't|aren't|steer clear of"
    r"|stay away from|off|(?:do|does|did) not (?:want|like|drink|have|eat|contain|touch|stand|handle|stomach|fancy|care for)|allergic to|intolerant (?:to|of)|cut out|skip|hold the|leave out|nothing)"
    r"|n't (?:want|like|drink|have|eat|contain|use|do|take|tolerate|touch|stand|handle|stomach|fancy|care for))[ '\"-]+(?:(?!but\b|for\b|in\b)\w+[ '\"-]+){0,3}$|\bun$"
)
_NOT_EN_AFTER = re.compile(
    r"^(?:s|ated)?(?:[- ]?free\b|less\b| ?allerg| ?intoleran| (?:is|are) (?:not|a no|out|off|forbidden|banned)\b|,? (?:is|are)n't)"
)
_WELCOME = re.compile(
    r"^s? (?:is|are|would be) (?:fine|ok(?:ay)?|good|great|welcome|allowed)\b|^(?:은|는|이나|까지는|정도는)? ?(?:괜찮|상관없|환영|돼요|됩니다|돼(?=\W*$))"
)
"""Behind a thing: `no nuts, honey is fine`."""
_AND = re.compile(
    r"(?:s|류|성분|알레르기)?-?\s*(?:(?:이?나|이?랑|하고|[와과도],?|및|또는|그리고|[,·/&+]|and|or|nor|any|no|without)\s*)+"
)
"""What stands between two things that are named in one breath: `꿀이나 견과류 없는`, `without honey, nuts or gluten`."""


def as_having(text: str) -> str:
    """`생강밖에 없는데` says what there is, though it says `없`."""
    return text.replace("밖에 없", "만 있").replace("밖엔 없", "만 있").replace("뿐이", "만 있")


class Things:
    """The things of a text that one may want or not, by the places where they are named."""

    def __init__(self, text: str, places: Iterable[tuple[int, int]]) -> None:
        self._text = text
        self._places = sorted(set(places))

    def any_refused(self, pattern: re.Pattern[str]) -> bool:
        return any(self.refused(*match.span()) for match in pattern.finditer(self._text))

    def refused(self, start: int, end: int) -> bool:
        """Whether what stands there is not wanted; of several named in one breath the negation stands before or behind them all."""
        if _WELCOME.match(self._text[end:]):
            return False
        if self._beside_a_negation(start, end):
            return True
        for begin, stop in reversed(self._places):
            if stop <= start and self._listed(stop, start):
                start = begin
        for begin, stop in self._places:
            if begin >= end and self._listed(end, begin):
                end = stop
        return self._beside_a_negation(start, end)

    def _listed(self, stop: int, begin: int) -> bool:
        between = self._text[stop:begin]
        return bool(_AND.fullmatch(between)) or (between == " " and "가" <= self._text[begin] <= "힣")

    def _beside_a_negation(self, start: int, end: int) -> bool:
        begins = max((stop for _, stop in self._places if stop <= start), default=0)
        ends = min((begin for begin, _ in self._places if begin >= end), default=len(self._text))
        before, behind = self._text[begins:start], self._text[end:ends]
        return bool(_NOT_KO.match(behind) or _NOT_EN_BEFORE.search(before) or _NOT_EN_AFTER.match(behind))
