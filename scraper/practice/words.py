"""The words that the practice shop's books are made of, in the languages and scripts that its pages need.

Every language's own words are representable in the legacy encoding that its pages may be in, so nothing here may be
"improved" by a curly quote in Polish or a dash in Japanese without asking `encodings`. Words only; no rules, no markup.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["CATEGORIES", "ENGLISH", "LANGUAGES", "English", "Language"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language other than English: a title is a head, the joint and a tail; a description is a few sentences."""

    code: str  # BCP 47, for the page's lang attribute
    joint: str = field(kw_only=True, default=" ")
    heads: tuple[str, ...] = field(kw_only=True)
    tails: tuple[str, ...] = field(kw_only=True)
    sentences: tuple[str, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class English:
    """English, the language of most books: patterns with the names of the lists that fill them."""

    titles: tuple[str, ...]
    sentences: tuple[str, ...] = field(kw_only=True)
    lists: dict[str, tuple[str, ...]] = field(kw_only=True)


CATEGORIES = (
    "Arts & Crafts", "Biography", "Business", "Children’s", "Classics", "Cookery", "Crime", "Fantasy", "Gardening",
    "Historical Fiction", "History", "Horror", "Humour", "Maths & Logic", "Music", "Nature", "Philosophy", "Poetry",
    "Science Fiction", "Travel",
)  # fmt: skip

ENGLISH = English(
    titles=(
        "The {adj} {noun}",
        "The {noun} of {place}",
        "{noun} & {noun2}",
        "{name}’s {noun}",
        "One {noun} in {place}",
        "“{adj} {noun}” and Other Stories",
        "The {adj} {noun} of {place}",
        "{noun}, {noun2} & Sons",
        "{name} and the {adj} {noun}",
        "{noun}: A History in {adj} Objects",
        "{noun} — The {place} Notebooks",
        "The {noun}-Keeper’s {noun2}",
        'The "{adj}" {noun}',
        "If {noun} < {noun2}: Logic for Beginners",
        "{adj} {noun}s, 1850–1925",
        "Letters from {place}; or, The {noun}",
        "Who’s Afraid of the {noun}?",
        "{noun} ½: The {adj} Sequel",
    ),
    sentences=(
        "{name} has kept the {noun} for eleven years, and nobody in {place} has ever asked why.",
        "When the {adj} {noun} disappears, only {name} notices – and only {name} is blamed.",
        "“You will need the {noun},” said the stranger, “and somebody in {place} who can mend it.”",
        "Part memoir & part map, this is a book about the {noun}s that we leave behind.",
        "It begins in {place}, in the rain, with the one {noun} that doesn’t belong to anyone…",
        "Winner of the {place} Prize for a first novel, and shortlisted for two others.",
        "Nothing here is quite what it seems: the {noun} is {adj}, the {noun2} is not.",
        "With 24 colour plates, an index, and a recipe for {adj} soup (serves 4–6).",
        "A proof that {noun} < {noun2} fits on one page; the other 311 say what it means.",
        "“Impossible to put down” — the {place} Courier. “Impossible” — {name}, aged nine.",
        "The second edition adds a chapter on the {noun} and corrects the tide tables for {place}.",
        "Some stories are told once; {name}’s is told four times, and never by the same {noun}.",
        "For readers who like their {noun}s {adj}, their endings open and their maps wrong.",
        "At £3 a week the room above the {noun} was cheap, & the view of {place} was free.",
    ),
    lists={
        "adj": (
            "Amber", "Borrowed", "Brittle", "Clockwork", "Crooked", "Distant", "Electric", "Forgotten", "Gilded",
            "Hollow", "Impossible", "Invisible", "Last", "Luminous", "Midnight", "Naïve", "Ordinary", "Paper",
            "Patient", "Quiet", "Restless", "Salt", "Scarlet", "Second", "Silver", "Sleeping", "Thirteenth",
            "Unfinished", "Velvet", "Wandering", "Whispering", "Wooden",
        ),
        "noun": (
            "Almanac", "Anchor", "Atlas", "Beekeeper", "Bell", "Bicycle", "Bridge", "Café", "Candle", "Cartographer",
            "Clock", "Sextant", "Darkroom", "Engine", "Façade", "Boathouse", "Hare", "Garden", "Glacier", "Harbour",
            "Heron", "Island", "Kite", "Lantern", "Letter", "Lighthouse", "Locksmith", "Magpie", "Map", "Meadow",
            "Mirror", "Moth", "Orchard", "Organ", "Piano", "Pilgrim", "Postman", "Quarry", "Railway", "River", "Rook",
            "Sailor", "Shadow", "Signal", "Staircase", "Swan", "Teapot", "Telegram", "Theatre", "Tide", "Tower",
            "Umbrella", "Violin", "Watchmaker", "Weaver", "Well", "Whale", "Winter",
        ),
        "place": (
            "Ålesund", "Antwerp", "Aotearoa", "Bergen", "Córdoba", "Dunedin", "Évora", "Fife", "Galway", "Hull",
            "Islay", "Jaipur", "Kyoto", "La Paz", "Lisbon", "Malmö", "Nantes", "Orkney", "Porto", "Québec", "Réunion",
            "São Paulo", "Tromsø", "Ushant", "Valparaíso", "Whitby", "Yorkshire", "Zürich",
        ),
        "name": (
            "Agnès", "Beatriz", "Chloë", "Dafydd", "Edith", "Fionnuala", "Gráinne", "Hamish", "Imogen", "José",
            "Kwame", "Leocadia", "Maeve", "Noël", "Ottoline", "Priya", "Renée", "Siân", "Tobias", "Ursula", "Vikram",
            "Winifred", "Yusuf", "Zoë", "O’Hara", "D’Souza",
        ),
    },
)  # fmt: skip

LANGUAGES = {
    language.code: language
    for language in (
        Language(
            "fr",
            heads=(
                "L’Été à",
                "Les Œuvres de",
                "Le Café de",
                "La Forêt de",
                "Une île près de",
                "Le Garçon de",
                "L’Âme de",
            ),
            tails=("Besançon", "Saint-Malo", "l’Étoile", "Béziers", "Orléans", "Nîmes", "l’Aïeule", "Mâcon"),
            sentences=(
                "« Tu n’iras pas plus loin », dit le gardien ; mais l’enfant était déjà passée.",
                "Un récit où l’on mange, où l’on chante – et où l’on ment, un peu, à sa sœur.",
                "Le cœur de l’histoire bat dans une librairie fermée depuis l’hiver 1956…",
                "Élégant, drôle & cruel : à lire d’une traite, près d’un poêle.",
                "Prix des lecteurs du café d’en face (12 € le déjeuner, dessert compris).",
            ),
        ),
        Language(
            "de",
            heads=("Die Brücke von", "Das Mädchen aus", "Der Müller von", "Die Gärten von", "Ein König für"),
            tails=("Köln", "Lübeck", "Göttingen", "Nürnberg", "Düsseldorf", "Münster", "Gießen", "Tübingen"),
            sentences=(
                "„Wer zuletzt geht, löscht das Licht“, sagte die Müllerin – und blieb.",
                "Eine Geschichte über Größe, Grüße und einen viel zu süßen Apfel.",
                "Im Frühjahr öffnet der Laden wieder; bis dahin erzählt jeder, was er weiß.",
                "Mit Wörterverzeichnis, Straßenkarte & einem Nachwort der Übersetzerin.",
            ),
        ),
        Language(
            "pl",
            heads=("Tajemnica", "Cień", "Pieśń", "Światło", "Ścieżka", "Głos", "Powrót do"),
            tails=("morza", "źródła", "północy", "księżyca", "łąki", "żurawia", "jesieni"),
            sentences=(
                "Książka o tym, że każda ścieżka kończy się tam, gdzie zaczyna się łąka.",
                "Zażółć gęślą jaźń: tak zaczyna się list, którego nikt nie wysłał.",
                "Pięć opowieści, jedna wieś i bardzo długa zima.",
                "Powieść nagrodzona przez czytelników w Łodzi i w Gdańsku.",
            ),
        ),
        Language(
            "cs",
            heads=("Příběh", "Píseň", "Světlo", "Kniha", "Město", "Stín"),
            tails=("řeky", "zimy", "lesa", "měsíce", "hvězdy", "dětství", "mlýna"),
            sentences=(
                "Příliš žluťoučký kůň úpěl ďábelské ódy, a nikdo ho neslyšel.",
                "Stará kniha, nový mlýn a řeka, která teče nazpět.",
                "Tři sestry čekají na vlak, který už dávno odjel.",
                "Vyprávění pro děti od devíti let a pro všechny, kteří děti byli.",
            ),
        ),
        Language(
            "ru",
            heads=("Тайна", "Песня", "Свет", "Тень", "Дом", "Голос", "История"),
            tails=("моря", "осени", "старого города", "луны", "северной реки", "снега", "зимнего леса"),
            sentences=(
                "«Дальше — только снег», — сказал проводник, и поезд остановился.",
                "Роман о доме, в котором живут три часовщика и ни одних верных часов.",
                "Съешь ещё этих мягких булок, писала бабушка, да приезжай скорее…",
                "Книга № 1 в серии; вторая выйдет весной.",
            ),
        ),
        Language(
            "ja",
            joint="",
            heads=("雪の", "海辺の", "夜明けの", "銀河の", "山の", "古い", "静かな", "東京の"),
            tails=("図書館", "手紙", "喫茶店", "猫", "物語", "時計", "旅人", "約束"),
            sentences=(
                "「この手紙は、まだ誰も読んでいません。」と彼女は言った。",
                "小さな駅で降りた旅人が、一匹の猫と出会う物語。",
                "表紙は紙、能力は無限、ソースは秘密。",
                "冬の朝、図書館の時計が止まった。",
            ),
        ),
        Language(
            "el",
            heads=("Το φως", "Η σκιά", "Το τραγούδι", "Η φωνή", "Το μυστικό"),
            tails=("της θάλασσας", "του χειμώνα", "του φεγγαριού", "της πόλης", "του νησιού", "της βροχής"),
            sentences=(
                "Ένα νησί, ένας φάρος και ένα γράμμα που άργησε σαράντα χρόνια.",
                "«Μην κοιτάξεις πίσω», της είπε, κι εκείνη κοίταξε.",
                "Μυθιστόρημα για όσους θυμούνται τη βροχή.",
                "Με χάρτη, σημειώσεις και δύο συνταγές.",
            ),
        ),
        Language(
            "ar",
            heads=("أسرار", "حكاية", "ضوء", "صوت", "ظل"),
            tails=("البحر", "القمر", "المدينة القديمة", "الصحراء", "الشتاء", "النهر"),
            sentences=(
                "رواية عن بيت قديم وعن ثلاث أخوات ينتظرن المطر.",
                "«لا أحد يعرف الطريق»، قال البحار، ثم أطفأ المصباح.",
                "كتاب للصغار، وللكبار الذين كانوا صغارا؛ مع خريطة ملونة.",
                "تبدأ الحكاية في الميناء، عند الفجر.",
            ),
        ),
        Language(
            "zh",
            joint="",
            heads=("雪中的", "海边的", "月光下的", "山里的", "旧城的"),
            tails=("图书馆", "信", "茶馆", "猫", "灯塔", "火车"),
            sentences=(
                "一封没有寄出的信，一座没有灯的灯塔。",
                "“你来晚了四十年。”老人说，然后把门关上了。",
                "写给所有坐过夜行火车的人——也写给他们的猫。",
                "附彩色地图与作者手记。",
            ),
        ),
    )
}
