"""The one exception tree. The three branches say who can fix it; the message is one line a person can act on.

MementoError
├── UserError                  the caller: exit code 2
│   ├── ConfigurationError     a setting, a key, a model name, an mcp.json
│   └── InvalidInputError      a question, a file, an identifier, an import row
├── OperatorError              the machine or a service: exit code 1, the run can be resumed
│   ├── ModelUnavailableError  endpoint unreachable, overloaded, timing out
│   ├── CaseBankError          case bank unreachable, damaged
│   │   └── CaseBankInUseError another process holds it
│   ├── CheckpointError        checkpoints unreachable or damaged
│   │   └── RunInUseError      another process works on the thread
│   ├── ToolServerError        an MCP server does not start, died, or hangs
│   └── SandboxError           no sandbox to run code or parsers in
└── AgentError                 the model: exit code 1
    ├── PlanFormatError        no readable plan or answer after the repair round
    ├── RequestTooLongError    a request the model's context cannot hold, also after it was shortened
    ├── ToolCallError          a tool refused its arguments or failed
    └── BudgetReachedError     a budget of the run leaves no room for a call; nodes end the run in order
"""

from typing import Literal, TypeAlias

BudgetName: TypeAlias = Literal["cycles", "llm_calls", "tokens", "cost", "seconds", "tool_seconds"]


class MementoError(RuntimeError):
    """Base of everything this project raises on purpose.

    A RuntimeError, because LangGraph API servers hide the message of any exception that is not of a builtin kind.
    """


class UserError(MementoError):
    """The caller can fix it."""


class ConfigurationError(UserError):
    """A setting, a key, a model name or a configuration file is wrong."""


class InvalidInputError(UserError):
    """A question, a file, an identifier or an imported row cannot be used."""


class OperatorError(MementoError):
    """The machine or a service can be fixed; the run can be resumed then."""


class ModelUnavailableError(OperatorError):
    """The model endpoint is unreachable, overloaded or too slow."""


class CaseBankError(OperatorError):
    """The case bank is unreachable, locked by another process or damaged."""


class CaseBankInUseError(CaseBankError):
    """Another process holds the case bank."""


class CheckpointError(OperatorError):
    """The checkpoint database is unreachable or damaged."""


class RunInUseError(CheckpointError):
    """Another run, in this process or another one, has the thread."""


class ToolServerError(OperatorError):
    """An MCP server does not start, died or hangs."""


class SandboxError(OperatorError):
    """There is no working sandbox; the message names the cause and the choices."""


class AgentError(MementoError):
    """The language model did not deliver."""


class PlanFormatError(AgentError):
    """The planner's reply holds neither a plan nor a final answer."""


class RequestTooLongError(AgentError):
    """The request is longer than the model's context."""


class ToolCallError(AgentError):
    """A tool refused its arguments or failed; the message is meant for the model."""


class BudgetReachedError(AgentError):
    """A budget of the run leaves no room for a call, or cut it short. Nodes handle it: the run ends in order.

    Attributes:
        budget: which one.
        said: what the model had said until it was cut short.
    """

    def __init__(self, budget: BudgetName, said: str = "") -> None:
        super().__init__(f"the run's budget ({budget}) leaves no room for this")
        self.budget: BudgetName = budget
        self.said = said
