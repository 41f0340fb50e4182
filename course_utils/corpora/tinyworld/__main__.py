"""Write the shipped sample: `python -m course_utils.corpora.tinyworld`."""

from course_utils.corpora.tinyworld.shipped import write

write()
