"""A movement over time: rest, onset, apex and offset, with blinks and the sway of the head."""

from palsynth.simulator.motion.blending import blended
from palsynth.simulator.motion.performance import Moment, performance
from palsynth.simulator.motion.settings import MotionSettings
from palsynth.simulator.motion.sway import Sway

__all__ = ["Moment", "MotionSettings", "Sway", "blended", "performance"]
