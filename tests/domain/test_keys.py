"""Order numbers in one spelling, platforms and ids."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossloyalty.domain.keys import BUILT_IN_PLATFORMS, Platform, Platforms, clean_id, fold, normalise_order_no
from crossloyalty.errors import InvalidInput, MangledOrderNumber, WrongType

PLATFORMS = Platforms()
TAOBAO = PLATFORMS.get("taobao")
DIGITS = "3816123456789012345"
FULL_WIDTH = DIGITS.translate({ord("0") + n: 0xFF10 + n for n in range(10)})


def _read(text: str, platform: str = "taobao") -> str:
    return normalise_order_no(text, PLATFORMS.get(platform), PLATFORMS)


@pytest.mark.parametrize(
    "text",
    [
        DIGITS,
        FULL_WIDTH,
        f"  {DIGITS}\n",
        f"\t{DIGITS[:4]} {DIGITS[4:]}\r\n",
        "\u200b".join(DIGITS),
        f"\ufeff{DIGITS}\u2060",
        f"\u202a{DIGITS}\u202c",
        f'="{DIGITS}"',
        f"'{DIGITS}",
        f'"{DIGITS}"',
        f"{DIGITS}\u00a0\u3000",
    ],
)
def test_spellings_of_one_number(text: str) -> None:
    """Whatever people, chats and spreadsheets put around and between digits, it is one number."""
    assert _read(text) == DIGITS


@pytest.mark.parametrize(
    "text",
    ["3.81612E+18", "3.81612e18", "3E18", "3.8E-2", "3816123456789012345.0", "1.5", "３．８Ｅ＋１８", '="3.8E+18"'],
)
def test_mangled_numbers(text: str) -> None:
    """Scientific and decimal notation has lost digits and is never guessed back."""
    with pytest.raises(MangledOrderNumber):
        _read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "38161234",
        "3" * 22,
        "3" * 201,
        DIGITS + "x",
        "-" + DIGITS,
        "+" + DIGITS,
        "²①" + DIGITS[2:],
        "٣٤" + DIGITS[2:],
        "1_000_000_000",
        DIGITS + "\x00",
        DIGITS + "\ud800",
        "NaN",
        DIGITS + "\n1x",
        "==" + DIGITS,
    ],
)
def test_what_cannot_be_a_number(text: str) -> None:
    """Other digits than ASCII and full-width ones, wrong lengths and stray characters are refused."""
    with pytest.raises(InvalidInput):
        _read(text)


@pytest.mark.parametrize("value", [3816123456789012345, 3.8e18, None, b"3816123456789012345", True])
def test_numbers_are_text(value: object) -> None:
    """A number that is no text has lost its leading zeros or last digits already."""
    with pytest.raises(WrongType):
        _read(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("hyphen", ["-", "－", "\u2010", "\u2013", "\u2014", "\u2212", "\ufe63"])
def test_pinduoduo_hyphens_are_one(hyphen: str) -> None:
    """Every look-alike of the hyphen is the hyphen, and the hyphen stays."""
    assert _read(f"261101{hyphen}123456789012345", "pinduoduo") == "261101-123456789012345"


@pytest.mark.parametrize(
    ("text", "platform", "number"),
    [
        ("e20261101123456000012", "youzan", "E20261101123456000012"),
        ("p123456789012345678", "xiaohongshu", "P123456789012345678"),
        ("ｅ20261101123456000012", "youzan", "E20261101123456000012"),
        ("4812345678901234567a", "douyin", "4812345678901234567A"),
    ],
)
def test_letters_are_upper_case(text: str, platform: str, number: str) -> None:
    """Order numbers are folded to upper case."""
    assert _read(text, platform) == number


TYPED = "0123456789０１２３４５６７８９ \t\u200b\ufeff\u3000'\"=-－ABeE．.+"


@example("\u200b3816 1234\u3000５６７８９０１２３４５\ufeff")
@given(st.text(alphabet=st.sampled_from(TYPED), max_size=40))
def test_normalising_is_idempotent(text: str) -> None:
    """A number that was read is its own normal form, is ASCII and matches its platform."""
    try:
        number = _read(text)
    except InvalidInput:
        return
    assert _read(number) == number
    assert number.isascii()
    assert fold(number) == number
    assert PLATFORMS.matches("taobao", number)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is typed, the answer is a normal form or an error of our tree."""
    for platform in BUILT_IN_PLATFORMS:
        try:
            number = normalise_order_no(text, platform, PLATFORMS)
        except InvalidInput as error:
            message = str(error)
        else:
            assert PLATFORMS.matches(platform.name, number)
            message = ""
        assert len(message) < 200
        assert message.replace("…", "").isascii()


@given(st.text(max_size=30))
def test_folding_is_idempotent(text: str) -> None:
    """Folding what is folded changes nothing."""
    assert fold(fold(text)) == fold(text)


def test_families() -> None:
    """Taobao and Tmall share numbers, the others have a family of their own."""
    assert PLATFORMS.get("tmall").family == PLATFORMS.get("taobao").family
    families = {platform.family for platform in BUILT_IN_PLATFORMS}
    assert len(families) == len(BUILT_IN_PLATFORMS) - 1


@pytest.mark.parametrize(
    ("number", "platform"),
    [
        ("261101-123456789012345", "pinduoduo"),
        ("E20261101123456000012", "youzan"),
        ("P123456789012345678", "xiaohongshu"),
        (DIGITS, None),
    ],
)
def test_distinctive_shapes_are_hints(number: str, platform: str | None) -> None:
    """Only shapes no other platform uses give a hint."""
    likely = PLATFORMS.looks_like(number)
    assert (None if likely is None else likely.name) == platform


def test_a_programs_own_platforms() -> None:
    """A platform of a program is known beside the built-in ones, and replaces one of the same name."""
    own = Platforms([Platform("mall", "mall", r"M[0-9]{6}"), Platform("jd", "jd", r"[0-9]{5}")])
    assert normalise_order_no("m000001", own.get("mall"), own) == "M000001"
    assert normalise_order_no("12345", own.get("jd"), own) == "12345"
    assert "mall" not in PLATFORMS
    with pytest.raises(InvalidInput):
        PLATFORMS.get("mall")
    with pytest.raises(WrongType):
        PLATFORMS.get(1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "A", "a", "1a", "a" * 21, "a b", "ａｂ"])
def test_platform_names_are_plain(name: str) -> None:
    """Names and families are short lower-case ASCII words."""
    with pytest.raises(InvalidInput):
        Platform(name, "family")
    with pytest.raises(InvalidInput):
        Platform("name", name)


@pytest.mark.parametrize("value", ["a", "会员 一", "😀", "a" * 128, "a@b", "'; DROP TABLE"])
def test_ids_are_kept_as_they_are(value: str) -> None:
    """Any printable text up to 128 characters is an id."""
    assert clean_id(value, "id") == value


@pytest.mark.parametrize("value", ["", " a", "a ", "a\u3000", "a" * 129, "a\x00", "a\nb", "\x7f", "\ud800", "\t"])
def test_what_cannot_be_an_id(value: str) -> None:
    """Control characters, lone surrogates, blanks at the ends and overlong texts are refused."""
    with pytest.raises(InvalidInput):
        clean_id(value, "id")


@pytest.mark.parametrize("value", [None, 1, b"a", 1.0, ["a"]])
def test_ids_are_text(value: object) -> None:
    """An id that is no text is a type error."""
    with pytest.raises(WrongType):
        clean_id(value, "id")  # type: ignore[arg-type]
