"""The promises in words, by number."""

from __future__ import annotations

PROMISES = {
    "P1": "Conversations leave no trace of a person in anything that is kept.",
    "P2": "The inventory names every table and column that there is, and every file.",
    "P3": "What the notice says of lifetimes is what is deleted, row and bytes.",
    "P4": "Deletion is physical: on SQLite at once, on PostgreSQL once we have rewritten the table.",
    "P5": "Backups honour deletion.",
    "P6": "Logs hold only named events and typed fields.",
    "P7": "The bot's token is in no log and in no exception.",
    "P8": "A crash leaves no copy of the memory behind.",
    "P9": "An account that could read groups does not run; what is not meant for the bot leaves nothing.",
    "P10": "Nobody is named or quoted in a group.",
    "P11": "Content cannot inject anything.",
    "P12": "Links are what they look like.",
    "P13": "Fetching cannot reach inside.",
    "P14": "A bomb costs less than 64 MB and 10 s, and answers go on meanwhile.",
    "P15": "Somebody who floods does not keep others waiting.",
    "P16": "A digest does not keep answers waiting.",
    "P17": "A stolen steward's account cannot write freely, list channels, publish alone or without end; /panic stops it.",
    "P18": "/privacy, /mydata and /forget answer at once and truthfully.",
    "P19": "Connections go to the declared hosts alone.",
    "P20": "The notice can be read: it is short, and each of its sentences has its test.",
}
