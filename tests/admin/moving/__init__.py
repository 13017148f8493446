"""Tests of imports and exports as they are run."""
