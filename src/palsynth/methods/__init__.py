"""Methods: whatever turns a Request into an image."""

from palsynth.methods.base import Asked, Method, Picture, Request, get_method, method_names

__all__ = ["Asked", "Method", "Picture", "Request", "get_method", "method_names"]
