"""Parts of a page. Text is escaped where it is put into a pattern; only what is Markup already goes in as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from markupsafe import Markup

from jupyter_mlops.dashboards import words


def html(pattern: str, *parts: object) -> Markup:
    """A pattern of ours, filled: every part that is not Markup is escaped."""
    return Markup(pattern).format(*parts)  # noqa: S704  (patterns are literals of this room)


def joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


@cache
def style() -> Markup:
    sheet = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return Markup(f"<style>{sheet}</style>")  # noqa: S704  (our own file)


def spoken(text: str) -> Markup:
    """Prose in which `commands` stand between backticks."""
    parts = text.split("`")
    return joined(html("<code>{}</code>" if i % 2 else "{}", part) for i, part in enumerate(parts))


def heading(title: str, about: Sequence[str], at: datetime) -> Markup:
    """The page's title, whose figures they are, and of when."""
    whose = joined(html("<span>{}</span>", part) for part in about if part)
    when = html("<time datetime='{}'>as of {}</time>", at.isoformat(), words.moment(at))
    return html("<header class='mx-head'><h1>{}</h1><p class='mx-about'>{}{}</p></header>", title, whose, when)


def verdict(tone: str, sentence: str) -> Markup:
    """The one sentence to read if only one is read."""
    return html("<p class='mx-verdict mx-{}' role='status'>{}</p>", tone, sentence)


def message(title: str, what: str, fix: str) -> Markup:
    """Why there is nothing to show, and what to do about it."""
    return html(
        "<div class='mx-message' role='status'><h1>{}</h1><p>{}</p><p class='mx-fix'>{}</p></div>",
        title,
        spoken(what),
        spoken(fix),
    )


def badge(text: str, state: words.State) -> Markup:
    """A word with its sign and its colour."""
    return html(
        "<span class='mx-badge mx-{}'><span aria-hidden='true'>{}</span> {}</span>", state.tone, state.sign, text
    )


def status(word: str) -> Markup:
    return badge(word, words.state(word))


def soft(text: str | Markup) -> Markup:
    """A second, quieter line."""
    return html("<div class='mx-soft'>{}</div>", text) if text else Markup("")


def when(at: datetime) -> Markup:
    """A day, with its time below."""
    day = html("<span class='mx-when'>{}</span>{}", words.day(at), soft(words.clock(at)))
    return html("<time datetime='{}'>{}</time>", at.isoformat(), day)


def model(base: str, segment: str | None, *more: str) -> Markup:
    """The segment as people call it, with its model and what else is known below; or the model alone."""
    return html("<b>{}</b>{}", segment or base, soft(", ".join([*([base] if segment else []), *filter(None, more)])))


def person(name: str) -> Markup:
    """An address may break before its host."""
    who, at, host = name.partition("@")
    return html("<span class='mx-person'>{}<wbr>{}{}</span>", who, at, host)


def estimate(value: float, low: float | None, high: float | None) -> Markup:
    """A value, and the range it lies in."""
    return html("<b>{}</b> <span class='mx-quiet'>{}</span>", words.number(value), words.interval(low, high))


def code(text: str) -> Markup:
    return html("<code>{}</code>", text)


@dataclass(frozen=True)
class Card:
    label: str
    figure: str
    note: str
    tone: str = ""


def cards(items: Iterable[Card]) -> Markup:
    return html(
        "<dl class='mx-cards'>{}</dl>",
        joined(
            html(
                "<div class='mx-card mx-{}'><dt>{}</dt><dd class='mx-figure'>{}</dd><dd class='mx-soft'>{}</dd></div>",
                card.tone or "plain",
                card.label,
                card.figure,
                card.note,
            )
            for card in items
        ),
    )


def panel(title: str, body: Markup, note: str = "") -> Markup:
    """A titled box."""
    return html("<section class='mx-panel'><h2>{}</h2>{}{}</section>", title, soft(note), body)


def panels(*boxes: Markup) -> Markup:
    """Boxes side by side where there is room."""
    return html("<div class='mx-panels'>{}</div>", joined(boxes))


def section(title: str, body: Markup, note: str = "") -> Markup:
    return html("<section class='mx-section'><h2>{}</h2>{}{}</section>", title, soft(note), body)


def folded(summary: Markup, body: Markup, anchor: str = "") -> Markup:
    """A line that opens; printed open."""
    return html("<details class='mx-folded' id='{}'><summary>{}</summary>{}</details>", anchor, summary, body)


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = False
    picture: bool = False

    @property
    def kind(self) -> str:
        return "mx-num" if self.numeric else "mx-picture" if self.picture else "mx-text"


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Markup]], caption: str, empty: str) -> Markup:
    """A table whose first column names its row. On a narrow page each row becomes a card of labelled values."""
    if not rows:
        return html("<p class='mx-empty'>{}</p>", spoken(empty))
    head = joined(html("<th scope='col' class='{}'>{}</th>", column.kind, column.title) for column in columns)
    body = joined(html("<tr>{}</tr>", joined(map(_cell, range(len(row)), columns, row))) for row in rows)
    return html(
        "<div class='mx-table' tabindex='0' role='group' aria-label='{}'>"
        "<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        caption,
        caption,
        head,
        body,
    )


def _cell(place: int, column: Column, content: str | Markup) -> Markup:
    tag = "th scope='row'" if place == 0 else "td"
    pattern = f"<{tag} class='{{}}' data-label='{{}}'><div>{{}}</div></{tag[:2]}>"
    return html(pattern, column.kind, column.title, content)
