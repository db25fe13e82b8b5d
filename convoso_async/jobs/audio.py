"""What came in place of a recording: audio, a notice that it is gone, something else, or nothing. Pure.

The service answers with status 200 in all these cases, and its content types are not to be relied on.
"""

import codecs
import re
from typing import Literal

Text = Literal["purged", "notice", "html", "empty"]
"""What a body without audio is. `purged` says that the recording is not found, `notice` anything else."""

HEAD = 1024
"""Bytes that are enough to tell audio from text."""
NOTICE = 64 * 1024
"""Bytes of a text that are read, to tell what it says."""
MAGIC = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), ".wav"),
    (re.compile(rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]"), ".mp3"),
    (re.compile(rb"OggS"), ".ogg"),
    (re.compile(rb"fLaC"), ".flac"),
    (re.compile(rb"....ftyp", re.DOTALL), ".m4a"),
    (re.compile(rb"\x1aE\xdf\xa3"), ".webm"),
    (re.compile(rb"#!AMR"), ".amr"),
    (re.compile(rb"FORM....AIF", re.DOTALL), ".aiff"),
    (re.compile(rb"\.snd"), ".au"),
)
NO_AUDIO = re.compile(r"(text|image)/|application/(\w+\+)?(json|xml)", re.IGNORECASE)
GONE = re.compile(rb"not[\s_]*found|no[\s_]?such|no longer|not exist|purged|deleted|removed", re.IGNORECASE)
HTML = re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE)


def is_audio(head: bytes, content_type: str) -> bool:
    """Whether a body that begins so is audio: in a known form, or no text, and not called one."""
    if is_text(head):
        return False
    return ending_of(head) is not None or NO_AUDIO.match(content_type) is None


def text_of(body: bytes, content_type: str) -> Text:
    """What a body without audio is."""
    if not body.strip():
        return "empty"
    if HTML.search(body) or "html" in content_type.lower():
        return "html"
    return "purged" if GONE.search(body) else "notice"


def is_text(beginning: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters, which no audio begins with for long."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text)


def ending_of(beginning: bytes) -> str | None:
    """The usual file ending for audio that begins so, None for an unknown form."""
    return next((ending for form, ending in MAGIC if form.match(beginning)), None)
