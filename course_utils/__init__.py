"""The package behind the course: one module per idea of the lecture.

Importing it loads nothing, downloads nothing and prints nothing.
"""
