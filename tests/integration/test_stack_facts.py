"""What LangGraph does silently, pinned down one by one; its neighbours are in test_stack_facts_neighbours.py.

The number in a name is the line of "What this stack does silently" (docs). A test that fails after an upgrade says
that the fact changed: look up what our code does because of it, then change both. Lines that are not here are
answered by tests of our own code, or are timings and belong to `make bench`.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from typing import TypedDict as TypingTypedDict

import ormsgpack
import pytest
from langchain_core.language_models import FakeListChatModel, FakeMessagesListChatModel, GenericFakeChatModel
from langgraph._internal._config import DEFAULT_RECURSION_LIMIT
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.serde.jsonplus import EXT_CONSTRUCTOR_SINGLE_ARG, JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import CachePolicy, Command, Durability, RetryPolicy, Send
from pydantic import BaseModel, PydanticUserError
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForTheTypeChecker


class State(TypedDict, total=False):
    x: int
    log: Annotated[list[str], operator.add]


class Knobs(BaseModel):
    k: int = 3


def goes_to_b(state: State, extra: int = 0) -> Command[Literal["b"]]:
    return Command(goto="b", update={"x": extra})


@dataclass(frozen=True)
class GoesToB:
    extra: int = 0

    def __call__(self, state: State) -> Command[Literal["b"]]:
        return goes_to_b(state, self.extra)


@dataclass(frozen=True)
class GoesToBUnresolved:
    def __call__(self, state: State, extra: OnlyForTheTypeChecker | None = None) -> Command[Literal["b"]]:
        return goes_to_b(state)


def add_one(state: State) -> State:
    return {"x": state["x"] + 1}


def compiled(node: Any, **options: Any) -> Any:
    """START → a, and b for whoever goes there."""
    graph = StateGraph(State, context_schema=Knobs)
    graph.add_node("a", node, **{key: options.pop(key) for key in ("cache_policy", "retry_policy") if key in options})
    graph.add_node("b", add_one)
    graph.add_edge(START, "a")
    return graph.compile(**options)


@pytest.mark.parametrize(
    ("node", "drawn"),
    [
        (goes_to_b, True),
        (GoesToB(), True),
        (functools.partial(goes_to_b, extra=0), False),
        (GoesToBUnresolved(), False),
    ],
)
def test_line_1_partials_and_unresolved_annotations_lose_edges_of_the_drawing(node: Any, drawn: bool) -> None:
    graph = compiled(node)
    assert any((edge.source, edge.target) == ("a", "b") for edge in graph.get_graph().edges) is drawn
    assert graph.invoke({}) == {"x": 1, "log": []}, "the run itself goes on either way"


@pytest.mark.parametrize(("options", "seen"), [({}, None), ({"context": {}}, Knobs()), ({"context": Knobs()}, Knobs())])
def test_line_2_a_run_without_context_has_none_and_no_defaults(options: dict[str, Any], seen: Knobs | None) -> None:
    contexts = []

    def node(state: State, runtime: Runtime[Knobs]) -> State:
        contexts.append(runtime.context)
        return {}

    compiled(node).invoke({}, **options)
    assert contexts == [seen]


def test_line_3_defaults_in_a_typed_dict_have_no_effect() -> None:
    class WithDefault(TypedDict):
        x: int
        y: int

    WithDefault.x = 7  # type: ignore[attr-defined]  # what `x: int = 7` does at run time; type checkers refuse it
    seen = []

    def node(state: WithDefault) -> State:
        seen.append(dict(state))
        return {}

    graph = StateGraph(WithDefault)
    graph.add_node("a", node)
    graph.add_edge(START, "a")
    given: Any = {"y": 1}
    graph.compile().invoke(given)
    assert seen == [{"y": 1}]


def test_line_3_loops_are_not_bounded_by_default() -> None:
    assert DEFAULT_RECURSION_LIMIT == 10007


def test_line_4_a_node_cache_does_not_see_the_context() -> None:
    def node(state: State, runtime: Runtime[Knobs]) -> State:
        return {"x": runtime.context.k}

    graph = compiled(node, cache_policy=CachePolicy(), cache=InMemoryCache())
    assert [graph.invoke({"x": 0}, context=Knobs(k=k))["x"] for k in (1, 2)] == [1, 1]


class Domain(TypedDict):
    title: str


class Wrapper(TypedDict):
    task: Domain


@pytest.mark.parametrize(("wrapped", "added"), [(False, "title"), (True, "task")])
def test_line_5_the_keys_of_a_send_target_become_channels(wrapped: bool, added: str) -> None:
    def domain(state: Domain) -> State:
        return {"x": len(state["title"])}

    def wrapper(state: Wrapper) -> State:
        return domain(state["task"])

    graph = StateGraph(State)
    graph.add_node("w", wrapper if wrapped else domain)
    argument = {"task": {"title": "four"}} if wrapped else {"title": "four"}
    graph.add_conditional_edges(START, lambda _: [Send("w", argument)], ["w"])
    runnable = graph.compile()
    assert {"title", "task"} & set(runnable.channels) == {added}
    assert runnable.invoke({})["x"] == 4


class ProviderFault(Exception):
    """An exception of our own, as nodes wrap a provider's faults in."""


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        *((error, 1) for error in (ValueError, RuntimeError, OSError, TypeError, TimeoutError, KeyError)),
        *((error, 2) for error in (ConnectionError, ProviderFault)),
    ],
)
def test_line_8_default_retries_skip_the_common_exceptions(error: type[Exception], attempts: int) -> None:
    tried = []

    def node(state: State) -> State:
        tried.append(1)
        raise error

    graph = compiled(node, retry_policy=RetryPolicy(max_attempts=2, initial_interval=0, jitter=False))
    with pytest.raises(error):
        graph.invoke({})
    assert len(tried) == attempts


@pytest.mark.parametrize(
    "make",
    [
        lambda: FakeListChatModel(responses=["a"]),
        lambda: FakeMessagesListChatModel(responses=[]),
        lambda: GenericFakeChatModel(messages=iter([])),
    ],
)
def test_line_12_fake_chat_models_take_no_tools(make: Callable[[], Any]) -> None:
    with pytest.raises(NotImplementedError):
        make().bind_tools([])


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 mended typing.TypedDict")
def test_line_15_schemas_of_typing_typed_dict_cannot_be_described() -> None:
    class Plain(TypingTypedDict):
        x: int

    graph = StateGraph(Plain, context_schema=Plain)
    graph.add_node("a", lambda state: {"x": state["x"] + 1})
    graph.add_edge(START, "a")
    runnable = graph.compile()
    assert runnable.invoke({"x": 1}) == {"x": 2}, "runs still pass"
    for describe in (runnable.get_input_jsonschema, runnable.get_output_jsonschema, runnable.get_context_jsonschema):
        with pytest.raises(PydanticUserError, match="typing_extensions"):
            describe()


def test_line_20_a_growing_list_is_written_whole_at_every_step() -> None:
    def stored(steps: int) -> int:
        graph = StateGraph(State)
        graph.add_node("a", lambda state: {"x": state.get("x", 0) + 1, "log": ["y" * 1000]})
        graph.add_edge(START, "a")
        graph.add_conditional_edges("a", lambda state: "a" if state["x"] < steps else END, ["a", END])
        with SqliteSaver.from_conn_string(":memory:") as saver:
            graph.compile(checkpointer=saver).invoke({}, {"configurable": {"thread_id": "1"}}, durability="sync")
            return int(saver.conn.execute("SELECT SUM(LENGTH(checkpoint)) FROM checkpoints").fetchone()[0])

    assert 3.5 < stored(40) / stored(20) < 4.5, "twice the steps, four times the bytes"


@pytest.mark.filterwarnings("ignore:`durability` has no effect:UserWarning")  # told, and then it crashes all the same
@pytest.mark.parametrize(("durability", "crashes"), [("sync", True), ("async", False), ("exit", False)])
async def test_line_21_sync_durability_crashes_without_a_checkpointer(durability: Durability, crashes: bool) -> None:
    run = compiled(GoesToB()).ainvoke({}, durability=durability)
    if crashes:
        with pytest.raises(AttributeError, match="_put_checkpoint_fut"):
            await run
    else:
        assert (await run)["x"] == 1


@pytest.mark.parametrize("strict", [True, False])
def test_safety_a_tampered_checkpoint_runs_code_unless_it_is_read_strictly(strict: bool, tmp_path: Path) -> None:
    """LANGGRAPH_STRICT_MSGPACK=true makes strict the default; tests/conftest.py and graph/__init__.py set it."""
    folder = tmp_path / "made-by-a-checkpoint"
    call = ormsgpack.packb(["os", "mkdir", str(folder)])
    tampered = ormsgpack.packb(ormsgpack.Ext(EXT_CONSTRUCTOR_SINGLE_ARG, call))
    serializer = JsonPlusSerializer() if strict else JsonPlusSerializer(allowed_msgpack_modules=True)
    serializer.loads_typed(("msgpack", tampered))
    assert folder.exists() is not strict
