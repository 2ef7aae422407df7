"""The stand-in of Facebook: the Graph API of a Page."""
