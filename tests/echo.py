"""What stock python-telegram-bot does with the same questions: an echo, to compare with."""

from __future__ import annotations

import os

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters
from telegram.request import HTTPXRequest


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Say it back."""
    if update.message and update.message.text:
        await update.message.reply_text(update.message.text)


if __name__ == "__main__":
    builder = Application.builder().token(os.environ["RUECKSPIEGEL_TELEGRAM_TOKEN"]).concurrent_updates(32)
    builder = builder.base_url(os.environ["RUECKSPIEGEL_TELEGRAM_API_URL"] + "/bot").request(HTTPXRequest(32))
    application = builder.build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.run_polling()
