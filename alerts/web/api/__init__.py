"""The API, `/api/v1`: programs post, validate and look on under their own tokens.

document.py (what there is) ──▶ app.py: guard ──▶ strict reading ──▶ queries or commands ──▶ answer or problem
"""
