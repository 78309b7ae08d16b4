"""Whether the bot may post in a chat, asked without posting."""

from __future__ import annotations

from telegram import ChatMember

from bot.messages import Address
from bot.transports.telegram.api import Api
from bot.transports.telegram.outcomes import Unreachable

_OUT = (ChatMember.LEFT, ChatMember.BANNED)


async def may_post(api: Api, me: int, address: Address) -> bool:
    """Whether Telegram would take a message of the bot there; `me` is the bot's id.

    :raises Unreachable, TokenRefused, OtherPoller: where Telegram does not tell.
    """
    try:
        member = await api.get(lambda bot: bot.get_chat_member(int(address.chat), me))
    except Unreachable as error:
        if error.is_final:
            return False
        raise
    if member.status == ChatMember.ADMINISTRATOR:
        return getattr(member, "can_post_messages", None) is not False
    return member.status not in _OUT and getattr(member, "can_send_messages", True) is not False
