"""The API, `/api/v1`: programs post, validate and look on under their own tokens.

operation.py (what there is) ──▶ document.py (OpenAPI) and app.py: guard ──▶ reading ──▶ handler ──▶ answer or problem
"""
