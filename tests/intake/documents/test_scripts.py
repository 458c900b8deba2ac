"""Names in any script are drawn with a font that has them, and joined as they are written."""

from pathlib import Path

import pypdfium2
import pytest
import uharfbuzz

from intake.documents.drawing.facts import EventText, OrderText, TicketText
from intake.documents.drawing.font_subset import BOLD, REGULAR, cut
from intake.documents.drawing.pdf import pdf_of
from intake.documents.drawing.sheet import Sheet
from intake.documents.drawing.typefaces import LATIN, typefaces_for
from intake.documents.drawing.wording import clean

NAMES = {
    "Latin": "Đặng Thị Ngọc Ánh Łukasz Žižka Ærøskøbing",
    "Cyrillic": "Александр Щербаков Їжакевич",
    "Greek": "Ελένη Παπαδοπούλου",
    "Arabic": "محمد عبد الله الحسيني",
    "Hebrew": "יוסף בן־דוד כהן",
    "Hindi": "राजेश्वरी कृष्णमूर्ति शर्मा",
    "Bengali": "রবীন্দ্রনাথ ঠাকুর",
    "Tamil": "தமிழ்ச்செல்வி",
    "Thai": "สมชาย วงศ์สวัสดิ์ น้ำใจ",
    "Khmer": "សុខ សុភាព",
    "Armenian": "Արամ Խաչատրյան",
    "Georgian": "შოთა რუსთაველი",
    "Amharic": "አበበ ቢቂላ",
    "Chinese": "王小明 欧阳菲菲 陳奕迅",
    "Japanese": "山田太郎 𠮷野家 さくら カタカナ",
    "Korean": "김철수 이영희",
    "Emoji": "Sam 🎉 Peter",
}


def glyphs(font: bytes, text: str) -> list[int]:
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(uharfbuzz.Font(uharfbuzz.Face(font)), buffer)
    return [info.codepoint for info in buffer.glyph_infos]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("weight", [REGULAR, BOLD])
def test_every_letter_has_a_glyph(name: str, weight: int) -> None:
    letters = frozenset(name)
    fonts = [(typeface, cut(typeface, letters, weight)) for typeface in typefaces_for(letters)]

    for letter in letters:
        font = next(font for typeface, font in fonts if typeface.has(letter))
        assert 0 not in glyphs(font, letter)
    own = [font for typeface, font in fonts if typeface.joins]
    for word in name.split() if own else ():
        assert 0 not in glyphs(own[0], word)


def test_arabic_letters_join_and_devanagari_ones_are_composed() -> None:
    def alone_and_together(text: str) -> tuple[list[int], list[int]]:
        letters = frozenset(text)
        font = cut(typefaces_for(letters)[1], letters, REGULAR)
        return [one for letter in text for one in glyphs(font, letter)], glyphs(font, text)

    alone, together = alone_and_together("محمد")
    assert sorted(alone) != sorted(together)
    alone, together = alone_and_together("क्ष")
    assert len(together) < len(alone)


def test_a_name_is_drawn_with_its_own_font_spaces_and_all(tmp_path: Path) -> None:
    letters = frozenset("".join(NAMES.values()))
    sheet = Sheet(letters, (), "Names", directory=tmp_path)

    families = {script: sheet._family_for(name) for script, name in NAMES.items()}

    assert families["Hindi"] == "notosansdevanagari"
    assert families["Arabic"] == "notosansarabic"
    assert families["Latin"] == families["Chinese"] == families["Emoji"] == LATIN.family
    sheet.finished()


@pytest.mark.parametrize(
    ("text", "zone", "face"),
    [
        ("山田太郎", "Asia/Tokyo", "notosanscjkjp"),
        ("山田さくら", "Europe/Paris", "notosanscjkjp"),
        ("金哲洙 김", "Asia/Tokyo", "notosanscjkkr"),
        ("陳奕迅", "Asia/Hong_Kong", "notosanscjkhk"),
        ("王小明", "Europe/Paris", "notosanscjksc"),
    ],
)
def test_chinese_characters_are_drawn_as_they_are_written_there(text: str, zone: str, face: str) -> None:
    assert typefaces_for(text, [zone])[-1].family == face


def order_of(name: str) -> OrderText:
    event = EventText(name, "Sunday", "19:00", "UTC", name, name)
    ticket = TicketText("1", event, name, (("Seat", name),), name, "valid", "", "code", "X")
    sums = (("Total", "$1.00"),)
    return OrderText(
        "X", name, (), "Placed", False, name, (name,), sums, (event,), (), sums, sums[0], sums, (ticket,), 0
    )


@pytest.mark.parametrize(
    "name",
    ["W" * 200, "word " * 40, "محمد " * 40, "สวัสดี" * 33, "{nb}", "\u0378\U0010ffff?", "𓀀", "**bold**", "("],
    ids=["wide", "words", "rtl", "thai", "alias", "nothing", "no font", "markup", "bracket"],
)
def test_no_name_is_too_long_or_too_strange(name: str) -> None:
    with pypdfium2.PdfDocument(pdf_of(order_of(clean(name)))) as document:
        assert len(document) == 2


def test_what_cannot_be_seen_is_not_drawn() -> None:
    assert clean("Sam\u202e\u2066\n \tPeter\x00\ufe0f") == "Sam Peter"
    assert clean("نامه\u200cها") == "نامه\u200cها"
    assert clean("Ame\u0301lie") == "Amélie"
