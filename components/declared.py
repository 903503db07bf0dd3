"""Whether two artifacts were made by the same declaration of the columns, and what differs."""

from __future__ import annotations

from components.properties import DECLARATION, AnyArtifact, text


def same_declaration(one: AnyArtifact, other: AnyArtifact) -> bool:
    """Whether the declared columns and kinds are equal; True if one of them does not say (older artifacts do not)."""
    first, second = text(one, DECLARATION), text(other, DECLARATION)
    return not first or not second or first == second


def difference(of: AnyArtifact, against: AnyArtifact) -> str:
    """What the declaration `of` has otherwise than that of `against`, in words: `without age, with city, topic as list`."""
    theirs, ours = _kinds(of), _kinds(against)
    words = [f"without {name}" for name in sorted(ours.keys() - theirs.keys())]
    words += [f"with {name}" for name in sorted(theirs.keys() - ours.keys())]
    words += [f"{name} as {theirs[name]}" for name in sorted(ours.keys() & theirs.keys()) if theirs[name] != ours[name]]
    return ", ".join(words)


def _kinds(artifact: AnyArtifact) -> dict[str, str]:
    pairs = (part.partition(":") for part in text(artifact, DECLARATION).split(",") if part)
    return {name: kind for name, _, kind in pairs}
