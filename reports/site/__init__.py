"""The static site of one or more runs: leaderboard, chart, codecs, clips, player."""
