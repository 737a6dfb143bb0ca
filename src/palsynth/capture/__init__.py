"""Expression capture: estimates the simulator's coefficients from a face, and retargets them."""

from palsynth.capture.capture import capture
from palsynth.capture.coefficients import ExpressionCoefficients, SideCoefficients
from palsynth.capture.retarget import drive_of, retarget

__all__ = ["ExpressionCoefficients", "SideCoefficients", "capture", "drive_of", "retarget"]
