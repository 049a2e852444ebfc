"""The worlds. Their numbers are assumptions, set by what the world is to be like and not by how a policy fares in it.

The reader, common to all but one: a success shown for a task just like this one weighs as much as 0.8 of what the model
knows (`pull`), so four fitting ones lift the right tool from a third of the votes to four fifths. A failure is copied
at a quarter of that. A right answer with a wrong tool happens in 8 of 100 cases, a misfit costs 2% of execution. No
model was measured for this: what matters is that cases help much, and that wrong ones hurt about as much.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.simulation.reader import Reader
from evaluation.simulation.world import Looks, WorldName, WorldSpec

TOOLS = 8
RENAMED = TOOLS
"""A renamed tool counts as another one, so a world has room for every tool's new name."""
COPIES = Reader(
    tools=TOOLS + RENAMED, pull=0.8, failure_pull=0.2, avoid=0.0, trap_share=0.6, luck=0.08, distraction=0.02
)
HEEDS = Reader(
    tools=TOOLS + RENAMED, pull=0.4, failure_pull=0.0, avoid=0.8, trap_share=0.8, luck=0.08, distraction=0.02
)

WORLDS: Mapping[WorldName, WorldSpec] = {
    # What looks alike needs the same tool, and there is nothing but that to learn.
    "clean": WorldSpec("clean", COPIES),
    # Three families share each topic and differ in their tool, of which the vector says next to nothing: 0.02 of its
    # squared length, against 0.30 of noise. Among 600 tasks the one nearest to a task needs the same tool in two of
    # three cases, where chance would be one of two. The words say a little more, as in every world: two of twelve are
    # the skill's.
    "misaligned": WorldSpec("misaligned", COPIES, looks=Looks(topic=0.68, skill=0.02), topics=8),
    # The same with four times as much of the skill in the vector: the nearest of 600 tasks needs the same tool in nine
    # of ten cases, so likeness is right for whoever trusts fine differences in it.
    "finely-aligned": WorldSpec("finely-aligned", COPIES, looks=Looks(topic=0.62, skill=0.08), topics=8),
    # After a third of the stream twelve forged successes arrive for each of the eight most popular families, which are
    # about 60% of the tasks. They are nearer to the family's middle than real tasks, as an attacker would write them.
    "poisoned": WorldSpec("poisoned", COPIES, forged=12),
    # A model that persists in a tempting tool until it sees it fail, and that copies less.
    "failures-useful": WorldSpec("failures-useful", HEEDS),
    # Half-way the tools of half the families are renamed: what worked there now fails.
    "drifting": WorldSpec("drifting", COPIES, renamed=0.5),
}
