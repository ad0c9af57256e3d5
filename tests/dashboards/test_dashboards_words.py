"""Figures as people write them, and text that stays text."""

import re
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.dashboards import charts, words
from jupyter_mlops.dashboards import html as h
from jupyter_mlops.stats import gated_metrics, higher_is_better

SHEET = Path(h.__file__).with_name("page.css").read_text()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0.00"),
        (0.5321, "0.53"),
        (0.0123, "0.012"),
        (0.00004, "4e-05"),
        (19.43, "19.4"),
        (-19.43, "-19.4"),
        (12345.6, "12,346"),
        (None, "unknown"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
    ],
)
def test_a_number_has_the_figures_that_matter(value, said):
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [(26.88, "27 EUR"), (2.5, "2.50 EUR"), (0, "0 EUR"), (173176.2, "173,176 EUR"), (1_240_000, "1.2 million EUR")],
)
def test_money(amount, said):
    assert words.money(amount, "EUR") == said


def test_currencies_are_never_added_to_each_other():
    assert words.moneys([(10, "USD"), (20, "EUR"), (5, "USD")]) == "20 EUR + 15 USD"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (1.0, "100%"),
        (0.9986, "99.8%"),
        (0.99999, "99.9%"),
        (0.8, "80%"),
        (0.003, "under 1%"),
        (0.0, "0%"),
        (None, "unknown"),
    ],
)
def test_nearly_all_is_not_all(part, said):
    assert words.share(part) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (list("abcd"), "a, b, c and d"),
        (list("abcdef"), "a, b, c and 3 more"),
    ],
)
def test_a_list_of_names(names, said):
    assert words.listed(names) == said


def test_moments_are_told_in_utc():
    at = datetime(2026, 11, 22, 23, 5, tzinfo=timezone(timedelta(hours=2)))
    assert words.moment(at) == "22 Nov 2026 21:05 UTC"
    assert words.period(at, at + timedelta(days=3)) == "22 Nov 2026 to 25 Nov 2026"
    assert words.day(at + timedelta(hours=2)) == "22 Nov 2026"  # the next day only where the clock said so
    assert words.day(datetime(2026, 3, 1, tzinfo=UTC)) == "1 Mar 2026"


def test_which_way_is_better_is_what_the_gates_hold():
    metrics = [metric for task in ("regression", "classification", "ranking") for metric in gated_metrics(task, 5)]
    assert {metric: words.measure(metric).better for metric in metrics} == {
        metric: "higher" if higher_is_better(metric) else "lower" for metric in metrics
    }


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60) | st.sampled_from(
    ["</td><script>x</script>", "{0}{evil}", "' onload='x", '" onload="x', "<!--", "&amp;", "{", "}}"]
)


@given(text)
def test_text_stays_text_wherever_it_is_put(said):
    page = h.html("<p title='{}'>{}</p>", said, said)
    read = Reader(page)
    assert read.tags == [("p", {"title": said})]
    assert "".join(read.words) == said
    for part in (
        h.table([h.Column(said)], [[said]], said, said),
        h.cards([h.Card(said, said, said)]),
        h.message(said, said, said),
        h.heading(said, [said], datetime(2026, 1, 1, tzinfo=UTC)),
        charts.bars([charts.Bar(said, 1, said)], said),
        charts.whisker(charts.Scale(0, 1), charts.Mark(0.5), None, said),
    ):
        tags = Reader(part).tags
        assert not {"script", "img", "x"} & {tag for tag, _ in tags}
        assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3))
def test_no_value_breaks_a_picture(values):
    mark = charts.Mark(*values)
    scale = charts.Scale.around([mark, None])
    picture = charts.whisker(scale, mark, mark, "t")
    assert picture.count("<title>") == 1
    places = re.findall(r"c?x[12]?='([^']*)%'", picture)
    assert all(0 <= float(place) <= 100 for place in places)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9))
def test_a_line_stays_in_its_picture(values):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    points = [charts.Point(at + timedelta(days=i), charts.Mark(v, v - 1, v + 1)) for i, v in enumerate(values)]
    picture = charts.line(points, charts.Mark(0.0), "t")
    assert picture.count("<circle") == len(values)
    assert all(0 <= float(p) <= 100 for p in re.findall(r"c[xy]='([-\d.]+)%'", picture))


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))


def _light(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_on_its_ground(theme):
    """WCAG 2.2 AA: a contrast of 4.5 at least."""
    before, _, after = SHEET.partition("@media screen")
    colours = _colours(before if theme == "light" else after.partition("}")[0])
    pairs = [(ink, ground) for ink in ("ink", "soft") for ground in ("page", "card", "faint")]
    pairs += [(tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "idle")]
    pairs += [(tone, "card") for tone in ("brand", "bad", "warn")] + [
        ("ink", f"{t}-soft") for t in ("good", "warn", "bad")
    ]
    for ink, ground in pairs:
        lights = sorted((_light(colours[ink]), _light(colours[ground])))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5, (theme, ink, ground)
