"""The converters of a library, asked in the way the library asks them."""

from __future__ import annotations

from importlib import import_module


class Converters:
    """Knows which converter of ``library`` takes an annotation, and which annotations are no input."""

    def __init__(self, library: str) -> None:
        """Raises ImportError, and AttributeError when the library is built in another way than it was."""
        self.library = library
        self._parameters = import_module(f"{library}.commons.parameters")
        self._registry = self._parameters.ConverterRegistry()

    def handler(self, annotation: object) -> str:
        """Return the class name of the converter that takes ``annotation``, nothing when there is none."""
        for converter in self._registry.converters:
            try:
                if converter.can_handle(annotation):
                    return type(converter).__name__
            except TypeError:  # The run would end with it
                return ""
        return ""

    def is_secret(self, annotation: object) -> bool:
        """Tell whether a parameter is filled from a secret's variable."""
        return bool(self._parameters.is_secret_type(annotation))

    def is_data_pool(self, annotation: object) -> bool:
        """Tell whether a parameter is filled from a data pool's folder."""
        return bool(self._parameters.is_datapool_type(annotation))

    def is_optional(self, annotation: object) -> bool:
        """Tell whether a parameter is None when nothing is given."""
        return bool(self._parameters.is_optional_type(annotation))
