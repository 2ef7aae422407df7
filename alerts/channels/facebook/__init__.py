"""Facebook: `answers` interprets answers, `channel` is the channel."""
