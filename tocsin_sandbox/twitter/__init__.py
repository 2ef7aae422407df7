"""The stand-in of X: API v2 as `api.x.com` answers it."""
