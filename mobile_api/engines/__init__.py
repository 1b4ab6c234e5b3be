"""Image engines and the one door to them: `Workers`, a process pool with limits."""

from mobile_api.engines.loading import (
    DevelopmentModeWarning,
    DisabledEngine,
    EngineRefused,
    load_engine,
)
from mobile_api.engines.worker import EngineNames, Ready
from mobile_api.engines.workers import (
    EngineDisabled,
    EngineProblem,
    JobFailed,
    JobTimedOut,
    PoolBusy,
    PoolLimits,
    Workers,
)

__all__ = [
    "DevelopmentModeWarning",
    "DisabledEngine",
    "EngineDisabled",
    "EngineNames",
    "EngineProblem",
    "EngineRefused",
    "JobFailed",
    "JobTimedOut",
    "PoolBusy",
    "PoolLimits",
    "Ready",
    "Workers",
    "load_engine",
]
