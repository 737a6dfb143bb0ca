"""Methods: each turns a Request into an image."""

from palsynth.methods.base import ExpressionImage, Method, Request, TargetExpression
from palsynth.methods.registry import get_method, method_names

__all__ = ["ExpressionImage", "Method", "Request", "TargetExpression", "get_method", "method_names"]
