"""X: `wire` signs and sends, `answers` tells what an answer means, `channel` is the channel."""
