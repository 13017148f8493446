"""Tests of stream management."""
