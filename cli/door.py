"""A console that prints text as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from fedredis.printable import NARROWEST, fit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType
    from rich.text import Text


class Door(Console):
    """A console that prints text as it is; what is to have a style is `styled`."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)
        if self.width < NARROWEST:  # a terminal that does not know its size says 0
            self.width = NARROWEST

    def render_str(self, text: str, **how: Any) -> Text:
        """Make a `Text` of a string."""
        return super().render_str(fit(text, self.encoding), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render anything; what there is to see in it is filtered."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(fit(text, self.encoding), style)

    def on_broken_pipe(self) -> None:
        """Go on without notes if nobody reads them; results that nobody reads end the command."""
        if not self.stderr:
            raise BrokenPipeError

    @property
    def unicode(self) -> bool:
        """Whether all letters can be written."""
        return self.encoding.startswith("utf")
