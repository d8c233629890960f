"""Build hook: puts the bundled models into the wheel, inside the package, where an installed kbsearch looks for them.

An editable installation reads them from `models/` in the checkout and copies nothing.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundledModels(BuildHookInterface):
    """Includes `models/registry.toml` and every model directory that it names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; `version` is "editable" or "standard"."""
        if version == "editable":
            return
        models = Path(self.root) / "models"
        registry = models / "registry.toml"
        entries = tomllib.loads(registry.read_text(encoding="utf-8"))["models"]
        for path in (registry, *(models / entry["path"] for entry in entries.values())):
            build_data["force_include"][str(path)] = f"kbsearch/models/{path.name}"
