"""The town's own page: what is on now, a lasting page for each incident, and the same for machines.

Every answer is made once per change and kept as bytes; asking for it runs nothing.
"""
