"""What trust needs from the network: configuration, OCSP and time-stamps, bounded."""

from camdx_bridge.fetching.configuration import (
    ConfigurationClient,
    ConfigurationStore,
    FileStore,
    GlobalConfiguration,
    MemoryStore,
    Snapshot,
)
from camdx_bridge.fetching.http import Answered, Fetcher, HttpFetcher
from camdx_bridge.fetching.ocsp_client import OcspClient
from camdx_bridge.fetching.timestamp_client import Stamped, TimestampClient

__all__ = [
    "Answered",
    "ConfigurationClient",
    "ConfigurationStore",
    "Fetcher",
    "FileStore",
    "GlobalConfiguration",
    "HttpFetcher",
    "MemoryStore",
    "OcspClient",
    "Snapshot",
    "Stamped",
    "TimestampClient",
]
