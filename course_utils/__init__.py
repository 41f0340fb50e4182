"""The package behind the course: one module per idea of the lecture.

Importing it loads no model and no library, downloads nothing and prints nothing.
"""

from course_utils.threads import let_threads_sleep

let_threads_sleep()  # before anything imports torch, for the commands `python -m course_utils....`
