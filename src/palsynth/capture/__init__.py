"""A real face read into the simulator's own coefficients, and put on anybody: its inverse."""

from palsynth.capture.capture import capture
from palsynth.capture.coefficients import ExpressionCoefficients, SideCoefficients
from palsynth.capture.retarget import drive_of, retarget

__all__ = ["ExpressionCoefficients", "SideCoefficients", "capture", "drive_of", "retarget"]
