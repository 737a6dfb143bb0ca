"""Files of moving pictures as they lie on the disk: what they hold and say, without decoding."""

from palsynth.face.clips.clip_file import ClipFile
from palsynth.face.clips.inspection import inspect_clip

__all__ = ["ClipFile", "inspect_clip"]
