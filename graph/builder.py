"""The picture of the agent."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graph.context import Context
from graph.routing import after_plan, after_reflect
from graph.services import Services
from graph.state import Input, Output, State
from graph.telling import GRAPH_NAME, RunEnds
from nodes.execute import Executor
from nodes.plan import Planner
from nodes.planner_reply import MAX_SUBTASKS
from nodes.reflect import Reflector
from nodes.retrieve_cases import CaseRetriever
from nodes.write_memory import CaseWriter

MAX_CYCLES = 100
RECURSION_LIMIT = (MAX_CYCLES + 1) * (2 * MAX_SUBTASKS + 2) + 2
"""The budget of cycles ends a run long before this; it stops a loop the budget does not see."""


_graphs: WeakKeyDictionary[Services, CompiledStateGraph[State, Context, Input, Output]] = WeakKeyDictionary()


def graph_of(services: Services) -> CompiledStateGraph[State, Context, Input, Output]:
    """The graph around the services, built once for all their runs: building costs as much as a few steps."""
    graph = _graphs.get(services)
    if graph is None:
        graph = _graphs[services] = build_graph(services)
    return graph


def build_graph(services: Services) -> CompiledStateGraph[State, Context, Input, Output]:
    """Wire the nodes around the services. Compiled with the services' checkpointer, or none for a server's own."""
    models, memory, prompts, settings = services.models, services.memory, services.prompts, services.settings
    attachments, runs = services.attachments, services.runs

    graph = StateGraph(State, context_schema=Context, input_schema=Input, output_schema=Output)
    graph.add_node("retrieve_cases", CaseRetriever(runs, memory, settings))
    graph.add_node("plan", Planner(runs, models, prompts, attachments, settings))
    executor = Executor(runs, models, services.tools, memory, prompts, attachments, services.results, settings)
    graph.add_node("execute", executor)
    graph.add_node("reflect", Reflector(runs, models, prompts))
    graph.add_node("write_memory", CaseWriter(runs, memory, prompts, settings))

    graph.add_edge(START, "retrieve_cases")
    graph.add_edge("retrieve_cases", "plan")
    graph.add_conditional_edges("plan", after_plan, ["execute", "reflect"])
    graph.add_edge("execute", "reflect")
    graph.add_conditional_edges("reflect", after_reflect, ["execute", "plan", "retrieve_cases", "write_memory"])
    graph.set_finish_point("write_memory")

    compiled = graph.compile(checkpointer=services.checkpointer, name=GRAPH_NAME)
    return compiled.with_config(recursion_limit=RECURSION_LIMIT, callbacks=[RunEnds(services.teller)])
