"""How long a test waits for another process: long enough for the busiest machine, but not for ever."""

PATIENCE = 900  # seconds, after which something hangs; no measure of speed
IN_A_PAGE = 180  # the same for what a page does, such as drawing after a key was pressed
