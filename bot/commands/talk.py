"""`chat` and `ask`: the bot without a platform."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from bot.answers import named, render
from bot.app import App, now
from bot.commands.common import data_option, open_with
from bot.loops.answer import Answering
from bot.loops.stewards import Stewards
from bot.messages import Message, Reply, Role
from bot.search.conversation import Heard, hear
from bot.search.matcher import Answer, Decline, NotKnown, Suggest
from bot.speaker import Speaker
from bot.transports import console
from handlers import router


@click.command()
@data_option
def chat(data: Path | None) -> None:
    """Talk to the bot in this terminal: questions, /commands, buttons by number. Ctrl-D ends it."""
    app = open_with(data)

    async def role_of(message: Message) -> Role:
        return Role.MANAGER

    answering = Answering(router, lambda: app.desk(now()), {}, Stewards({}, None))

    async def receive(message: Message) -> Reply | None:
        return await answering.receive(message, role_of)

    try:
        asyncio.run(console.converse(receive, sys.stdin, sys.stdout))
    except KeyboardInterrupt:
        click.echo()


@click.command()
@click.argument("question", nargs=-1)
@click.option("--stdin", "from_stdin", is_flag=True, help="One question a line from standard input.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a question.")
@click.option("--language", metavar="XX", help="Do not guess the language.")
@data_option
def ask(question: tuple[str, ...], from_stdin: bool, as_json: bool, language: str | None, data: Path | None) -> None:
    """Answer one question, or many from standard input, each for itself."""
    if from_stdin == bool(question):
        raise click.UsageError("write either a question or --stdin")
    if language is not None and not (len(language) == 2 and language.isalpha()):
        raise click.BadParameter("write two letters, such as de", param_hint="--language")
    app = open_with(data)
    questions: Iterable[str] = (line.rstrip("\r\n") for line in _lines()) if from_stdin else [" ".join(question)]
    for text in questions:
        said = answered(app, text, language and language.lower())
        click.echo(json.dumps(said, ensure_ascii=False) if as_json else said["text"])


def _lines() -> Iterable[str]:
    return (line.decode("utf-8", errors="replace") for line in sys.stdin.buffer)


def answered(app: App, text: str, language: str | None) -> dict[str, object]:
    """What `ask --json` prints of one text."""
    heard = hear(app.matcher, text, language, None, app.base.grid.get("objects") or {})
    texts = []
    for one in heard:
        spoken = language or one.language or app.settings.language
        texts.append(render(one, Speaker(app.base, spoken, app.settings.language, app.settings.contact)).text)
    outcome, kind, score = named(heard[0])
    facts = list(dict.fromkeys(id for one in heard for id in facts_of(one)))
    return {
        "question": text,
        "language": language or heard[0].language or None,
        "outcome": outcome,
        "kind": kind,
        "facts": facts,
        "score": round(score, 4),
        "text": "\n\n".join(texts),
    }


def facts_of(heard: Heard) -> list[str]:
    """The ids that an outcome names, best first."""
    match heard.outcome:
        case Answer(fact=fact):
            return [fact.id] + ([fact.superseded_by] if fact.superseded_by else [])
        case Suggest(facts=facts) | Decline(facts=facts):
            return [fact.id for fact in facts]
        case NotKnown(unknown=unknown):
            return list(unknown.nearest)
        case _:
            return []
