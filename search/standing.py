"""How the built indexes of a model stand: for `timbre index status` and for health."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from analysis.clap import ModelKey
from search.building import believable_generation
from search.errors import UnusableIndex
from search.rows import KINDS, Kind
from search.trust import COUNTED, Look, rows_behind


@dataclass(frozen=True, slots=True)
class IndexState:
    """What is built of one kind of one model, and how far it is behind the rows."""

    model_id: str
    revision: str
    kind: str
    # not in it as they are, and counted up to one more than COUNTED: each process holds them in memory, so they are
    # found all the same
    rows_behind: int
    problem: str = ""  # why what is there cannot be used
    generation: str = ""  # empty where none is built
    entries: int = 0
    sounds: int = 0
    lists: int = 0
    size_bytes: int = 0
    built_at: datetime | None = None
    age_s: float | None = None
    build_s: float | None = None

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"built_at": self.built_at.isoformat() if self.built_at else None}


def index_states(model: ModelKey) -> list[IndexState]:
    return [index_state(model, kind) for kind in KINDS]


def index_state(model: ModelKey, kind: Kind) -> IndexState:
    look, problem, generation, behind = Look.now(), "", None, 0
    try:
        generation = believable_generation(model, kind, look)
        behind = rows_behind(generation, kind, model) if generation is not None else 0
    except UnusableIndex as error:  # or replaced by another process between two looks at its files
        problem, generation = str(error), None
    if generation is None:
        rows = kind.newest(kind.embeddings(model)).values_list("sound_id")[: COUNTED + 1]
        return IndexState(model.model_id, model.revision, kind.name, rows.count(), problem)
    facts = generation.manifest
    return IndexState(
        model.model_id,
        model.revision,
        kind.name,
        behind,
        generation=generation.name,
        entries=facts.entries,
        sounds=facts.sounds,
        lists=facts.lists,
        size_bytes=facts.size_bytes,
        built_at=facts.built_at,
        age_s=(look.at - facts.built_at).total_seconds(),
        build_s=facts.build_s,
    )


def index_lag(model: ModelKey) -> dict[str, int]:
    """Rows that the built index of each kind does not have yet, counted up to one more than COUNTED; all of them where
    none is built.
    """
    return {state.kind: state.rows_behind for state in index_states(model)}
