"""Where the Wilson interval was before it had a file of its own."""

from misfire.stats.proportion import wilson_interval as wilson_interval
