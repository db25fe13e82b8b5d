"""Writes the sync package: reads the source of `convoso_async`, and gives each public part its sync twin.

    python -m convoso_sync._generate            writes the files
    python -m convoso_sync._generate --check    says whether they are as they should be

What is taken, and what is not and why, stands in `tables`; `source` reads, `writing` writes, and `twins` has
the rules for each kind of module. A part of the source that they do not name, or that the rules do not cover,
is an error: nothing is skipped. The text comes out formatted.
"""
