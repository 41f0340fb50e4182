"""How long a test waits for another process: long enough for the busiest machine, but not for ever."""

PATIENCE = 900  # seconds, after which something hangs; no measure of speed
