"""A Hydra sweeper that works off a misfire study: it takes trials, launches their jobs and tells what came out."""
