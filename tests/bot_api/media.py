"""Contents other than text, as small as the schema allows."""

from __future__ import annotations

from typing import Any

from .faults import Json

FILE: Json = {"file_id": "AgADBAADFile", "file_unique_id": "AQADFile", "file_size": 1000}
CHANNEL: Json = {"id": -100900, "type": "channel", "title": "News"}
POLL: Json = {
    "id": "5368324170671202286",
    "question": "Yes?",
    "options": [{"text": text, "voter_count": 0, "persistent_id": text} for text in ("yes", "no")],
    "total_voter_count": 0,
    "is_closed": False,
    "is_anonymous": True,
    "type": "regular",
    "allows_multiple_answers": False,
    "allows_revoting": True,
    "members_only": False,
}
PAYLOADS: dict[str, Any] = {
    "photo": [FILE | {"width": 90, "height": 60}],
    "voice": FILE | {"duration": 3, "mime_type": "audio/ogg"},
    "audio": FILE | {"duration": 30, "title": "Song"},
    "video": FILE | {"width": 640, "height": 480, "duration": 5},
    "video_note": FILE | {"length": 240, "duration": 5},
    "document": FILE | {"file_name": "payslip.pdf", "mime_type": "application/pdf"},
    "sticker": FILE | {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False},
    "location": {"latitude": 52.5, "longitude": 13.4},
    "contact": {"phone_number": "+4930123456", "first_name": "Eva"},
    "poll": POLL,
    "dice": {"emoji": "🎲", "value": 4},
    "giveaway": {"chats": [CHANNEL], "winners_selection_date": 1_800_000_000, "winner_count": 1},
    "giveaway_winners": {
        "chat": CHANNEL,
        "giveaway_message_id": 1,
        "winners_selection_date": 1_800_000_000,
        "winner_count": 1,
        "winners": [{"id": 9, "is_bot": False, "first_name": "Eve"}],
    },
    "invoice": {"title": "x", "description": "x", "start_parameter": "x", "currency": "EUR", "total_amount": 1},
}


def payload(kind: str) -> Any:
    """Returns the content of a kind; raises KeyError for one that is not modelled."""
    return PAYLOADS[kind]
