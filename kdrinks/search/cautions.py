"""What is on alcohol, pregnancy, infants, allergies or medicine: the words of a question that say so, and the passages. Pure."""

import re

from kdrinks.kinds import QUOTED, Intent
from kdrinks.records import Passage

MEDICINE = re.compile(
    r"약(?:을|이랑|과|하고)? ?(?:같이|함께|먹|복용)|복용|(?:감기|두통|혈압|당뇨|수면|피임|소염|위장|진통|갑상선|우울증)[약제]|항(?:생|응고|우울|암|히스타민)|신경안정|안정제"
    r"|처방(?:받|약|전)|한약(?!재)|영양제|면역억제|스테로이드|타이레놀|와파린|아스피린|이부프로펜|인슐린|메트포르민|스타틴|니다졸|약국"
    r"|medicin|medication|\bmeds\b|prescri|antibiotic|antihistamine|antidepress|\bpills?\b|painkiller|blood thinner|birth control|contracepti"
    r"|warfarin|aspirin|ibuprofen|tylenol|paracetamol|acetaminophen|insulin|metformin|\w+nidazole\b|\bstatins?\b|steroid|lithium|supplements?\b|chemo",
    re.IGNORECASE,
)
"""Who says so takes medicine."""
DIABETES = re.compile("당뇨|혈당|diabet|blood sugar", re.IGNORECASE)
"""So may who says so: a drink without sugar can still be one that goes badly with drugs against diabetes."""

SENSITIVE: dict[Intent, re.Pattern[str]] = {
    "pregnancy": re.compile(
        r"임신|임산부|임부|산모|산부인과|만삭|홀몸|출산|산후|(?:애|아이|아기)를? ?가(?:진|졌)|젖먹이|젖을? ?먹|수유|입덧|태아|태교|모유|뱃속|예비 ?(?:맘|엄마)|시험관|난임|임테기"
        r"|pregnan|breast.?fe|nursing|trimester|lactat|(?:\bi'?m|\bam|\bis|\bare|wife|we're|she's) expecting|expectant|mo[mu]m?.to.be|mother.to.be|trying to conceive|postpartum"
        r"|unborn|f(?:o)?etus|morning sickness",
        re.IGNORECASE,
    ),
    "infant": re.compile(
        r"아기|아가(?![리씨])|영아|유아|신생아|갓난|이유식|\d+ ?개월|돌 ?(?:전|안|도|된|지난|쟁이)|(?:두|세) ?돌|돌인데|걸음마|아이(?!스|디)|어린이|애(?:들|한테|기)|우리 애|꼬마|꼬맹이|조카|손주|손자|손녀"
        r"|(?<![가-힣])(?:아들|딸)(?!기)|유치원|초등|초딩|(?<!\d)[1-9] ?살|(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉) ?살"
        r"|\b(?:baby|babies|infants?|newborns?|toddlers?|kids?|kiddo|(?:grand)?child(?:ren)?|(?:grand)?(?:sons?|daughters?)|nephews?|nieces?|preschoolers?|kindergart\w+|little ones?)\b"
        r"|month.?old|months old|\b(?:\d|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)[- ]years?[- ]old|\b(?:\d|1[0-2]) ?y(?:r|/)?o\b",
        re.IGNORECASE,
    ),
    "allergy": re.compile(
        r"알레르기|알러지|과민|두드러기|셀리악|글루텐|불내증|(?:목|입|입술|얼굴)[이가]? ?(?:이 )?(?:붓|부어|부었)|allerg|celiac|coeliac|intoleran|gluten|anaphyla|epi-?pen|\bhives\b"
        r"|(?:can'?t|cannot) (?:eat|have|tolerate) (?:\w+ )?(?:nuts?|peanuts?|eggs?|milk|dairy|wheat|soy|sesame|buckwheat|lactose)\b",
        re.IGNORECASE,
    ),
    "health": re.compile(
        MEDICINE.pattern
        + r"|술 ?깨|숙취|해장(?!술)|혈압|당뇨|혈당|수술|마취|치료|질환|투석|hangover|hung ?over|diabet|blood pressure|\bdisease|surgery|an(?:a)?esthe|dialysis",
        re.IGNORECASE,
    ),
    "alcohol": re.compile(
        r"운전|(?<![가-힣])차(?:를|도)? ?(?:몰고|몰아|끌고)|핸들|behind the wheel|음주|미성년|청소년|고등학생|중학생|(?<![가-힣])고[1-3](?!\d)|(?<!\d)1\d ?(?:살|세(?!기))|열(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉) ?살"
        r"|고딩|중딩|고삼|십대|(?<!\d)10대(?=가|는|도|예요|인|에게|한테|라|이)|(?<![가-힣])중[1-3](?!\d)|(?<!\d)1\d(?:인데|이에요|입니다|이야)"
        r"|열(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉)(?:인데|이에요|입니다|이야)"
        r"|(?:\bi'?m|\bi am|\b(?:he|she)(?:'s| is)|\bturn(?:ed|ing|s)?) (?:only |just |still |about )?(?:1\d|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen)\b(?! ?(?:%|percent|minutes|hours|weeks|months|km|kg))"
        r"|\b1\d ?y(?:r|/)?o\b|\b(?:thir|four|fif|six|seven|eigh)teen[- ]years?|middle.?school|junior high|\b(?:9|1[0-2])th.grade"
        r"|\bdriv(?:e|er|ers|ing)\b|underage|under (?:age|(?:1\d|2[01])(?! ?(?:%|percent|min|hour|degrees)))\b|\bminors?\b|\bteen(?:s|ager|agers)?\b|drinking age|high.?school|\b1\d[- ]years?[- ]old",
        re.IGNORECASE,
    ),
}
"""Words that make a question sensitive whatever else it asks."""


ALCOHOL_IN_IT = re.compile(
    r"(?<![가-힣])(?:술|알코올|알콜)(?:[이은도을])? ?(?:성분|들|섞|넣|함유)|\b(?:contains?|any|have|has|add(?:ed)?|use) (?:\w+ )?(?:alcohol|liquor|booze)\b",
    re.IGNORECASE,
)
"""Asks whether alcohol is in a drink: its ingredients need not tell what forms in it."""


def concerns_of(text: str) -> tuple[Intent, ...]:
    """The sensitive matters that the text names: pregnancy, infant, allergy, health, alcohol, in this order."""
    return tuple(name for name, pattern in SENSITIVE.items() if pattern.search(text))


CAUTIONS = frozenset(
    {"gen-health", "gen-alcohol-medicine", "gen-alcohol-pregnancy", "gen-honey-infant", "gen-legal-age", "gen-gluten"}
)
"""Topics on them."""

OF_CAUTION = re.compile("알코올|숙취|감기약|아기|독성|alcohol|hangover|cold (?:medicine|cure)|babies|toxic")
"""What a false belief says when holding it could hurt somebody."""


def is_quoted(passage: Passage) -> bool:
    """Whether a passage is on alcohol, pregnancy, infants, allergies or medicine."""
    if passage.kind == "belief":
        return bool(OF_CAUTION.search(passage.text))
    return passage.kind in QUOTED or passage.subject_id in CAUTIONS
