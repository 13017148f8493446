"""Tests of moving in and out: readers, writers, backups."""
