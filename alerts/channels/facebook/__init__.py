"""Facebook: `answers` tells what an answer means, `channel` is the channel."""
