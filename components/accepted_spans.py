"""Which spans of a data root were accepted by the validation gate: the latest version of each, and by which declaration.

The window, the statistics that drift is measured from, and retention ask here. A DataBlessing says that a span was accepted,
and outlives the span's rows: so it is known, too, which accepted spans are gone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from components.data_identity import of_same_data
from components.declared import same_declaration
from components.properties import DATA_ROOT, SPAN_NAME, VERSION, AnyArtifact, number, span_of, text


@dataclasses.dataclass(frozen=True, eq=False)
class AcceptedSpan:
    """An accepted span.

    Args:
        blessing: The DataBlessing.
        subject: What it blessed: the Examples, or their statistics. None if they are gone.
    """

    blessing: AnyArtifact
    subject: AnyArtifact | None

    @property
    def described(self) -> AnyArtifact:
        """The artifact that tells of the span, its data and its declaration. Older blessings do not."""
        return self.blessing if self.subject is None else self.subject

    @property
    def span(self) -> int:
        return span_of(self.described)

    def usable(self, anchor: AnyArtifact) -> bool:
        """Whether it is still there, and of the anchor's declaration."""
        return self.subject is not None and same_declaration(self.subject, anchor)


def accepted_before(
    anchor: AnyArtifact, subjects: Iterable[AnyArtifact], blessings: Iterable[AnyArtifact], link: str
) -> list[AcceptedSpan]:
    """The accepted spans of the anchor's data before the anchor's, oldest first, the latest version of each.

    Of one version ingested by several declarations it is the anchor's that counts.

    Args:
        anchor: A run's Examples, or their statistics.
        subjects: All artifacts of the anchor's kind.
        blessings: All DataBlessings.
        link: The property by which a blessing names its subject: EXAMPLES_ID or STATISTICS_ID.
    """
    accepted = _accepted(subjects, blessings, link)
    same = {id(one) for one in of_same_data(anchor, [one.described for one in accepted])}
    latest: dict[int, AcceptedSpan] = {}
    for one in sorted(accepted, key=lambda one: (_version(one), one.usable(anchor), _age(one, link))):
        if id(one.described) in same and one.span < span_of(anchor):
            latest[one.span] = one
    return [latest[span] for span in sorted(latest)]


def accepted_by_data(
    subjects: Iterable[AnyArtifact], blessings: Iterable[AnyArtifact], link: str
) -> list[list[AcceptedSpan]]:
    """The accepted spans of each data root, oldest first, the latest version of each; arguments as above."""
    left = sorted(_accepted(subjects, blessings, link), key=lambda one: (_version(one), _age(one, link)))
    found = []
    while left:
        youngest = max(left, key=lambda one: _age(one, link))
        same = {id(one) for one in of_same_data(youngest.described, [one.described for one in left])}
        latest = {one.span: one for one in left if id(one.described) in same}
        found.append([latest[span] for span in sorted(latest)])
        left = [one for one in left if id(one.described) not in same]
    return found


def _accepted(subjects: Iterable[AnyArtifact], blessings: Iterable[AnyArtifact], link: str) -> list[AcceptedSpan]:
    """All that was accepted, but for data without spans, whose versions nobody counts."""
    by_id = {subject.id: subject for subject in subjects}
    found = [AcceptedSpan(blessing, by_id.get(number(blessing, link))) for blessing in blessings]
    return [one for one in found if text(one.described, DATA_ROOT) and text(one.described, SPAN_NAME)]


def _version(one: AcceptedSpan) -> int:
    return number(one.described, VERSION)


def _age(one: AcceptedSpan, link: str) -> tuple[int, int]:
    return number(one.blessing, link), int(one.blessing.id)
