"""The API, `/api/v1`: programs post, validate and read under their own tokens.

document.py (the operations) ──▶ app.py: guard ──▶ strict reading ──▶ queries or commands ──▶ answer or problem
"""
