"""The configuration: one TOML file read into typed, frozen options, each mistake reported with its place."""
