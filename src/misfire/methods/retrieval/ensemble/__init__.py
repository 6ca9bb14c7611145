"""The ablation cell: many prompts a caption, pooled, against the plain caption."""
