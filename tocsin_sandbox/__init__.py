"""Local stand-ins of the platforms, strict where these are, with faults on demand.

They check the other rooms from outside, so they import none of them.
"""

from tocsin_sandbox.server import RunningSandbox, create_app, serve
from tocsin_sandbox.settings import SandboxSettings

__all__ = ["RunningSandbox", "SandboxSettings", "create_app", "serve"]
