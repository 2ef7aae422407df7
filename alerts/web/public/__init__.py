"""The town's own page: the current alerts, a lasting page for each incident, and the same for machines.

    snapshot.py (incidents in words) ──▶ machine.py, site.py (documents and pages) ──▶ publisher.py ──▶ export.py

Every answer is made once per change and kept as bytes; a request for it runs nothing.
"""
