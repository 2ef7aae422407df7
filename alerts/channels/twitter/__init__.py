"""X: `wire` signs and sends, `answers` interprets answers, `channel` is the channel."""
