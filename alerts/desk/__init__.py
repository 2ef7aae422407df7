"""What decides: seen before or not, here or not, grave enough or not, out at once or past somebody's eyes.

`actions` is the one door: the command line, the feeds and whatever comes later act through it, each action one
transaction. What the desk leaves out, it can say why.
"""
