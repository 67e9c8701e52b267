"""A group of commands that is also a command: ``sx builds SERVICE`` beside ``sx builds logs SERVICE``."""

from typing import TYPE_CHECKING, Final

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Context
    from typing_extensions import override
else:  # Help is to come at once, and this package alone takes a tenth of its time

    def override(method: object) -> object:
        return method


DEFAULT: Final = "list"


class DefaultGroup(TyperGroup):
    """Takes what is no command of the group for an argument of its command ``list``."""

    @override
    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Put the command's name before what is none."""
        first = next((arg for arg in args if not arg.startswith("-")), None)
        if first is not None and first not in self.commands:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)
